"""PyramidKV: SnapKV's votes, with a budget that falls from the first layer to the last."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import IndexArray
from lowerbound.caches.eviction.snapkv import SnapKV, observed
from lowerbound.caches.layers.coupled import CoupledEviction, Kept


def layer_budgets(capacity: int, window: int, n_tokens: int, n_layers: int, *, beta: int = 20) -> list[int]:
    """How many of `n_tokens` tokens each layer keeps, window included.

    With C = capacity and w = window: least = (C - w) // beta and most = 2 (C - w) - least; if most >= n - w, then
    most = n - w and least = 2 (C - w) - most. Layer l keeps the window and most - l ((most - least) // (L - 1)) other
    tokens. If n < 2 (C - w) or L = 1, every layer keeps C; if n < C, every layer keeps all n.
    Reference: PyramidKVCluster.update_kv. Because the step is an integer, the sum over layers may exceed L C, by less
    than L (L - 1) / 2.
    """
    if n_tokens < capacity:
        return [n_tokens] * n_layers
    shared = capacity - window
    if n_layers == 1 or n_tokens < 2 * shared:
        return [capacity] * n_layers
    least = shared // beta
    most = 2 * shared - least
    if most >= n_tokens - window:
        most = n_tokens - window
        least = 2 * shared - most
    step = (most - least) // (n_layers - 1)
    return [most - layer * step + window for layer in range(n_layers)]


class PyramidKV(CoupledEviction):
    """An observation window in every layer; early layers keep many more tokens than late ones.

    Idea: `layer_budgets` sets how many tokens a layer keeps, falling linearly with depth; in each head the window's
    queries choose them, as in SnapKV. Bits: 32 + sum over heads of (32 + 32 B_l d). Broken by: a query of a late layer
    for any token except the few that the window singled out.
    Reference code differs: it chooses once, after a prompt; this class chooses after every scale, among the tokens
    still stored, so that a layer never regains a dropped token. w = 32, at most half of C and at most the newest scale.
    """

    reference: ClassVar[str] = "Cai et al. 2024, arXiv:2406.02069"

    def survivors(self) -> Kept:
        window = min(max(1, min(SnapKV.WINDOW, self.capacity // 2)), self.n_new)
        budgets = layer_budgets(self.capacity, window, self.n_seen, self.public.n_layers)
        return [
            [self._chosen(layer, head, count, window) for head in range(self.public.n_heads)]
            for layer, count in enumerate(budgets)
        ]

    def _chosen(self, layer: int, head: int, count: int, window: int) -> IndexArray:
        keys = self.keys[layer][head]
        if len(keys) <= count:
            return np.arange(len(keys))
        return observed(self.queries[layer][head][-window:], keys, count, self.public.rule)
