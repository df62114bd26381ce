"""The prior of few live columns: all tokens are 0 outside the same few coordinates, as in l(1,1)-constrained codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np

from lowerbound.core.enumerative import SparseWords
from lowerbound.core.priors.prior import LARGEST_ALPHABET, FloatArray, Group, IntArray, Prior, bits_of, no_such
from lowerbound.core.schedule import ScaleSchedule


@dataclass(frozen=True)
class Supports:
    """The sets of exactly `size` of `d` columns, numbered from 0 to C(d, size) - 1."""

    d: int
    size: int

    @property
    def count(self) -> int:
        """The number of sets: C(d, size)."""
        return math.comb(self.d, self.size)

    @property
    def _words(self) -> SparseWords:
        return SparseWords(self.d, self.size)

    def rank(self, columns: Sequence[int]) -> int:
        """The number of the set that consists of these columns, which may be in any order."""
        chosen = set(columns)
        return self._words.rank([int(at in chosen) for at in range(self.d)]) - (self._words.size - self.count)

    def columns(self, rank: int) -> list[int]:
        """The columns, in increasing order, of the set with this number: the inverse of `rank`."""
        return [at for at, letter in enumerate(self._words.word(self._words.size - self.count + rank)) if letter]


@dataclass(frozen=True)
class LiveColumnsPrior(Prior):
    """The same c secret coordinates are live for all tokens; every other coordinate is 0.

    The first row of a member is 1 on its live columns, so that Bob can read which they are. The other rows have free
    bits there. Without this convention about the first row, the class would be less than 2^c times as large.
    """

    name: ClassVar[str] = "columns"
    lemma: ClassVar[str] = "prior_columns"

    n_live: int

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        if schedule.n_tokens_cached < 2:
            raise no_such(cls.name, "the first token names the live columns, and nothing else is cached")
        n_live = max(1, d // 8)
        while n_live > 1 and math.comb(d, n_live) > LARGEST_ALPHABET:
            n_live -= 1
        return cls(schedule, d, n_live)

    @property
    def definition(self) -> str:
        return f"the same c = {self.n_live} of {self.d} coordinates, told by the first token, are 0 or 1; all others 0"

    @property
    def supports(self) -> Supports:
        """The possible sets of live columns."""
        return Supports(self.d, self.n_live)

    @property
    def groups(self) -> tuple[Group, ...]:
        values = Group("values", 2, (self.n_tokens - 1) * self.n_live)
        return (Group("columns", self.supports.count, 1), values) if self.supports.count > 1 else (values,)

    def values(self, symbols: IntArray) -> FloatArray:
        n_free = (self.n_tokens - 1) * self.n_live
        rank = int(symbols[0]) if len(symbols) > n_free else 0
        rows = np.zeros((self.n_tokens, self.d))
        live = self.supports.columns(rank)
        rows[0, live] = 1
        rows[1:, live] = symbols[len(symbols) - n_free :].reshape(-1, self.n_live)
        return rows

    def symbols(self, values: FloatArray) -> IntArray:
        live = np.sort(np.argsort(-values[0], kind="stable")[: self.n_live])
        free = bits_of(values[1:, live]).ravel()
        if self.supports.count == 1:
            return free
        return np.concatenate([[self.supports.rank(live.tolist())], free])

    @property
    def budget(self) -> Fraction:
        return Fraction(self.n_live, self.d)
