"""Caches that know the set (class) of possible values, and store which member occurs, in ceil(log2 size) bits."""

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
    """Template: all values so far are replaced by the nearest member of a public set, whose rank is stored.

    A member is described by a word, a sequence of small integers. A final class maps values to the word of the nearest
    member in `word_of`, and a word to its values in `member`. Values outside the set are changed by this, which is
    how such a cache errs.
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
    """Whether all entries of members are 0 or 1, so that the game must have 2 value levels."""

    def forget(self) -> None:
        super().forget()
        self._old: FloatArray = np.zeros((0, self.public.d))

    @property
    def old_values(self) -> FloatArray:
        return self._old

    @abstractmethod
    def code(self, n_tokens: int) -> ProductCode:
        """The code for the words of members that cover the first `n_tokens` tokens."""

    @abstractmethod
    def word_of(self, values: FloatArray) -> Sequence[int]:
        """The word of the member nearest to `values`; if `values` is a member, its own word."""

    @abstractmethod
    def member(self, word: Sequence[int], n_tokens: int) -> FloatArray:
        """The values that a word represents, shape (n_tokens, d)."""

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
    """All entries, row by row, as 1 if above 1/2 and else 0."""
    flat: list[int] = (values > 0.5).astype(np.int64).ravel().tolist()
    return flat
