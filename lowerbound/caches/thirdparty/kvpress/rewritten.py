"""Presses that change what is kept: values that absorb those of dropped tokens, keys that lose channels."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from lowerbound.caches.thirdparty.kvpress.pressed import WINDOW, Pressed, standing_layer, unrotated
from lowerbound.caches.thirdparty.torch_tokens import Tensor, TorchTokens, foreign, places
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import Public
from lowerbound.errors import CorruptState


class MergingPress(Pressed):
    """SnapKV's choice; the value of every dropped token is mixed into that of the most similar kept key.

    Idea: merge instead of evict; weights are the cosine times the share of the value's norm, keys stay as they are.
    Bits: 32 + 32 L H d min(n, B). Broken by: a query for a merged token, and for the one it was merged into.
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


class ThinKPress(TorchTokens):
    """All tokens stay; the key channels that the newest queries use least go.

    Idea: channels are scored by the mean squares of queries times those of keys, after every scale; kvpress sets the
    others to zero and keeps their bytes, here only the s = d - floor(d (1 - budget)) channels that survive are stored,
    behind a mask of d bits a head. A channel that once was dropped stays zero for the tokens of that time. Bits:
    32 + L H (8 ceil(d / 8) + 16 n (s + d)). Broken by: keys that differ in the dropped channels.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ThinKPress; Xu et al. 2024, arXiv:2407.21018"
    budget_meaning: ClassVar[str] = "fraction of key channels kept, rounded up; values stay whole"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._kvpress = foreign("kvpress")
        self.n_channels = max(1, public.d - int(public.d * (1 - self.budget)))
        self._masks = [[self._first_channels() for _ in range(public.n_heads)] for _ in range(public.n_layers)]

    @property
    def claimed_ratio(self) -> Fraction | None:
        return 2 / (1 + self.budget)

    def _first_channels(self) -> Tensor:
        return self.torch.arange(self.public.d) < self.n_channels

    def _surviving(self, layer: int) -> Tensor:
        """Which channels of each head survive, (n_heads, d): the press's zeroes on keys that have none."""
        public, queries = self.public, self.new_queries[layer]
        module = standing_layer(self.torch, n_heads=public.n_heads, d=public.d, layer=layer, n_layers=public.n_layers)
        hidden = self.torch.stack([queries, queries], dim=2).permute(1, 0, 2, 3).flatten(1)[None]
        context = {"hidden_states": hidden, "position_embeddings": unrotated(self.torch, hidden.shape[1], public.d)}
        press = self._kvpress.ThinKPress(
            key_channel_compression_ratio=(public.d - self.n_channels + 0.5) / public.d, window_size=WINDOW
        )
        keys = self.torch.stack([self.rows_of(layer, head)[0] for head in range(public.n_heads)])
        witness = self.torch.where(keys == 0, self.torch.finfo(keys.dtype).tiny, keys)[None]
        pruned, _ = press.compress(module, hidden, witness, witness, None, context)
        surviving: Tensor = (pruned[0] != 0).all(dim=1)
        return surviving

    def write(self, writer: BitWriter) -> None:
        for layer, masks in enumerate(self._masks):
            prunes = self.n_new > 0 and self.n_channels < self.public.d
            surviving = self._surviving(layer) if prunes else self.torch.stack(masks)
            for head, mask in enumerate(surviving):
                keys, values = self.rows_of(layer, head)
                writer.bits("indices", mask.numpy())
                self.write_rows(writer, keys[:, mask])
                self.write_rows(writer, values)

    def read(self, reader: BitReader) -> None:
        n, d = self.n_old, self.public.d
        for layer, masks in enumerate(self._masks):
            for head in range(self.public.n_heads):
                mask = self.torch.tensor(reader.bits(d)) > 0
                if int(mask.sum()) != self.n_channels:
                    raise CorruptState(f"state must keep {self.n_channels} channels a head, got {int(mask.sum())}")
                masks[head] = mask
                keys = self.torch.zeros(n, d)
                keys[:, mask] = self.read_rows(reader, n, self.n_channels)
                self.old[layer][head] = self.torch.stack([keys, self.read_rows(reader, n, d)])
