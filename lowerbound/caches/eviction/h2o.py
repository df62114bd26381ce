"""H2O: keep the tokens that have received the most attention, and the newest ones."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, StoredTokens, tokens_within
from lowerbound.core.oracle.attention import attention_mass

FLOAT_BITS = 16
SCORE_BITS = 32


class H2O(StoredTokens):
    """Heavy hitters: the running sum of attention weights decides who stays.

    Idea: after each scale, every stored token's score grows by the softmax weight that the scale's queries gave it;
    the newest half of the budget stays, and of the rest the highest scores. Scores are state. Ties go to the older
    token. Bits: B (2 d 16 + 32). Broken by: a query for any token that earlier queries did not single out.
    Reference code differs: one token a step; here one scale a step, as next-scale generation appends.
    """

    family: ClassVar[str] = "eviction"
    reference: ClassVar[str] = "Zhang et al. 2023, arXiv:2306.14048"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, half heavy hitters and half recent"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.scores: FloatArray = np.zeros(0)
        self._queries: FloatArray = np.zeros((0, public.d))

    @property
    def capacity(self) -> int:
        """B, tokens kept."""
        return tokens_within(self.budget, self.public.schedule.n_tokens_cached)

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys, values, scale, queries)
        self._queries = np.concatenate([self._queries, keys if queries is None else queries])

    def write(self, writer: BitWriter) -> None:
        scores = np.pad(self.scores, (0, len(self.keys) - len(self.scores)))
        if len(self._queries):
            scores = scores + attention_mass(self._queries, self.keys, rule=self.public.rule)
        kept = self._survivors(scores)
        writer.floats("payload", self.keys[kept], width=FLOAT_BITS)
        writer.floats("payload", self.values[kept], width=FLOAT_BITS)
        writer.floats("scores", scores[kept], width=SCORE_BITS)

    def _survivors(self, scores: FloatArray) -> FloatArray | slice:
        if len(scores) <= self.capacity:
            return slice(None)
        n_recent = self.capacity // 2
        n_older = len(scores) - n_recent
        heavy = np.argsort(-scores[:n_older], kind="stable")[: self.capacity - n_recent]
        return np.concatenate([np.sort(heavy), np.arange(n_older, len(scores))])

    def read(self, reader: BitReader) -> None:
        kept, d = min(self.n_seen, self.capacity), self.public.d
        self.keys = reader.floats(kept * d, width=FLOAT_BITS).reshape(kept, d)
        self.values = reader.floats(kept * d, width=FLOAT_BITS).reshape(kept, d)
        self.scores = reader.floats(kept, width=SCORE_BITS)
        self._queries = np.zeros((0, d))
