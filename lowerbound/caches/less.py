"""LESS: an eviction cache, and a recurrent state of a few rows into which evicted pairs are folded."""

from __future__ import annotations

import math
from abc import abstractmethod
from fractions import Fraction
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, logsumexp

from lowerbound.caches.restored import RestoredTokens
from lowerbound.core.attention import L2Norm, Rule, Scaled, attention_mass
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.streams import Stream

FLOAT_BITS = 16
STATE_BITS = 32
NOTHING = -1e30
"""The logarithm of an empty sum: finite, so that it can be stored, and without weight in any softmax."""

LEAST = 1e-30
QUERIES_PER_BLOCK = 1024


def gelu(x: FloatArray) -> FloatArray:
    """x Phi(x)."""
    y: FloatArray = x * (1 + erf(x / math.sqrt(2))) / 2
    return y


class _LESS(RestoredTokens):
    """Template: kept pairs (H2O: newest half, and highest attention mass), and R features of what was evicted.

    Evicting (k, v) adds psi(k) v^T to H and psi(k) to z; the answer is (phi(q)^T H + sum e^<q,k> v) / (phi(q)^T z +
    sum e^<q,k>) over kept and newest pairs. The state holds log z and H / z, which is the same and cannot overflow:
    a feature r then acts as one more token with logit log phi_r(q) + log z_r. Bits, once n > B:
    B (32 d + 32) + 32 R (d + 1).
    """

    family: ClassVar[str] = "recurrent"
    reference: ClassVar[str] = "Dong et al. 2024, arXiv:2402.09398"
    budget_meaning: ClassVar[str] = "cached tokens kept, half heavy hitters and half recent, rounded down, at least 2"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 20)
    n_features: ClassVar[int] = 8
    n_hidden: ClassVar[int] = 512

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._scores: FloatArray = np.zeros(0)
        self._new_queries: FloatArray = np.zeros((0, public.d))
        self._log_z: FloatArray = np.full(self.n_features, NOTHING)
        self._means: FloatArray = np.zeros((self.n_features, public.d))

    @property
    def capacity(self) -> int:
        """B, pairs kept."""
        return max(2, int(self.budget * self.public.schedule.n_tokens_cached))

    @abstractmethod
    def log_phi(self, queries: FloatArray) -> FloatArray:
        """log phi(q), shape (m, R), of scaled queries: the logit of a key k is <q, k>."""

    @abstractmethod
    def log_psi(self, keys: FloatArray) -> FloatArray:
        """log psi(k), shape (n, R)."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys, values, scale)
        self._new_queries = np.concatenate([self._new_queries, self.scaled(keys if queries is None else queries)])

    def attend(self, queries: FloatArray) -> FloatArray:
        keys = np.concatenate([self.old_keys, self.new_keys])
        if not len(keys):
            return np.zeros((len(queries), self.public.d))
        values = np.concatenate([self.old_values, self.new_values, self._means])
        outputs = np.empty((len(queries), self.public.d))
        for start in range(0, len(queries), QUERIES_PER_BLOCK):
            rows = slice(start, start + QUERIES_PER_BLOCK)
            scaled = self.scaled(queries[rows])
            logits = np.concatenate([scaled @ keys.T, self.log_phi(scaled) + self._log_z], axis=1)
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            outputs[rows] = weights @ values / weights.sum(axis=1, keepdims=True)
        return outputs

    def write(self, writer: BitWriter) -> None:
        keys = np.concatenate([self.old_keys, self.new_keys])
        values = np.concatenate([self.old_values, self.new_values])
        scores = np.pad(self._scores, (0, len(self.new_keys)))
        if len(self._new_queries):
            scores = scores + attention_mass(self._new_queries, keys, rule=Scaled(1.0))
        kept = self._survivors(scores)
        evicted = np.setdiff1d(np.arange(len(keys)), kept)
        if len(evicted):
            self._fold(self.log_psi(keys[evicted]), values[evicted])
        writer.floats("payload", keys[kept], width=FLOAT_BITS)
        writer.floats("payload", values[kept], width=FLOAT_BITS)
        writer.floats("scores", scores[kept], width=STATE_BITS)
        if self.n_seen > self.capacity:
            writer.floats("payload", self._means, width=STATE_BITS)
            writer.floats("payload", self._log_z, width=STATE_BITS)

    def _survivors(self, scores: FloatArray) -> NDArray[np.intp]:
        if len(scores) <= self.capacity:
            return np.arange(len(scores))
        n_recent = self.capacity // 2
        n_older = len(scores) - n_recent
        heavy = np.argsort(-scores[:n_older], kind="stable")[: self.capacity - n_recent]
        return np.concatenate([np.sort(heavy), np.arange(n_older, len(scores))])

    def _fold(self, log_psi: FloatArray, values: FloatArray) -> None:
        total = np.logaddexp(self._log_z, logsumexp(log_psi, axis=0))
        self._means = np.exp(self._log_z - total)[:, None] * self._means + np.exp(log_psi - total).T @ values
        self._log_z = total

    def read(self, reader: BitReader) -> None:
        kept, d = min(self.n_old, self.capacity), self.public.d
        self.old_keys = reader.floats(kept * d, width=FLOAT_BITS).reshape(kept, d)
        self.old_values = reader.floats(kept * d, width=FLOAT_BITS).reshape(kept, d)
        self._scores = reader.floats(kept, width=STATE_BITS)
        self._new_queries = np.zeros((0, d))
        self._means = np.zeros((self.n_features, d))
        self._log_z = np.full(self.n_features, NOTHING)
        if self.n_old > self.capacity:
            self._means = reader.floats(self.n_features * d, width=STATE_BITS).reshape(self.n_features, d)
            self._log_z = reader.floats(self.n_features, width=STATE_BITS)


@cache
def network(seed: int, d: int, hidden: int, features: int, name: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Public random weights of a two-layer kernel, and of the square layer after it."""
    generator = Stream(seed, f"less {name} {d} {hidden} {features}").generator()
    shapes = (d, hidden), (hidden, features), (features, features)
    first, second, third = (generator.standard_normal(shape) / math.sqrt(shape[0]) for shape in shapes)
    return first, second, third


