"""The interface of a prior: a public class of value matrices, the word of symbols that names each member, and a margin.

The margin says how far the entries that Bob reads may be off. Any cache from which Bob can name a uniform member of the
class must keep log2 of the size of the class, in bits.
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
"""The largest number of levels of one symbol of Alice's."""


@dataclass(frozen=True)
class Group:
    """`count` independent symbols of a member, each uniform in [0, n_levels).

    Bob computes each symbol from `n_answers` answers.
    """

    name: str
    n_levels: int
    count: int
    n_answers: int = 1


@dataclass(frozen=True)
class Prior(ABC):
    """A finite class of value matrices of the cached tokens of one head, shape (T, d), entries in [0, 1].

    Contract: `values` is injective on the words of `groups`; and if every entry of a matrix differs by less than
    `margin` from that of `values(word)`, then `symbols` returns `word` for this matrix. A class may let several tokens
    share a key (`key_of`); attention then reads the mean of their values.

    Parameters
    ----------
    schedule : ScaleSchedule
        The maps; all but the last are cached.
    d : int
        Head dimension.
    """

    name: ClassVar[str]
    lemma: ClassVar[str]
    """The lemma of the proof book which proves that Bob can tell the members apart."""
    helps: ClassVar[bool] = True
    """Whether the class is smaller than the class of all matrices."""

    schedule: ScaleSchedule
    d: int

    @classmethod
    @abstractmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        """The class with the parameters of the printed table.

        Contract: ImpossibleReduction if these maps have no such class.
        """

    @property
    @abstractmethod
    def definition(self) -> str:
        """One sentence that defines the class exactly."""

    @property
    @abstractmethod
    def groups(self) -> tuple[Group, ...]:
        """The groups of symbols of a word, in order; every group has at least two levels."""

    @abstractmethod
    def values(self, symbols: IntArray) -> FloatArray:
        """The member that a word of symbols names, shape (T, d)."""

    @abstractmethod
    def symbols(self, values: FloatArray) -> IntArray:
        """The word of the member near a matrix of shape (T, d); the word has shape (n_symbols,)."""

    @property
    def margin(self) -> Fraction:
        """The error below which every entry must be read for Bob to name every symbol."""
        return Fraction(1, 2)

    @property
    def n_value_levels(self) -> int:
        """The number of equidistant levels from 0 to 1 on which all entries lie."""
        return 2

    @property
    def budget(self) -> Fraction | None:
        """The nominal budget at which a cache codes this class exactly; None if such caches take no budget."""
        return None

    @cached_property
    def key_of(self) -> IntArray:
        """The number of the public key of each cached token, shape (T,); by default every token has its own key."""
        return np.arange(self.n_tokens)

    def runs(self) -> Iterator[IntArray]:
        """For each run of the last scale, the cached tokens that its queries ask for; together they are all tokens."""
        size = self.schedule.tokens_at(self.schedule.n_scales - 1)
        for start in range(0, self.n_tokens, size):
            yield np.arange(start, min(start + size, self.n_tokens))

    @property
    def n_tokens(self) -> int:
        """T, the number of cached tokens."""
        return self.schedule.n_tokens_cached

    @property
    def n_symbols(self) -> int:
        """The number of symbols of a member, over all groups."""
        return sum(group.count for group in self.groups)

    @property
    def size(self) -> int:
        """The exact number of members of the class."""
        size = 1
        for group in self.groups:
            size *= group.n_levels**group.count
        return size

    @property
    def size_bits(self) -> float:
        """log2 of the size, rounded down: the lower bound (floor) in bits at error 0."""
        return self.floor_bits(Fraction(0))

    def floor_bits(self, delta: Fraction) -> float:
        """A lower bound on the bits of any state from which each group's symbols are named with mean error <= delta.

        Contract: the sum over groups of count (log2 L - H2(e) - e log2(L - 1)), rounded down, where e is the smaller of
        delta and 1 - 1/L, the error of a guess; delta outside [0, 1] raises InvalidArgument.
        Paper: Fano's inequality for each symbol; symbols are independent.
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
        """The parameters of the class other than `schedule` and `d`, by name."""
        return {name: value for name, value in asdict(self).items() if name not in ("schedule", "d")}


def bits_of(values: FloatArray) -> IntArray:
    """Entries rounded to 0 or 1, with threshold 1/2."""
    return (values > 0.5).astype(np.int64)


def no_such(name: str, why: str) -> ImpossibleReduction:
    """The error that says why a prior does not exist on these maps."""
    return ImpossibleReduction(f"prior {name} must exist on these maps, got none: {why}")
