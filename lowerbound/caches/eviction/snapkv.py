"""SnapKV: the last queries vote, the votes are smoothed over neighbours, and the winners stay."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import Eviction, IndexArray, best
from lowerbound.core.cache import FloatArray
from lowerbound.core.oracle.attention import attention_mass
from lowerbound.core.rules import Rule


class SnapKV(Eviction):
    """An observation window of the newest tokens, and the tokens that its queries attend to.

    Idea: the last w queries give every stored token its softmax weight; the sums, averaged over 5 neighbours with
    zeros beyond the ends, choose B - w tokens outside the window; the window itself stays. w = 32, at most half of B
    and at most the newest scale. Bits: 32 B d. Broken by: a query for any token that the window did not single out.
    Reference code differs: it chooses once, after a prompt, and masks the window causally; here it chooses after every
    scale, and the queries of a scale see the whole scale. Smoothing runs over the tokens still stored. The window is
    64 in the class and 32 in its initialiser: 32 here.
    """

    reference: ClassVar[str] = "Li et al. 2024, arXiv:2404.14469"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, observation window included"
    WINDOW: ClassVar[int] = 32
    KERNEL: ClassVar[int] = 5

    def survivors(self, count: int) -> IndexArray:
        window = min(max(1, min(self.WINDOW, count // 2)), len(self.queries))
        return observed(self.queries[-window:], self.keys, count, self.public.rule)


def observed(queries: FloatArray, keys: FloatArray, count: int, rule: Rule) -> IndexArray:
    """The `count` rows that stay: the last ones, one for each query of the window, and those that it votes for."""
    n_outside = len(keys) - len(queries)
    votes = attention_mass(queries, keys, rule=rule)[:n_outside]
    return np.concatenate([best(pooled(votes), count - len(queries)), np.arange(n_outside, len(keys))])


def pooled(votes: FloatArray) -> FloatArray:
    """Averages over KERNEL neighbours, stride 1, zeros beyond the ends."""
    means: FloatArray = neighbours(votes, SnapKV.KERNEL, 0.0).mean(axis=1)
    return means


def neighbours(votes: FloatArray, kernel: int, beyond: float) -> FloatArray:
    """The `kernel` votes around each vote, shape (n, kernel), with `beyond` beyond the ends."""
    padded = np.pad(votes, kernel // 2, constant_values=beyond)
    return np.lib.stride_tricks.sliding_window_view(padded, kernel)
