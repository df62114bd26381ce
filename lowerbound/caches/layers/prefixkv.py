"""PrefixKV: one threshold on cumulative attention, common to all layers, decides how many tokens each layer keeps."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import IndexArray
from lowerbound.caches.layers.coupled import CoupledEviction, Kept
from lowerbound.core.cache import FloatArray
from lowerbound.core.oracle.attention import attention_mass


def prefix_lengths(scores: list[FloatArray], share: float) -> list[int]:
    """For each layer, the least number of highest scores whose sum reaches the fraction `share` of all its scores."""
    lengths = []
    for layer in scores:
        reached = np.cumsum(np.sort(layer)[::-1]) / layer.sum()
        lengths.append(min(int(np.searchsorted(reached, share)) + 1, len(layer)))
    return lengths


def removed_counts(scores: list[FloatArray], n_removed: int, *, n_protected: int, slack: int = 5) -> list[int]:
    """How many tokens each layer drops, so that all layers together drop `n_removed`.

    The threshold p in [0, 1] is bisected until the layers' prefixes leave out `n_removed` tokens, up to `slack`; the
    counts are then multiplied by n_removed / (their sum) and rounded down. Contract: the sum is at most `n_removed`;
    it falls short by less than one token per layer, unless protected tokens forbid more.
    Reference: PrefixKV's obtain_cdf_num. Differs: the bisection ends after 50 steps; the reference's may never end.
    """
    low, high = 0.0, 1.0
    removed = [0] * len(scores)
    for _ in range(BISECTIONS):
        share = (low + high) / 2
        lengths = prefix_lengths(scores, share)
        removed = [max(0, len(layer) - length - n_protected) for layer, length in zip(scores, lengths, strict=True)]
        if abs(sum(removed) - n_removed) <= slack:
            break
        low, high = (share, high) if sum(removed) > n_removed else (low, share)
    total = sum(removed)
    if total == 0:
        removed = [max(0, len(layer) - n_protected) for layer in scores]
        total = sum(removed)
    return [
        min(count * n_removed // total, max(0, len(layer) - n_protected)) if total else 0
        for layer, count in zip(scores, removed, strict=True)
    ]


BISECTIONS = 50


class PrefixKV(CoupledEviction):
    """Layers with concentrated attention keep fewer tokens, so that layers with spread attention can keep more.

    Idea: score_l[j] is the attention weight of token j in layer l, averaged over heads and summed over the newest
    scale's queries. Each layer keeps the shortest list of highest scores that reaches a fraction p of the layer's
    sum; one p serves all layers, and is found by bisection so that the budget is met. The first 4 tokens and the last
    one always stay. All heads of a layer keep the same tokens. Bits: 32 + sum over heads of (32 + 32 B_l d). Broken by:
    a query for a token outside its layer's list.
    Reference code differs: it sizes the layers once, after a prompt, and then deletes tokens at a fixed place; this
    class sizes them anew after every scale. The reference protects the first 4 tokens in the class and 1 in its
    evaluation; this class protects 4. With one layer the method is a selection by the newest scale's attention.
    """

    reference: ClassVar[str] = "Wang et al. 2024, arXiv:2412.03409"
    N_FIRST: ClassVar[int] = 4
    N_LAST: ClassVar[int] = 1

    def survivors(self) -> Kept:
        n_heads, rule = self.public.n_heads, self.public.rule
        scores: list[FloatArray] = [
            sum(attention_mass(q, k, rule=rule) for q, k in zip(queries, keys, strict=True)) / n_heads
            for queries, keys in zip(self.queries, self.keys, strict=True)
        ]
        n_stored = sum(map(len, scores))
        n_removed = max(0, n_stored - self.public.n_layers * self.capacity)
        protected = min(self.N_FIRST + self.N_LAST, self.capacity)
        removed = removed_counts(scores, n_removed, n_protected=protected)
        kept = [self._longest(layer, count, protected) for layer, count in zip(scores, removed, strict=True)]
        return [[rows] * n_heads for rows in kept]

    def _longest(self, scores: FloatArray, n_removed: int, n_protected: int) -> IndexArray:
        """All rows except the `n_removed` lowest scores among the rows between the protected first and last tokens."""
        n_last = min(self.N_LAST, n_protected)
        first = n_protected - n_last
        middle = np.arange(first, len(scores) - n_last)
        lowest = middle[np.argsort(scores[middle], kind="stable")[:n_removed]]
        kept: IndexArray = np.setdiff1d(np.arange(len(scores)), lowest)
        return kept
