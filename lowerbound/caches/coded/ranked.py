"""Caches that know the class of the values, and store which member it is: one number, in ceil(log2 size) bits."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.coded import KnownKeys
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.enumerative import ProductCode
from lowerbound.errors import CorruptState, InvalidArgument


class RankedMember(KnownKeys):
    """Template: all values so far become the nearest member of a public class, and that its rank.

    A final class says which words its members have, and what values a word stands for. Values outside the class are
    moved into it, which is how such a cache errs.
    """

    family: ClassVar[str] = "structured"
    budget_meaning: ClassVar[str] = "the size of the class, as told in the text"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        if self.needs_bits and self._grid.n_levels != 2:
            raise InvalidArgument(
                f"{type(self).__name__} must be played with 2 value levels, got {self._grid.n_levels}"
            )

    needs_bits: ClassVar[bool] = True
    """Whether members have entries 0 and 1 alone."""

    def forget(self) -> None:
        super().forget()
        self._old: FloatArray = np.zeros((0, self.public.d))

    @property
    def claimed_ratio(self) -> None:
        """None: a budget says how large the class is, and claims no compression."""
        return None

    @property
    def old_values(self) -> FloatArray:
        return self._old

    @abstractmethod
    def code(self, n_tokens: int) -> ProductCode:
        """The words of the members on the first `n_tokens` tokens."""

    @abstractmethod
    def word_of(self, values: FloatArray) -> Sequence[int]:
        """The word of the nearest member: of a member, its own."""

    @abstractmethod
    def member(self, word: Sequence[int], n_tokens: int) -> FloatArray:
        """The values of a word, shape (n_tokens, d)."""

    def write(self, writer: BitWriter) -> None:
        values = np.concatenate([self._old, self._new_values])
        self.code(len(values)).write(writer, self.word_of(values))

    def read(self, reader: BitReader) -> None:
        self.forget()
        word = self.code(self.n_old).read(reader)
        self._old = self.member(word, self.n_old)
        if list(self.word_of(self._old)) != list(word):
            raise CorruptState("state must hold the word of a member, got one that no member has")


def as_bits(values: FloatArray) -> list[int]:
    """Entries as 0 or 1, at the threshold 1/2, row by row."""
    flat: list[int] = (values > 0.5).astype(np.int64).ravel().tolist()
    return flat
