"""The visual prior: in each channel, a map repeats the map before it, except in a few cells."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar, Self

import numpy as np

from lowerbound.core.enumerative import SparseWords
from lowerbound.core.priors.plain import cells_above
from lowerbound.core.priors.prior import LARGEST_ALPHABET, FloatArray, Group, IntArray, Prior, bits_of, no_such
from lowerbound.core.schedule import ScaleSchedule

TABLE_SHARES = (64, 128, 256, 512, 1024)


@lru_cache(maxsize=16)
def repeated(schedule: ScaleSchedule) -> IntArray:
    """For each token, the token of the previous map that covers it; -1 on the first map and for prompt tokens.

    The array has shape (n_tokens,) and is read-only.
    """
    found = np.full(schedule.n_tokens, -1)
    for scale in range(1, schedule.n_scales):
        found[schedule.rows_of(scale)] = cells_above(schedule, scale, scale - 1)
    found.setflags(write=False)
    return found


def most_changes(share: Fraction, n_cells: int) -> int:
    """The number of cells, max(1, floor(share n)), of a channel of n cells that may differ from the previous map."""
    return max(1, int(share * n_cells))


@dataclass(frozen=True)
class PyramidDetailPrior(Prior):
    """Each channel of a map equals the previous map, enlarged by repetition, except in a few cells.

    The differences (XOR) are the detail coefficients of a Haar pyramid with lifting, over bits instead of reals. The
    coarsest map is compared with 0.
    """

    name: ClassVar[str] = "pyramid"
    lemma: ClassVar[str] = "prior_pyramid"

    one_in: int

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        for one_in in TABLE_SHARES:
            prior = cls(schedule, d, one_in)
            if max(words.size for words in prior._words) <= LARGEST_ALPHABET:
                return prior
        raise no_such(cls.name, f"one cell in {TABLE_SHARES[-1]} of a map is more than a symbol holds")

    @property
    def definition(self) -> str:
        return (
            f"in each channel, at most one cell in {self.one_in} of a map, and at least one, may differ from the map "
            "before, repeated; 0 or 1"
        )

    @property
    def _words(self) -> list[SparseWords]:
        sizes = [self.schedule.tokens_at(k) for k in range(self.schedule.n_scales - 1)]
        return [SparseWords(size, most_changes(self.budget, size)) for size in sizes]

    @property
    def groups(self) -> tuple[Group, ...]:
        return tuple(
            Group(f"details of map {scale}", words.size, self.d, words.length)
            for scale, words in enumerate(self._words)
        )

    def values(self, symbols: IntArray) -> FloatArray:
        above = repeated(self.schedule)
        rows = np.zeros((self.n_tokens, self.d), dtype=np.int64)
        for scale, (words, ranks) in enumerate(zip(self._words, symbols.reshape(-1, self.d), strict=True)):
            part = self.schedule.rows_of(scale)
            detail = np.array([words.word(int(rank)) for rank in ranks], dtype=np.int64).T
            rows[part] = detail ^ base_of(rows, above[part])
        return rows.astype(np.float64)

    def symbols(self, values: FloatArray) -> IntArray:
        rows, above, found = bits_of(values), repeated(self.schedule), []
        for scale, words in enumerate(self._words):
            part = self.schedule.rows_of(scale)
            detail = rows[part] ^ base_of(rows, above[part])
            found += [nearest_rank(words, column) for column in detail.T.tolist()]
        return np.array(found, dtype=np.int64)

    @property
    def budget(self) -> Fraction:
        return Fraction(1, self.one_in)


def base_of(rows: IntArray, above: IntArray) -> IntArray:
    """The rows of the covering tokens `above` in the previous map; 0 where `above` is -1."""
    found: IntArray = np.where(above[:, None] >= 0, rows[above], 0)
    return found


def nearest_rank(words: SparseWords, word: list[int]) -> int:
    """The rank of a word; if more than `words.most` letters are nonzero, only the first `most` of these are kept.

    `word` is changed in place in that case.
    """
    for at in [at for at, letter in enumerate(word) if letter][words.most :]:
        word[at] = 0
    return words.rank(word)
