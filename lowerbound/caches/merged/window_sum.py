"""A window of exact tokens, and one running sum of the values of all tokens that left the window."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.merged.weighted import weighted_attention
from lowerbound.core.bits import FP16_BITS, FP32_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, StoredTokens, bits_of_pairs, tokens_within
from lowerbound.errors import CorruptState


class WindowSum(StoredTokens):
    """The last W pairs exactly; older tokens count with logit 0, so only the sum U of their values is kept.

    Idea: if a sliding window masks old keys but not old values, every older token has weight e^0 = 1. Then
    out = (sum over the window of e^logit v + U) / (sum over the window of e^logit + n - W) is exact. Bits:
    32 W d + 32 d. Broken by: a query for any older token where keys are not masked, as in this game.
    Low confidence: Compression Barriers states that O(d W) memory suffices for sliding windows; we did not check
    whether this scheme is literally its estimator.
    """

    family: ClassVar[str] = "window"
    reference: ClassVar[str] = "after Haris and Onak 2025 (Compression Barriers), arXiv:2502.15955"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept in the window"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)
    answers_apart: ClassVar[bool] = True

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._sum: FloatArray = np.zeros(public.d)

    @property
    def capacity(self) -> int:
        """W: the number of tokens in the window."""
        return tokens_within(self.budget, self.public.schedule.n_tokens_cached)

    @property
    def counted_bits(self) -> int:
        """The tokens of the window, in float16."""
        return bits_of_pairs(self.public, min(self.public.schedule.n_tokens_cached, self.capacity))

    def attend(self, queries: FloatArray) -> FloatArray:
        n_masked = self.n_seen - len(self.keys)
        if not n_masked:
            return super().attend(queries)
        return weighted_attention(
            queries,
            np.concatenate([np.zeros((1, self.public.d)), self.keys]),
            np.concatenate([self._sum[None] / n_masked, self.values]),
            np.concatenate([[math.log(n_masked)], np.zeros(len(self.keys))]),
            rule=self.public.rule,
        )

    def write(self, writer: BitWriter) -> None:
        n_leaving = max(0, len(self.keys) - self.capacity)
        writer.floats("payload", self.keys[n_leaving:], width=FP16_BITS)
        writer.floats("payload", self.values[n_leaving:], width=FP16_BITS)
        writer.floats("payload", self._sum + self.values[:n_leaving].sum(axis=0), width=FP32_BITS)

    def read(self, reader: BitReader) -> None:
        kept, d = min(self.n_seen, self.capacity), self.public.d
        self.keys = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)
        self.values = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)
        self._sum = reader.floats(d, width=FP32_BITS)
        if kept == self.n_seen and self._sum.any():
            raise CorruptState("state must hold the sum 0 before any value has left the window, got another")
