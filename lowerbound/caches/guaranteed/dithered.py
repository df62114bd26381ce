"""Keys and values on grids that public coins shift for each token: answers within eta with probability 99 %."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.guaranteed.word_tokens import WordTokens
from lowerbound.ceiling.dithered import Dithered
from lowerbound.ceiling.promise import promise
from lowerbound.ceiling.sequences import SequenceCode
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins


class GuaranteedDithered(WordTokens):
    """Grids shifted by public coins, for each token anew: each entry of an answer is within eta with chance 99 %.

    Idea: with a uniform shift, a rounding error is uniform in its cell, whatever is rounded. With a shift of its own
    for each token, keys and values apart, the errors are independent. A query chosen without knowledge of the coins
    sees their weighted mean, so that grids may be much coarser than if all errors could point the same way
    (`ceiling.dither_bound`, proved in docs/dithered.md): half a value's cell is about 2 eta / 3, and at d = 64 a key's
    cells are over five times as wide as those of `guaranteed-z`. It is the cheapest cache here with a proof: 75.3 % of
    fp16 at eta = 1/1000, delta = 1/100 and lambda = 100 on VAR-256. A token is one of N = (points near the sphere) (n
    + 1)^d words, for cells of width 1/n, and 64 tokens are one number. Bits: 16, and ceil(log2 N^64) for each block of
    64 tokens, ceil(log2 N^r) for the r that are left. Broken by: queries chosen after the coins are drawn, keys of
    norm other than 1, values outside [0, 1], and queries whose logits exceed the multiplier lambda.
    """

    reference: ClassVar[str] = "subtractive dither: Schuchman 1964; the promise: docs/dithered.md"
    failure_prob: ClassVar[Fraction] = Fraction(1, 100)
    terms: Dithered

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        shape = max(1, public.schedule.n_tokens), public.d
        self._value_shifts = Coins(public.seed, "guaranteed dither of values").generator().random(shape)

    @classmethod
    def promised(cls, public: Public) -> Dithered:
        multiplier, eta = promise(public)
        n_tokens = max(1, public.schedule.n_tokens_cached)
        return Dithered.fit(n_tokens, public.d, multiplier=multiplier, eta=eta, failure_prob=cls.failure_prob)

    def key_shifts(self, public: Public) -> FloatArray:
        shape = max(1, public.schedule.n_tokens), public.d
        return Coins(public.seed, "guaranteed dither of keys").generator().random(shape)

    def cells_of(self, values: FloatArray) -> NDArray[np.int64]:
        shifts, steps = self._value_shifts[self.n_old : self.n_seen], self.terms.steps
        # The first of the n + 1 multiples of 1/n, so shifted, to which a value may be rounded is that of 0.
        first = np.floor(0.5 - shifts)
        cells: NDArray[np.int64] = np.clip(np.floor(steps * values - shifts + 0.5) - first, 0, steps).astype(np.int64)
        return cells

    def values_of(self, cells: NDArray[np.int64]) -> FloatArray:
        shifts = self._value_shifts[: self.n_old]
        values: FloatArray = (cells + np.floor(0.5 - shifts) + shifts) / self.terms.steps
        return values

    def write_words(self, writer: BitWriter, words: list[int], n_words: int) -> None:
        SequenceCode(self.n_seen, n_words).write(writer, words)

    def read_words(self, reader: BitReader, n_words: int) -> list[int]:
        return SequenceCode(self.n_old, n_words).read(reader)
