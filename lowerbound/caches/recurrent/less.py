"""LESS: two small networks map evicted pairs to a recurrent state; one version untrained, one fitted once."""

from __future__ import annotations

import math
from functools import cache
from typing import ClassVar

import numpy as np
from scipy.special import erf

from lowerbound.caches.recurrent.folded import FoldedEvictions
from lowerbound.core.cache import FloatArray
from lowerbound.core.coins import Coins
from lowerbound.core.rules import L2Norm, Rule

LEAST = 1e-30
N_EXAMPLES = 512
RIDGE = 1e-3


def gelu(x: FloatArray) -> FloatArray:
    """The Gaussian error linear unit x Phi(x), Phi the normal distribution function."""
    y: FloatArray = x * (1 + erf(x / math.sqrt(2))) / 2
    return y


@cache
def network(seed: int, d: int, hidden: int, features: int, name: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Public random weights of a two-layer network d -> hidden -> features, and of a square layer after it."""
    generator = Coins(seed, f"less {name} {d} {hidden} {features}").generator()
    shapes = (d, hidden), (hidden, features), (features, features)
    first, second, third = (generator.standard_normal(shape) / math.sqrt(shape[0]) for shape in shapes)
    return first, second, third


class LESSRandom(FoldedEvictions):
    """Evicted pairs enter the state through untrained networks, with the small weights from which training starts.

    Idea: phi(q) = |gelu(gelu(q W_1) W_2)| and psi(k) = |s' (u + u W_5)| with u = |s| gelu(gelu(k W_3) W_4),
    s = s' = 1e-4, and public random weights. This is nearly plain eviction, and serves as the ablation of LESS. Bits:
    B (32 d + 32), plus 32 R (d + 1) once tokens were evicted. Broken by: a query for any evicted token. Reference code
    differs: it trains the networks, and evicts after every token.
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


@cache
def fitted_readout(seed: int, d: int, hidden: int, features: int, rule: Rule) -> FloatArray:
    """The last layer of psi, shape (hidden, features), fitted on public random keys and queries.

    For every example key k, the target is the vector of ridge-regression coefficients of q -> e^<q,k> in the features
    phi(q). The layer is then the ridge regression of these targets on psi's hidden layer.
    """
    generator = Coins(seed, f"less examples {d}").generator()
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
    """Evicted pairs enter the state through networks that are fitted once, on public random keys and queries.

    Idea: phi as in less-random; psi(k) = |gelu(k W_3) A|, with A fitted by ridge regression so that phi(q)^T psi(k)
    approximates e^<q,k> on public random data. It stands in for the trained networks, which do not see the instance
    either. Bits: those of less-random. Broken by: a query for any evicted token, because R features cannot single out
    one token. Reference code differs: it trains on text for 40 epochs, on the error of the layer's output.
    """

    def log_psi(self, keys: FloatArray) -> FloatArray:
        public, shape = self.public, (self.n_hidden, self.n_features)
        readout = fitted_readout(public.seed, public.d, *shape, public.rule)
        hidden = gelu(keys @ network(public.seed, public.d, *shape, "psi")[0])
        log_features: FloatArray = np.log(np.maximum(np.abs(hidden @ readout), LEAST))
        return log_features
