"""H2O: keep the tokens that have received the most attention, and the newest ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import Eviction, IndexArray, heavy_and_recent
from lowerbound.core.bits import FP32_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.oracle.attention import attention_mass


class H2O(Eviction):
    """Heavy hitters: the tokens with the largest sums of attention weights over all scales so far stay.

    Idea: after each scale, every stored token's score grows by the softmax weights that the scale's queries gave it.
    The newest half of the budget stays, and of the older tokens those with the highest scores; ties go to the older
    token. The scores are part of the state. Bits: B (2 d 16 + 32). Broken by: a query for any token that earlier
    queries did not single out.
    Reference code differs: it evicts after every token; this class evicts after every scale, because next-scale
    generation appends whole scales.
    """

    reference: ClassVar[str] = "Zhang et al. 2023, arXiv:2306.14048"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, half heavy hitters and half recent"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.scores: FloatArray = np.zeros(0)

    def write(self, writer: BitWriter) -> None:
        self.scores = np.pad(self.scores, (0, len(self.keys) - len(self.scores)))
        if len(self.queries):
            self.scores = self.scores + attention_mass(self.queries, self.keys, rule=self.public.rule)
            self.queries = self.queries[:0]  # Each query counts once, even if this state turns out to be unwritable.
        super().write(writer)

    def survivors(self, count: int) -> IndexArray:
        return heavy_and_recent(self.scores, count)

    def write_scores(self, writer: BitWriter, kept: IndexArray) -> None:
        writer.floats("scores", self.scores[kept], width=FP32_BITS)

    def read_scores(self, reader: BitReader, count: int) -> None:
        self.scores = reader.floats(count, width=FP32_BITS)
