"""SubGen: estimate the softmax denominator from clusters of keys, and the numerator from tokens sampled by |v|^2."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.merged.online_clusters import joined
from lowerbound.core.bits import FP16_BITS, FP32_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, StoredTokens
from lowerbound.core.coins import Coins
from lowerbound.core.oracle.attention import attention_logits
from lowerbound.core.scalars import counted
from lowerbound.errors import CorruptState

LARGEST_EXPONENT = 300.0


class SubGen(StoredTokens):
    """At most m clusters of keys with t samples each, and s pairs sampled in proportion to |v|^2.

    Idea: a key within delta of a cluster's first key joins the nearest such cluster; any other key opens a cluster.
    Each of a cluster's t slots holds a uniform sample of its keys. Each of s other slots holds a pair (k, v) with
    probability |v|^2 / mu, mu the sum of all |v|^2. The output is (sum over the s slots of mu e^logit v / (s |v|^2)) /
    (sum over clusters of (count / t) sum over its samples of e^logit). Bits: 16 (m (t + 1) d + 2 s d) +
    (m + 1) ceil(log2(N + 1)) + 32, with m = min(n, B), s = B and N the tokens of the whole schedule. Broken by: keys
    that do not cluster, as in this game, and a query for one token, for which the numerator needs s of order d n.
    Differs from the paper: at most B clusters exist, so that the state has a fixed length; after that a key joins the
    nearest cluster at any distance. Tokens of the current scale are answered exactly. Low confidence: delta, t and s
    have no published numbers; delta = 1/2 and t = 1 here. No reference code was found.
    """

    family: ClassVar[str] = "sampling"
    reference: ClassVar[str] = "Zandieh et al. 2024, arXiv:2402.06082"
    budget_meaning: ClassVar[str] = "clusters, and also value samples, as a fraction of cached tokens, at least one"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 4)
    DELTA: ClassVar[float] = 0.5
    SAMPLES: ClassVar[int] = 1
    answers_apart: ClassVar[bool] = True

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.counts: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._clusters: FloatArray = np.zeros((0, 1 + self.SAMPLES, public.d))
        self._slots: FloatArray = np.zeros((self.capacity, 2, public.d))
        self._mass = 0.0
        self._count_bits = public.schedule.n_tokens.bit_length()

    @property
    def capacity(self) -> int:
        """B: the largest number of clusters, and the number s of value samples."""
        return max(1, int(self.budget * self.public.schedule.n_tokens_cached))

    @property
    def counted_bits(self) -> int:
        """m (t + 1) cluster rows and 2 s sample rows, with m = s = B and t = 1."""
        return FP16_BITS * self.public.d * self.capacity * (self.SAMPLES + 1 + 2)

    def attend(self, queries: FloatArray) -> FloatArray:
        rule, d = self.public.rule, self.public.d
        if not len(self.counts) + len(self.keys):
            return np.zeros((len(queries), d))
        samples = self._clusters[:, 1:].reshape(-1, d)
        biases = np.log(np.concatenate([np.repeat(self.counts / self.SAMPLES, self.SAMPLES), np.ones(len(self.keys))]))
        in_denominator = attention_logits(queries, np.concatenate([samples, self.keys]), rule=rule) + biases
        peak = in_denominator.max(axis=1, keepdims=True)
        weights = np.exp(in_denominator - peak)
        numerator = weights[:, len(samples) :] @ self.values
        norms = (self._slots[:, 1] ** 2).sum(axis=1)
        filled = self._slots[norms > 0]
        if len(filled):
            exponent = np.minimum(attention_logits(queries, filled[:, 0], rule=rule) - peak, LARGEST_EXPONENT)
            numerator += np.exp(exponent) * (self._mass / (self.capacity * norms[norms > 0])) @ filled[:, 1]
        outputs: FloatArray = numerator / weights.sum(axis=1, keepdims=True)
        return outputs

    def write(self, writer: BitWriter) -> None:
        if len(self.keys):
            self._take_in()
        n_slots, n_clusters = min(self.n_seen, self.capacity), len(self.counts)
        counts, clusters = np.zeros(n_slots, dtype=np.int64), np.zeros((n_slots, *self._clusters.shape[1:]))
        counts[:n_clusters], clusters[:n_clusters] = self.counts, self._clusters
        writer.uints("indices", [n_clusters, *counts], width=self._count_bits)
        writer.floats("payload", clusters, width=FP16_BITS)
        writer.floats("payload", self._slots, width=FP16_BITS)
        writer.floats("scales", [self._mass], width=FP32_BITS)

    def _take_in(self) -> None:
        """The paper's update for each new token in order; of several tokens drawn for one slot, the last stays."""
        coins = Coins(self.public.seed, f"subgen/{self.n_seen} tokens").generator()
        coins_of_clusters = coins.random((len(self.keys), self.SAMPLES))
        coins_of_slots = coins.random((len(self.keys), self.capacity))
        old = self.counts, self._clusters
        self.counts, self._clusters = joined(*old, self.keys, coins_of_clusters, radius=self.DELTA, most=self.capacity)
        norms = np.vecdot(self.values, self.values)
        masses = self._mass + np.cumsum(norms)
        hits = coins_of_slots * masses[:, None] < norms[:, None]
        newest = len(hits) - 1 - hits[::-1].argmax(axis=0)
        taken = hits.any(axis=0)
        self._slots[taken] = np.stack([self.keys, self.values], axis=1)[newest[taken]]
        self._mass = float(masses[-1])

    def read(self, reader: BitReader) -> None:
        n_slots, n_rows, d = min(self.n_seen, self.capacity), 1 + self.SAMPLES, self.public.d
        n_clusters, *counts = reader.uints(1 + n_slots, width=self._count_bits).tolist()
        clusters = reader.floats(n_slots * n_rows * d, width=FP16_BITS).reshape(n_slots, n_rows, d)
        self._slots = reader.floats(self.capacity * 2 * d, width=FP16_BITS).reshape(self.capacity, 2, d)
        (self._mass,) = reader.floats(1, width=FP32_BITS).tolist()
        sizes_are_first = min(counts[:n_clusters], default=1) > 0 and not any(counts[n_clusters:])
        well_formed = n_clusters <= n_slots and sizes_are_first and not clusters[n_clusters:].any()
        if sum(counts) != self.n_seen or not well_formed or self._mass < 0:
            raise CorruptState(
                f"state must hold clusters of {counted(self.n_seen, 'token')} in all, got sizes {counts[:8]}"
            )
        self.counts = np.array(counts[:n_clusters], dtype=np.int64)
        self._clusters = clusters[:n_clusters]
        self.keys, self.values = np.zeros((0, d)), np.zeros((0, d))
