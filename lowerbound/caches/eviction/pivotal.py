"""FastVAR's pivotal tokens: of a fine scale, only the tokens that deviate most from its mean enter the cache."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import Eviction, IndexArray, best


class PivotalTokens(Eviction):
    """All tokens of coarse scales, and of fine scales the tokens whose keys are farthest from their scale's mean.

    Idea: coarse scales fix the low frequencies, so the importance of a fine scale's token is |k - mean|^2; the key k
    stands in for the block's input x. A token is dropped when its scale arrives or never. Bits: 32 B d once all T
    tokens have arrived; before that, 32 d per kept token. Broken by: a query for any dropped token; among tokens of
    equal deviation the choice is arbitrary.
    Reference code differs: it drops fractions fixed by the width of the map (0.4 and 0.5 on two maps of Infinity, 0.5
    and 0.75 on two maps of HART) in layers 3 to 27, and restores pruned outputs by interpolation. Here the two finest
    cached scales are pruned to what the budget leaves for them; coarser scales are pruned too only if less than a
    quarter of the pruned scales' tokens would stay. At the default budget 0.61 of VAR-256's two finest cached scales
    stays, close to what the first of those fractions leaves. We did not read how the code treats wider maps.
    """

    reference: ClassVar[str] = "Guo et al. 2025 (FastVAR), arXiv:2503.23367"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, taken from the finest scales"
    default_budget: ClassVar[Fraction | None] = Fraction(3, 4)
    PRUNED_SCALES: ClassVar[int] = 2
    LEAST_KEPT: ClassVar[Fraction] = Fraction(1, 4)

    @cached_property
    def shares(self) -> tuple[int, Fraction]:
        """(number of tokens in the scales that are kept whole, fraction kept of every later scale)."""
        schedule = self.public.schedule
        n_scales, n_tokens = schedule.n_scales - 1, schedule.n_tokens_cached
        for first_pruned in range(max(0, n_scales - self.PRUNED_SCALES), -1 if n_scales else 0, -1):
            whole = schedule.prefix_tokens(first_pruned)
            kept = Fraction(self.capacity - whole, n_tokens - whole)
            if kept >= self.LEAST_KEPT:
                return whole, kept
        return 0, Fraction(self.capacity, max(1, n_tokens))

    def kept_of(self, n_seen: int) -> int:
        whole, kept = self.shares
        return min(n_seen, whole) + int(kept * max(0, n_seen - whole))

    def survivors(self, count: int) -> IndexArray:
        fresh = self.keys[self.n_settled :]
        deviation = ((fresh - fresh.mean(axis=0)) ** 2).sum(axis=1)
        pivots = self.n_settled + best(deviation, count - self.n_settled)
        return np.concatenate([np.arange(self.n_settled), pivots])
