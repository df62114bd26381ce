"""ScaleKV: layers with broad attention (drafters) keep many tokens, layers with focused attention (refiners) few."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import IndexArray, best
from lowerbound.caches.eviction.snapkv import neighbours
from lowerbound.caches.layers.coupled import CoupledEviction, Kept
from lowerbound.core.cache import FloatArray
from lowerbound.core.oracle.attention import attention_logits, attention_mass, attention_weights
from lowerbound.core.schedule import ScaleSchedule


def patch_centres(schedule: ScaleSchedule, scale: int, grid: int = 4) -> IndexArray:
    """The cells at the centers of a grid x grid division of the newest map's last frame, numbered within the scale."""
    height, width = schedule.shapes[scale][-2:]
    middles = [np.unique((2 * np.arange(grid) + 1) * side // (2 * grid)) for side in (height, width)]
    first = schedule.tokens_at(scale) - height * width
    centres: IndexArray = (first + middles[0][:, None] * width + middles[1]).ravel()
    return centres


class _ScaleKV(CoupledEviction):
    """Template of two versions of ScaleKV, which count the votes of a window's queries differently."""

    reference: ClassVar[str] = "Li et al. 2025, arXiv:2505.19602"
    DRAFTERS: ClassVar[Fraction] = Fraction(1, 4)
    TOP: ClassVar[int] = 16
    KERNEL: ClassVar[int] = 5

    def survivors(self) -> Kept:
        counts = self.layer_budgets(self.scale)
        return [
            [self._chosen(layer, head, count) for head in range(self.public.n_heads)]
            for layer, count in enumerate(counts)
        ]

    def layer_budgets(self, scale: int) -> list[int]:
        """Tokens per layer: B (1 - k / (2 K)) for refiners at scale k; drafters share the rest of L B equally."""
        n_layers, n_scales = self.public.n_layers, self.public.schedule.n_scales
        n_drafters = max(1, int(self.DRAFTERS * n_layers)) if n_layers > 1 else 0
        if n_drafters == 0:
            return [self.capacity]
        refiner = max(1, self.capacity * (2 * n_scales - scale) // (2 * n_scales))
        drafter = (n_layers * self.capacity - (n_layers - n_drafters) * refiner) // n_drafters
        drafters = np.argsort([self.selectivity(layer) for layer in range(n_layers)], kind="stable")[:n_drafters]
        return [drafter if layer in drafters else refiner for layer in range(n_layers)]

    def selectivity(self, layer: int) -> float:
        """ASI: E[weight on the current map] times E[sum of the TOP largest weights on older tokens], over queries."""
        here, history = 0.0, 0.0
        for queries, keys in zip(self.queries[layer], self.keys[layer], strict=True):
            weights = attention_weights(queries, keys, rule=self.public.rule)
            old = weights[:, : len(keys) - len(queries)]
            here += float(weights[:, old.shape[1] :].sum(axis=1).mean())
            history += float(np.sort(old, axis=1)[:, -self.TOP :].sum(axis=1).mean())
        return here * history / self.public.n_heads**2

    def _chosen(self, layer: int, head: int, count: int) -> IndexArray:
        keys, queries = self.keys[layer][head], self.queries[layer][head]
        if len(keys) <= count:
            return np.arange(len(keys))
        centres = patch_centres(self.public.schedule, self.scale)[: max(1, count // 2)]
        window = len(keys) - len(queries) + centres
        votes = self.votes(queries[centres], keys)
        votes[window] = np.inf
        return best(votes, count)

    @abstractmethod
    def votes(self, queries: FloatArray, keys: FloatArray) -> FloatArray:
        """The score that the window's queries give to every stored token."""


class ScaleKVPaper(_ScaleKV):
    """Refiner layers keep fewer tokens and drafter layers more; the queries at up to sixteen patch centers choose them.

    Idea: a layer's attention selectivity index is E[weight on the newest map] E[sum of the 16 highest weights on
    older tokens]; the quarter of the layers with the lowest index are drafters. Refiners keep B (1 - k / (2 K))
    tokens at scale k of K; drafters share the rest of L B. In each head, the centers of a 4 x 4 division of the
    newest map (at most half of the budget) stay, and of the other tokens those to which these centers give the most
    softmax weight, averaged over 5 neighboring tokens. Bits: 32 + sum over heads of (32 + 32 B_l d). Broken by: a
    query of a refiner layer for any dropped token. Reference code differs: see scalekv-code. It takes the index
    from ten prompts offline, and budgets from a table for one model. Here the index comes from the newest map; how
    fast B_r falls and the share of drafters are our choice.
    """

    def votes(self, queries: FloatArray, keys: FloatArray) -> FloatArray:
        mass = attention_mass(queries, keys, rule=self.public.rule)
        means: FloatArray = neighbours(mass, self.KERNEL, 0.0).mean(axis=1)
        return means


class ScaleKVCode(_ScaleKV):
    """ScaleKV as its code runs: raw logits are summed, and the maximum over 5 neighboring tokens is taken.

    Idea: as scalekv, but a vote is a sum of logits without a softmax, and the maximum over 5 neighboring tokens
    replaces their average. Bits: 32 + sum over heads of (32 + 32 B_l d). Broken by: a query of a refiner layer for any
    dropped token. Reference code differs: it recomputes the queries without their rotary embedding; queries here have
    no rotary embedding.
    """

    def votes(self, queries: FloatArray, keys: FloatArray) -> FloatArray:
        logits = attention_logits(queries, keys, rule=self.public.rule).sum(axis=0)
        highest: FloatArray = neighbours(logits, self.KERNEL, -np.inf).max(axis=1)
        return highest
