"""SnapKV: the last queries vote by attention, votes are averaged over neighboring tokens, and the highest stay."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import Eviction, IndexArray, best
from lowerbound.core.cache import FloatArray
from lowerbound.core.oracle.attention import attention_mass
from lowerbound.core.rules import Rule


class SnapKV(Eviction):
    """An observation window of the newest tokens, and the tokens that its queries attend to.

    Idea: a stored token's score is the sum of the softmax weights that the last w queries give it, averaged over 5
    neighboring tokens (zeros beyond the ends). The B - w highest scores outside the window stay, and the window itself
    stays. w = 32, at most half of B and at most the newest scale. Bits: 32 B d. Broken by: a query for any token that
    the window's queries did not single out.
    Reference code differs: it chooses once, after a prompt, and masks the window causally. This class chooses after
    every scale, the queries of a scale see the whole scale, and the averages run over the tokens still stored. The
    reference's window is 64 in the class and 32 in its initializer; it is 32 here.
    """

    reference: ClassVar[str] = "Li et al. 2024, arXiv:2404.14469"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, observation window included"
    WINDOW: ClassVar[int] = 32
    KERNEL: ClassVar[int] = 5

    def survivors(self, count: int) -> IndexArray:
        window = min(max(1, min(self.WINDOW, count // 2)), len(self.queries))
        return observed(self.queries[-window:], self.keys, count, self.public.rule)


def observed(queries: FloatArray, keys: FloatArray, count: int, rule: Rule) -> IndexArray:
    """The `count` rows that stay: the window (the last len(queries) rows) and the rows that its queries vote for."""
    n_outside = len(keys) - len(queries)
    votes = attention_mass(queries, keys, rule=rule)[:n_outside]
    return np.concatenate([best(pooled(votes), count - len(queries)), np.arange(n_outside, len(keys))])


def pooled(votes: FloatArray) -> FloatArray:
    """The average of each vote and its neighbors, KERNEL votes in all, with zeros beyond the ends."""
    means: FloatArray = neighbours(votes, SnapKV.KERNEL, 0.0).mean(axis=1)
    return means


def neighbours(votes: FloatArray, kernel: int, beyond: float) -> FloatArray:
    """The `kernel` votes centered at each vote, shape (n, kernel); places beyond the ends hold the number `beyond`."""
    padded = np.pad(votes, kernel // 2, constant_values=beyond)
    return np.lib.stride_tricks.sliding_window_view(padded, kernel)
