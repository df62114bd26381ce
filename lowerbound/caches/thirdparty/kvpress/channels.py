"""Presses that drop key channels: kvpress sets them to zero, these classes do not store them."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any, ClassVar

from lowerbound.caches.thirdparty.kvpress.pressed import WINDOW, ratio_that_keeps, standing_layer, unrotated
from lowerbound.caches.thirdparty.torch_tokens import Tensor, TorchTokens, foreign, in_token_order
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import Public, tokens_within
from lowerbound.core.scalars import counted
from lowerbound.errors import CorruptState


class ThinKPress(TorchTokens):
    """All tokens stay; the key channels that matter least to the newest queries are dropped.

    Idea: after every scale, a channel's score is the mean square of the queries times the mean square of the keys in
    that channel. kvpress sets the dropped channels to zero and keeps their bytes; this class stores only the
    s = d - floor(d (1 - budget)) channels that stay, with a mask of d bits per head. For tokens that were stored while
    a channel was dropped, that channel remains zero. Bits: 32 + L H (8 ceil(d / 8) + 16 n (s + d)). Broken by: keys
    that differ only in dropped channels.
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
    def counted_bits(self) -> int:
        """The channels that stay of the keys, and whole values, of the tokens that stay, in float16."""
        row = FP16_BITS * (self.n_channels + self.public.d)
        return self.n_streams * self.kept_of(self.public.schedule.n_tokens_cached) * row

    def kept_of(self, n_seen: int) -> int:
        """How many of the first `n_seen` tokens a head holds right after `encode`."""
        return n_seen

    def _first_channels(self) -> Tensor:
        return self.torch.arange(self.public.d) < self.n_channels

    def _channel_press(self) -> Any:
        share = (self.public.d - self.n_channels + 0.5) / self.public.d
        return self._kvpress.ThinKPress(key_channel_compression_ratio=share, window_size=WINDOW)

    def _arguments(self, layer: int) -> tuple[Any, Any, Tensor, Tensor, dict[str, Any]]:
        """module, hidden_states, keys, values and kwargs, as a model's hook would pass them.

        Zeros in keys are replaced by the smallest positive float, so that a zero in the result marks a dropped channel.
        """
        public, queries = self.public, self.new_queries[layer]
        module = standing_layer(self.torch, n_heads=public.n_heads, d=public.d, layer=layer, n_layers=public.n_layers)
        hidden = self.torch.stack([queries, queries], dim=2).permute(1, 0, 2, 3).flatten(1)[None]
        context = {"hidden_states": hidden, "position_embeddings": unrotated(self.torch, hidden.shape[1], public.d)}
        keys, values = self.torch.stack([self.rows_of(layer, head) for head in range(public.n_heads)], dim=1)
        witness = self.torch.where(keys == 0, self.torch.finfo(keys.dtype).tiny, keys)
        return module, hidden, witness[None], values[None].clone(), context

    def pruned(self, layer: int) -> tuple[list[Tensor], Tensor]:
        """The rows that stay in each head, (2, kept, d), and a mask of the key channels that stay, (n_heads, d)."""
        module, hidden, keys, values, context = self._arguments(layer)
        pruned, _ = self._channel_press().compress(module, hidden, keys, values, None, context)
        return [self.rows_of(layer, head) for head in range(self.public.n_heads)], (pruned[0] != 0).all(dim=1)

    def write(self, writer: BitWriter) -> None:
        for layer, masks in enumerate(self._masks):
            stays = self.pruned(layer) if self.n_new else (self.old[layer], self.torch.stack(masks))
            for rows, mask in zip(*stays, strict=True):
                writer.bits("indices", mask.numpy())
                self.write_rows(writer, rows[0][:, mask])
                self.write_rows(writer, rows[1])

    def read(self, reader: BitReader) -> None:
        n, d = self.kept_of(self.n_old), self.public.d
        for layer, masks in enumerate(self._masks):
            for head in range(self.public.n_heads):
                mask = self.torch.tensor(reader.bits(d)) > 0
                if int(mask.sum()) != self.n_channels:
                    raise CorruptState(
                        f"state must keep {counted(self.n_channels, 'channel')} per head, got {int(mask.sum())}"
                    )
                masks[head] = mask
                keys = self.torch.zeros(n, d)
                keys[:, mask] = self.read_rows(reader, n, self.n_channels)
                self.old[layer][head] = self.torch.stack([keys, self.read_rows(reader, n, d)])


class ComposedPress(ThinKPress):
    """The keys of smallest norm stay, and of these the channels that matter most to the newest queries.

    Idea: KnormPress, and then ThinKPress on the tokens that are left. Each applies the full budget, so that together
    they keep a smaller fraction than the budget. s channels as in ThinKPress. Bits:
    32 + L H (8 ceil(d / 8) + 16 min(n, B) (s + d)). Broken by: as KnormPress and as ThinKPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ComposedPress(KnormPress, ThinKPress)"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, and of their key channels, rounded up"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.capacity = tokens_within(self.budget, public.schedule.n_tokens_cached)

    def kept_of(self, n_seen: int) -> int:
        return min(n_seen, self.capacity)

    def pruned(self, layer: int) -> tuple[list[Tensor], Tensor]:
        module, hidden, keys, values, context = self._arguments(layer)
        n_stored = int(keys.shape[2])
        ratio = ratio_that_keeps(self.capacity, n_stored) if n_stored > self.capacity else 0.0
        norms = self._kvpress.KnormPress(ratio)
        kept = self.torch.cat(norms.compress(module, hidden, keys, values, None, context))
        stored = self.torch.cat([keys, values])
        held = SimpleNamespace(keys=keys, values=values)
        context |= {
            "past_key_values": SimpleNamespace(layers=[held] * self.public.n_layers),
            "cache_position": self.torch.arange(hidden.shape[1]),
        }
        composed = self._kvpress.ComposedPress([norms, self._channel_press()])
        composed.forward_hook(module, [], context, [None, None])
        orders = [in_token_order(stored[:, head], kept[:, head]) for head in range(self.public.n_heads)]
        rows = [self.rows_of(layer, head)[:, order] for head, order in enumerate(orders)]
        return rows, (held.keys[0] != 0).all(dim=1)
