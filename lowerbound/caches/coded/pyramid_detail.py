"""Maps that repeat the previous map: store, for each channel, the few cells that differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.ranked import RankedMember
from lowerbound.core.cache import FloatArray
from lowerbound.core.enumerative import ProductCode, Range, SparseWords
from lowerbound.core.priors.pyramid import base_of, most_changes, nearest_rank, repeated


class PyramidDetail(RankedMember):
    """For each map and channel, the rank of the set of cells that differ from the previous map, enlarged by repetition.

    Idea: images are smooth, so a finer map adds few details. Of a channel's m cells, the first s = max(1,
    floor(budget m)) that differ are stored as different; the coarsest map is compared with 0. Bits: the sum over maps
    and channels of log2 sum_(w <= s) C(m, w), rounded up once. Broken by: a channel of a map with more than s cells
    that differ.
    """

    reference: ClassVar[str] = "Haar pyramid with lifting: Sweldens 1998; enumerative coding: Cover 1973"
    budget_meaning: ClassVar[str] = "share of the cells of a channel that may differ from the map before, at least one"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 64)

    def _maps(self, n_tokens: int) -> Iterator[tuple[slice, SparseWords]]:
        """For each map of which a token has arrived: its tokens so far, and the possible words of one channel."""
        schedule = self.public.schedule
        for scale in range(schedule.n_scales):
            rows = schedule.rows_of(scale)
            n_cells = min(rows.stop, n_tokens) - rows.start
            if n_cells > 0:
                part = slice(rows.start, rows.start + n_cells)
                yield part, SparseWords(n_cells, most_changes(self.budget, n_cells))

    def code(self, n_tokens: int) -> ProductCode:
        return ProductCode(tuple(Range(words.size, self.public.d) for _, words in self._maps(n_tokens)))

    def word_of(self, values: FloatArray) -> Sequence[int]:
        above, bits, word = repeated(self.public.schedule), (values > 0.5).astype(np.int64), []
        for part, words in self._maps(len(values)):
            base = base_of(bits, above[part])
            ranks = [nearest_rank(words, column) for column in (bits[part] ^ base).T.tolist()]
            word += ranks
            bits[part] = base ^ _details(words, ranks)
        return word

    def member(self, word: Sequence[int], n_tokens: int) -> FloatArray:
        above, d = repeated(self.public.schedule), self.public.d
        bits = np.zeros((n_tokens, d), dtype=np.int64)
        for number, (part, words) in enumerate(self._maps(n_tokens)):
            bits[part] = base_of(bits, above[part]) ^ _details(words, word[number * d : (number + 1) * d])
        return bits.astype(np.float64)


def _details(words: SparseWords, ranks: Sequence[int]) -> np.ndarray:
    """The details, one column per rank: 1 where a cell differs from the previous map, else 0."""
    return np.array([words.word(rank) for rank in ranks], dtype=np.int64).T
