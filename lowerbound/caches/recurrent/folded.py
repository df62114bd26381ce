"""Template: an eviction cache, plus a recurrent state of R rows to which every evicted pair is added."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np
from scipy.special import logsumexp

from lowerbound.caches.eviction.eviction import heavy_and_recent
from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.core.bits import FP16_BITS, FP32_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, bits_of_pairs
from lowerbound.core.oracle.attention import attention_mass
from lowerbound.core.rules import Scaled

NOTHING = -1e30
"""Stands for the logarithm of an empty sum: finite, so that it can be stored, yet without weight in any softmax."""
QUERIES_PER_BLOCK = 1024


class FoldedEvictions(RestoredTokens):
    """Template: H2O's kept pairs (the newest half, and the highest sums of attention), and R features of evicted pairs.

    Evicting (k, v) adds psi(k) v^T to H and psi(k) to z. The answer is (phi(q)^T H + sum e^<q,k> v) / (phi(q)^T z +
    sum e^<q,k>), with sums over kept and newest pairs. The state holds log z and H / z instead of z and H, which carry
    the same information but could overflow; feature r then acts as one more token with logit log phi_r(q) + log z_r
    and value H_r / z_r. Bits, once n > B: B (32 d + 32) + 32 R (d + 1).
    """

    family: ClassVar[str] = "recurrent"
    reference: ClassVar[str] = "Dong et al. 2024, arXiv:2402.09398"
    budget_meaning: ClassVar[str] = "cached tokens kept, half heavy hitters and half recent, rounded down, at least 2"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 20)
    n_features: ClassVar[int] = 8
    n_hidden: ClassVar[int] = 512
    answers_apart: ClassVar[bool] = True

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._scores: FloatArray = np.zeros(0)
        self._new_queries: FloatArray = np.zeros((0, public.d))
        self._log_z: FloatArray = np.full(self.n_features, NOTHING)
        self._means: FloatArray = np.zeros((self.n_features, public.d))

    @property
    def capacity(self) -> int:
        """B: the number of pairs kept."""
        return max(2, int(self.budget * self.public.schedule.n_tokens_cached))

    @property
    def counted_bits(self) -> int:
        """The pairs that stay, in float16."""
        return bits_of_pairs(self.public, min(self.public.schedule.n_tokens_cached, self.capacity))

    @abstractmethod
    def log_phi(self, queries: FloatArray) -> FloatArray:
        """log phi(q), shape (m, R), for queries scaled so that <q, k> is the logit of a key k."""

    @abstractmethod
    def log_psi(self, keys: FloatArray) -> FloatArray:
        """log psi(k), shape (n, R)."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys, values, scale, queries)
        self._new_queries = np.concatenate(
            [self._new_queries, self.public.rule.scaled(keys if queries is None else queries)]
        )

    def attend(self, queries: FloatArray) -> FloatArray:
        keys = self.keys
        if not len(keys):
            return np.zeros((len(queries), self.public.d))
        values = np.concatenate([self.values, self._means])
        outputs = np.empty((len(queries), self.public.d))
        for start in range(0, len(queries), QUERIES_PER_BLOCK):
            rows = slice(start, start + QUERIES_PER_BLOCK)
            scaled = self.public.rule.scaled(queries[rows])
            logits = np.concatenate([scaled @ keys.T, self.log_phi(scaled) + self._log_z], axis=1)
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            outputs[rows] = weights @ values / weights.sum(axis=1, keepdims=True)
        return outputs

    def write(self, writer: BitWriter) -> None:
        keys, values = self.keys, self.values
        scores = np.pad(self._scores, (0, len(self.new_keys)))
        if len(self._new_queries):
            scores = scores + attention_mass(self._new_queries, keys, rule=Scaled(1.0))
        count = min(len(scores), self.capacity)
        kept = heavy_and_recent(scores, count) if count < len(scores) else np.arange(count)
        evicted = np.setdiff1d(np.arange(len(keys)), kept)
        if len(evicted):
            self._fold(self.log_psi(keys[evicted]), values[evicted])
        writer.floats("payload", keys[kept], width=FP16_BITS)
        writer.floats("payload", values[kept], width=FP16_BITS)
        writer.floats("scores", scores[kept], width=FP32_BITS)
        if self.n_seen > self.capacity:
            writer.floats("payload", self._means, width=FP32_BITS)
            writer.floats("payload", self._log_z, width=FP32_BITS)

    def _fold(self, log_psi: FloatArray, values: FloatArray) -> None:
        total = np.logaddexp(self._log_z, logsumexp(log_psi, axis=0))
        self._means = np.exp(self._log_z - total)[:, None] * self._means + np.exp(log_psi - total).T @ values
        self._log_z = total

    def read(self, reader: BitReader) -> None:
        kept, d = min(self.n_old, self.capacity), self.public.d
        self.old_keys = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)
        self.old_values = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)
        self._scores = reader.floats(kept, width=FP32_BITS)
        self._new_queries = np.zeros((0, d))
        self._means = np.zeros((self.n_features, d))
        self._log_z = np.full(self.n_features, NOTHING)
        if self.n_old > self.capacity:
            self._means = reader.floats(self.n_features * d, width=FP32_BITS).reshape(self.n_features, d)
            self._log_z = reader.floats(self.n_features, width=FP32_BITS)