class LESSRandom(_LESS):
    """Evicted pairs folded through untrained kernels, at the scale at which training starts.

    Idea: phi(q) = |gelu(gelu(q W_1) W_2)|, psi(k) = |s' (u + u W_5)|, u = |s| gelu(gelu(k W_3) W_4), s = s' = 1e-4,
    weights public and random: nearly plain eviction, the ablation of LESS. Broken by: any evicted token. Reference
    code differs: kernels are trained there, and one token is evicted a step.
    """

    initial_scale: ClassVar[float] = 1e-4

    def log_phi(self, queries: FloatArray) -> FloatArray:
        first, second, _ = network(self.public.seed, self.public.d, self.n_hidden, self.n_features, "phi")
        log_features: FloatArray = np.log(np.maximum(np.abs(gelu(gelu(queries @ first) @ second)), LEAST))
        return log_features

    def log_psi(self, keys: FloatArray) -> FloatArray:
        first, second, third = network(self.public.seed, self.public.d, self.n_hidden, self.n_features, "psi")
        u = self.initial_scale * gelu(gelu(keys @ first) @ second)
        log_features: FloatArray = np.log(np.maximum(np.abs((u + u @ third) * self.initial_scale), LEAST))
        return log_features


class LESSFeatures(_LESS):
    """Evicted pairs folded through positive random features, whose mean over the coins is the exponential itself.

    Idea: psi_r(x) = phi_r(x) = exp(<w_r, x> - |x|^2 / 2) / sqrt(R), logit factors split evenly between q and k. An
    untrained stand-in of ours: unbiased, with a variance that grows like e^{logit}. Broken by: any evicted token.
    """

    def _log_features(self, rows: FloatArray) -> FloatArray:
        stream = Stream(self.public.seed, f"less features {self.public.d} {self.n_features}")
        directions = stream.generator().standard_normal((self.public.d, self.n_features))
        squares = (rows * rows).sum(axis=1, keepdims=True)
        log_features: FloatArray = rows @ directions - squares / 2 - math.log(self.n_features) / 2
        return log_features

    def log_phi(self, queries: FloatArray) -> FloatArray:
        return self._log_features(queries / math.sqrt(self.public.rule.factor(self.public.d)))

    def log_psi(self, keys: FloatArray) -> FloatArray:
        return self._log_features(keys * math.sqrt(self.public.rule.factor(self.public.d)))


N_EXAMPLES = 512
RIDGE = 1e-3


@cache
def fitted_readout(seed: int, d: int, hidden: int, features: int, rule: Rule) -> FloatArray:
    """The last layer of psi, (hidden, features), fitted on public random keys and queries.

    For every example key, the least-squares coefficients of q -> e^<q,k> over the features phi(q) are the target; the
    readout is their ridge regression on the hidden layer.
    """
    generator = Stream(seed, f"less examples {d}").generator()
    queries, keys = generator.standard_normal((2, N_EXAMPLES, d))
    if isinstance(rule, L2Norm):
        queries, keys = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (queries, keys))
    queries = queries * rule.factor(d)
    phi_first, phi_second, _ = network(seed, d, hidden, features, "phi")
    phi = np.abs(gelu(gelu(queries @ phi_first) @ phi_second))
    inner = gelu(keys @ network(seed, d, hidden, features, "psi")[0])
    targets = _ridge(phi, np.exp(queries @ keys.T)).T
    return _ridge(inner, targets)


def _ridge(inputs: FloatArray, outputs: FloatArray) -> FloatArray:
    gram = inputs.T @ inputs
    return np.linalg.solve(gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)), inputs.T @ outputs)


class LESSFitted(LESSRandom):
    """Evicted pairs folded through kernels fitted, once and publicly, on random keys and queries.

    Idea: phi as in LESSRandom; psi(k) = |gelu(k W_3) A| with A fitted by ridge regression so that phi(q)^T psi(k)
    comes near e^<q,k> on public random data. Stands for the trained kernels, which never see the instance either.
    Broken by: any evicted token: R features cannot single one out. Reference code differs: trained on text for 40
    epochs by the error of the layer's output.
    """

    def log_psi(self, keys: FloatArray) -> FloatArray:
        public, shape = self.public, (self.n_hidden, self.n_features)
        readout = fitted_readout(public.seed, public.d, *shape, public.rule)
        hidden = gelu(keys @ network(public.seed, public.d, *shape, "psi")[0])
        log_features: FloatArray = np.log(np.maximum(np.abs(hidden @ readout), LEAST))
        return log_features
