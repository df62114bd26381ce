"""Presses that change the values of kept tokens: these absorb the values of dropped tokens."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed
from lowerbound.caches.thirdparty.torch_tokens import Tensor, places


class MergingPress(Pressed):
    """SnapKV's choice; the value of every dropped token is mixed into that of the most similar kept key.

    Idea: merge instead of evicting. A dropped value is weighted by the cosine of the two keys times the share of its
    norm; keys are unchanged. Bits: 32 + 32 L H d min(n, B). Broken by: a query for a merged token, or for the token it
    was merged into.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, MergingPress(SnapKVPress); after D2O, arXiv:2406.13035"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.MergingPress(press=kvpress.SnapKVPress(window_size=self.window(n_queries)))

    def compressed(self, layer: int) -> list[Tensor]:
        stored = self.torch.stack(self.heads(layer), dim=1)
        merged = self._pressed(layer, stored)
        chooser = self.press(self._kvpress, int(self.new_queries[layer].shape[1])).press
        chooser.compression_ratio = self.ratio(int(stored.shape[2]))
        chosen = self.run(chooser, layer, stored, self.new_queries[layer])
        orders = [np.argsort(places(stored[:, head], chosen[:, head])) for head in range(self.public.n_heads)]
        return [merged[:, head, order.copy()] for head, order in enumerate(orders)]


class CAMPress(Pressed):
    """The keys of smallest norm stay; values of dropped tokens are added, at random, to those of the next kept tokens.

    Idea: a dropped token's value is distributed over the next 32 kept tokens, with a probability equal to the token's
    attention over their mean attention. Every dropped token may be merged; attention is summed over the newest scale's
    queries. All heads keep the same tokens. Bits: 32 + 32 L H d min(n, B). Broken by: a query for a merged token, or
    for the tokens it was merged into.
    Reference code differs: kvpress sums attention over all steps so far, which would have to be part of the state.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CAMPress(KnormPress); Zhang et al. 2024, CaM, ICML"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CAMPress(base_press=kvpress.KnormPress(), compression_interval=1, target_size=self.capacity)

    def compressed(self, layer: int) -> list[Tensor]:
        stored, queries = self.torch.stack(self.heads(layer), dim=1), self.new_queries[layer]
        module, hidden, keys, values, _, context = self.arguments(layer, stored, queries)
        attention = (queries @ stored[0].mT / self.public.d**0.5).softmax(-1).sum(1)[None]
        press = self.press(self._kvpress, int(queries.shape[1]))
        press.layer_step_counts[layer] = self.n_new
        press._running_attn_sum[layer] = attention
        with self.torch.random.fork_rng(devices=[]):
            self.torch.manual_seed(self.public.seed)
            merged = self.torch.cat(press.compress(module, hidden, keys, values, attention, context))
        return [merged[:, head] for head in range(self.public.n_heads)]
