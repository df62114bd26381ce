"""A uniform sample of the tokens, large enough that Bernstein's inequality bounds the error."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.merged.weighted import WeightedTokens
from lowerbound.ceiling.coresets import sample_size, spare
from lowerbound.ceiling.promise import promise
from lowerbound.core.bits import FP32_BITS, BitReader, BitWriter
from lowerbound.core.cache import Public
from lowerbound.core.coins import Coins


class SampledTokens(WeightedTokens):
    """m tokens drawn by public coins, each with weight n / m: an output is within eta with probability 99 %.

    Idea: if |logits| are at most lambda, no token has more than e^(2 lambda) times the average weight. Then
    m = ln(2 / delta) e^(2 lambda) (1/2 + 2 eta^2 + 2 eta / 3) / eta^2 tokens suffice, for any number of tokens
    (`ceiling.coresets`). Public coins rank all places of the schedule, and the first m in rank of the places seen so
    far stay. This is a uniform sample after every scale, and which places it has costs no bits. eta is the public
    grid's error, or 1/100 without a grid; delta = 1/100 is for one coordinate of one query. Bits: 64 d min(n, m).
    Broken by: keys of norm other than 1, values outside [0, 1], queries whose logits exceed the multiplier lambda, and
    tokens chosen after the coins are drawn. If m >= T it keeps all tokens, in float32.
    """

    family: ClassVar[str] = "guaranteed"
    reference: ClassVar[str] = "uniform sampling without replacement: Hoeffding 1963; Bernstein's inequality"
    FAILURE_PROB: ClassVar[Fraction] = Fraction(1, 100)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.most = self.promised_size(public)
        self._ranks = Coins(public.seed, "sampled places").generator().permutation(public.schedule.n_tokens)

    @classmethod
    def promised_size(cls, public: Public) -> int:
        """m: the number of tokens that suffices; if no number does, all tokens of the schedule."""
        multiplier, eta = promise(public)
        left = eta - spare(multiplier, 1)
        return public.schedule.n_tokens if left <= 0 else sample_size(multiplier, left, cls.FAILURE_PROB)

    def places(self, n_seen: int) -> NDArray[np.int64]:
        """Which of the first `n_seen` places are kept, in ascending order."""
        first: NDArray[np.int64] = np.sort(np.argsort(self._ranks[:n_seen], kind="stable")[: self.most])
        return first

    def write(self, writer: BitWriter) -> None:
        stored = np.concatenate([self.places(self.n_old), np.arange(self.n_old, self.n_seen)])
        kept = np.searchsorted(stored, self.places(self.n_seen))
        writer.floats("payload", self.keys[kept], width=FP32_BITS)
        writer.floats("payload", self.values[kept], width=FP32_BITS)

    def read(self, reader: BitReader) -> None:
        count, d = min(self.n_old, self.most), self.public.d
        self.keys = reader.floats(count * d, width=FP32_BITS).reshape(count, d)
        self.values = reader.floats(count * d, width=FP32_BITS).reshape(count, d)
        self.log_weights = np.full(count, math.log(self.n_old / count) if count else 0.0)
