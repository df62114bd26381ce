"""DiffRate: prune the tokens with the least attention, then merge the next ones into the tokens of nearest key."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.merged.weighted import WeightedTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, bits_of_pairs
from lowerbound.core.oracle.attention import attention_mass
from lowerbound.core.rows import unit_rows
from lowerbound.errors import CorruptState


class DiffRate(WeightedTokens):
    """N_m tokens, each the mean of the tokens merged into it, with a size that biases its logits.

    Idea: rank n tokens by the attention that the newest scale's queries give them. Only the first
    N_p = max(N_m, 3n/4) survive. Of these the first N_m are targets, and each other one, a source, is merged into the
    target with the most similar key. A target's key and value become the plain mean over itself and its sources; its
    size grows by each source's size times the cosine of their keys; its logits get log(size) added. Bits:
    N_m (32 d + 16): sizes are part of the state. Broken by: a query for a merged or pruned token, or for a token into
    which others were merged.
    Reference code differs: it ranks by the class token's attention, measures similarity on the block's input x, and
    learns the rates of each block. Here the attention of the scale's queries stands in for the class token's, keys
    stand in for x, and the rates are fixed. A cosine below 0 counts as 0, so that a size is always at least 1.
    """

    family: ClassVar[str] = "merging"
    reference: ClassVar[str] = "Chen et al. 2023, arXiv:2305.17997"
    budget_meaning: ClassVar[str] = "N_m as a fraction of cached tokens, at least one"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)
    UNPRUNED: ClassVar[Fraction] = Fraction(3, 4)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._queries: FloatArray = np.zeros((0, public.d))

    @property
    def capacity(self) -> int:
        """N_m: the number of tokens kept."""
        return max(1, int(self.budget * self.public.schedule.n_tokens_cached))

    @property
    def counted_bits(self) -> int:
        """The tokens that stay, in float16."""
        return bits_of_pairs(self.public, min(self.public.schedule.n_tokens_cached, self.capacity))

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys, values, scale, queries)
        self._queries = np.concatenate([self._queries, keys if queries is None else queries])

    def write(self, writer: BitWriter) -> None:
        rows, sizes = np.concatenate([self.keys, self.values], axis=1), np.exp(self.log_weights)
        if len(rows) > self.capacity:
            importance = attention_mass(self._queries, self.keys, rule=self.public.rule)
            rows, sizes = self._compressed(rows, sizes, importance)
        writer.floats("payload", rows, width=FP16_BITS)
        writer.floats("scales", sizes, width=FP16_BITS)

    def _compressed(self, rows: FloatArray, sizes: FloatArray, importance: FloatArray) -> tuple[FloatArray, FloatArray]:
        n_unpruned = max(self.capacity, int(self.UNPRUNED * len(rows)))
        order = np.argsort(-importance, kind="stable")
        targets, sources = np.sort(order[: self.capacity]), order[self.capacity : n_unpruned]
        if not len(sources):
            return rows[targets], sizes[targets]
        unit = unit_rows(self.keys)
        cosine = unit[sources] @ unit[targets].T
        nearest = cosine.argmax(axis=1)
        similarity = np.maximum(cosine.max(axis=1), 0.0)
        merged = rows[targets]
        np.add.at(merged, nearest, rows[sources])
        merged /= 1 + np.bincount(nearest, minlength=len(targets))[:, None]
        gained = np.bincount(nearest, weights=sizes[sources] * similarity, minlength=len(targets))
        return merged, sizes[targets] + gained

    def read(self, reader: BitReader) -> None:
        kept, d = min(self.n_seen, self.capacity), self.public.d
        rows = reader.floats(kept * 2 * d, width=FP16_BITS).reshape(kept, 2 * d)
        self.keys, self.values = rows[:, :d].copy(), rows[:, d:].copy()
        sizes = reader.floats(kept, width=FP16_BITS)
        if kept and sizes.min() < 1:
            raise CorruptState(f"state must hold sizes of at least 1, got {sizes.min()}")
        self.log_weights = np.log(sizes)
        self._queries = np.zeros((0, d))
