"""What a prior is: a public class of value matrices, its members by their symbols, and how far entries may be off.

A class costs what its logarithm says: any cache that lets Bob name a uniform member keeps log2 of the class' size.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bounds import SYMBOL_FLOOR
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, invalid

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]

LARGEST_ALPHABET = 2**31
"""Levels of one symbol of Alice's."""


@dataclass(frozen=True)
class Group:
    """`count` independent symbols of a member, uniform in [0, n_levels); Bob reads each off `n_answers` answers."""

    name: str
    n_levels: int
    count: int
    n_answers: int = 1


@dataclass(frozen=True)
class Prior(ABC):
    """A class of value matrices of the cached tokens of one head, shape (T, d), entries in [0, 1].

    Contract: `values` is injective on the words of `groups`; and if every entry of a matrix is less than `margin` from
    that of `values(symbols)`, then `symbols` of it returns that word. Attention mixes tokens whose key is the same, so
    a class may say which tokens share one.

    Parameters
    ----------
    schedule : ScaleSchedule
        The maps; all but the last are cached.
    d : int
        Head dimension.
    """

    name: ClassVar[str]
    lemma: ClassVar[str]
    """The lemma of the proof book that tells members apart."""
    scheme: ClassVar[str]
    """The registered cache that meets the floor."""
    helps: ClassVar[bool] = True
    """Whether the class is smaller than that of all matrices."""

    schedule: ScaleSchedule
    d: int

    @classmethod
    @abstractmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        """The class with the parameters that the table shows; ImpossibleReduction where these maps have none."""

    @property
    @abstractmethod
    def definition(self) -> str:
        """The class in one exact sentence."""

    @property
    @abstractmethod
    def groups(self) -> tuple[Group, ...]:
        """The symbols of a member, none of them with a single level."""

    @abstractmethod
    def values(self, symbols: IntArray) -> FloatArray:
        """The member of a word, shape (T, d)."""

    @abstractmethod
    def symbols(self, values: FloatArray) -> IntArray:
        """The word of a matrix near a member, shape (n_symbols,)."""

    @property
    def margin(self) -> Fraction:
        """How near entries must be for Bob to read every symbol."""
        return Fraction(1, 2)

    @property
    def n_value_levels(self) -> int:
        """Entries lie on this many equidistant levels from 0 to 1."""
        return 2

    @property
    def budget(self) -> Fraction | None:
        """The nominal budget at which `scheme` codes this class; None where it has none."""
        return None

    @cached_property
    def key_of(self) -> IntArray:
        """Which public key each cached token has, shape (T,); by default its own."""
        return np.arange(self.n_tokens)

    def runs(self) -> Iterator[IntArray]:
        """The cached tokens that the queries of the last map ask for, run by run; every token is asked for."""
        size = self.schedule.tokens_at(self.schedule.n_scales - 1)
        for start in range(0, self.n_tokens, size):
            yield np.arange(start, min(start + size, self.n_tokens))

    @property
    def n_tokens(self) -> int:
        """T."""
        return self.schedule.n_tokens_cached

    @property
    def n_symbols(self) -> int:
        """Symbols of a member."""
        return sum(group.count for group in self.groups)

    @property
    def size(self) -> int:
        """How many members the class has, exactly."""
        size = 1
        for group in self.groups:
            size *= group.n_levels**group.count
        return size

    @property
    def size_bits(self) -> float:
        """log2 of the size, rounded down: the floor at error 0."""
        return self.floor_bits(Fraction(0))

    def floor_bits(self, delta: Fraction) -> float:
        """Bits of any state that lets each symbol be named with mean error at most delta in its group.

        Contract: rounded down and certain: the sum over groups of count (log2 L - H2(e) - e log2(L - 1)), e = delta or
        the error of a guess, whichever is less. Paper: Fano's inequality on each symbol; symbols are independent.
        """
        if not 0 <= delta <= 1:
            raise invalid("delta", "lie in [0, 1]", str(delta))
        told = [
            SYMBOL_FLOOR.at_least(group.count, group.n_levels, delta)
            for group in self.groups
            if delta < 1 - Fraction(1, group.n_levels)
        ]
        return sum(max(0.0, bits) for bits in told)

    def parameters(self) -> Mapping[str, int | str]:
        """What the class is made with, beside the place."""
        return {name: value for name, value in asdict(self).items() if name not in ("schedule", "d")}


def bits_of(values: FloatArray) -> IntArray:
    """Entries as 0 or 1, at the threshold 1/2."""
    return (values > 0.5).astype(np.int64)


def no_such(name: str, why: str) -> ImpossibleReduction:
    """The error of a class that these maps do not have."""
    return ImpossibleReduction(f"prior {name} must exist on these maps, got none: {why}")
