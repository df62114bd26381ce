"""Presses that divide one budget among all layers: they see every layer before they drop any token."""

from __future__ import annotations

from abc import abstractmethod
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed, ratio_that_keeps, standing_layer
from lowerbound.caches.thirdparty.torch_tokens import Tensor
from lowerbound.core.bits import BitWriter
from lowerbound.core.cache import Public

PADDING_SCORE = -1e30
"""The score of padding rows in a head that has fewer tokens than the longest: finite, and below every real score."""

NO_ATTENTION = -1.0
"""The attention given to padding rows: below every real attention weight."""


class _Shared(Pressed):
    """Template: once all heads of all layers together hold more than L H B tokens, `stays` chooses what stays."""

    stack: ClassVar[tuple[int, int] | None] = (2, 2)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._chosen: list[list[Tensor]] = []

    @abstractmethod
    def stays(self) -> list[list[Tensor]]:
        """The rows that stay, (2, kept, d) in token order for every head of every layer."""

    def crowded(self, layer: int) -> bool:
        public = self.public
        stored = sum(map(self.n_stored, range(public.n_layers)))
        return self.n_new > 0 and stored > self.capacity * public.n_heads * public.n_layers

    def write(self, writer: BitWriter) -> None:
        self._chosen = self.stays() if self.crowded(0) else []
        super().write(writer)

    def compressed(self, layer: int) -> list[Tensor]:
        return self._chosen[layer]

    def module(self, layer: int) -> SimpleNamespace:
        """The stand-in for the attention layer of a model."""
        public = self.public
        return standing_layer(self.torch, n_heads=public.n_heads, d=public.d, layer=layer, n_layers=public.n_layers)


class KVzipPress(_Shared):
    """The pairs that the model would need to repeat the context stay, the best over all heads of all layers.

    Idea: the context is read once more, and a pair's score is the largest attention weight that any query of this
    replay gives it. The first 4 tokens stay (at most B / 2, at least one). The replay uses the newest scale's queries;
    queries of older tokens are not stored, so their keys stand in for them. kvpress marks the pairs that its attention
    will ignore and keeps their bytes; this class drops them. Bits: 32 + 32 L H + 32 L H d min(n, B). Broken by: a query
    for a pair to which no query of the replay gave much weight.
    Reference code differs: its replay begins with a request in words, and it compresses one prompt once.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, KVzipPress; Kim et al. 2025, arXiv:2505.23416"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, on average over all heads of all layers"
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "heads"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KVzipPress(n_sink=max(1, self.sinks))

    def stays(self) -> list[list[Tensor]]:
        public, torch = self.public, self.torch
        rows = [self.heads(layer) for layer in range(public.n_layers)]
        length = max(int(head.shape[1]) for heads in rows for head in heads)
        scores = torch.full((public.n_layers, 1, public.n_heads, length), PADDING_SCORE)
        for layer, heads in enumerate(rows):
            for head, pairs in enumerate(heads):
                scores[layer, 0, head, : pairs.shape[1]] = self._needed(layer, head, pairs)
        press = self.press(self._kvpress, self.n_new)
        press.score_val = scores
        press.compression_ratio = (scores.numel() - public.n_layers * public.n_heads * self.capacity + 0.5) / (
            scores.numel()
        )
        modules = [self.module(layer) for layer in range(public.n_layers)]
        layers = [SimpleNamespace(self_attn=module) for module in modules]
        press.compress_post(SimpleNamespace(model=SimpleNamespace(layers=layers)))
        stays = torch.ones(public.n_layers, public.n_heads, length, dtype=torch.bool)
        for layer, module in enumerate(modules):
            _, head_places, token_places = module.masked_key_indices
            stays[layer, head_places, token_places] = False
        return [
            [pairs[:, stays[layer, head, : pairs.shape[1]]] for head, pairs in enumerate(heads)]
            for layer, heads in enumerate(rows)
        ]

    def _needed(self, layer: int, head: int, pairs: Tensor) -> Tensor:
        """The scores of the pairs of one head."""
        n_pairs = int(pairs.shape[1])
        queries = self.new_queries[layer][head : head + 1]
        module, hidden, keys, values, _, context = self.arguments(layer, pairs[:, None], queries)
        press = self.press(self._kvpress, self.n_new)
        press.context_length = press.end_idx = n_pairs
        press.score_val = self.torch.zeros(self.public.n_layers, 1, 1, n_pairs)
        twice = [self.torch.cat([part, part], dim=2) for part in (keys, values)]
        press.score_kvzip(module, hidden, *twice, None, context)
        return press.score_val[layer, 0, 0]


class KVComposePress(_Shared):
    """Every head keeps the tokens with its highest scores, and all heads of a layer keep equally many tokens.

    Idea: the newest scale's queries are asked once more, after everything stored, and a token's score in a head is the
    largest attention weight that they give it. In each layer, the i-th best tokens of all heads form a composite token,
    scored by the mean over heads; the best composite tokens of all layers stay. Layer 0 keeps the most, no layer is
    empty, and at most L B composite tokens stay. Bits: 32 + 32 L + 32 H d times the tokens kept, summed over layers.
    Broken by: a query for a token that the newest queries did not single out.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, KVComposePress; Akulov et al. 2025, arXiv:2509.05165"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, on average over the layers"
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "layers"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KVComposePress()

    def stays(self) -> list[list[Tensor]]:
        public, torch = self.public, self.torch
        rows = [torch.stack(self.heads(layer), dim=1) for layer in range(public.n_layers)]
        length = max(int(pairs.shape[2]) for pairs in rows)
        padded = [torch.nn.functional.pad(pairs, (0, 0, 0, length - pairs.shape[2])) for pairs in rows]
        cache = SimpleNamespace(layers=[SimpleNamespace(keys=pairs[:1], values=pairs[1:]) for pairs in padded])
        press = self.press(self._kvpress, self.n_new)
        model = SimpleNamespace(config=self.module(0).config, parameters=lambda: iter([padded[0]]))
        press._register_model(model)
        press.register_context_ids(torch.arange(length)[None])
        press._register_cache(cache)
        for layer, pairs in enumerate(rows):
            press.forward_hook(self.module(layer), [], {}, [None, self._asked_again(layer, pairs, length)])
        most = public.n_layers * self.capacity
        for count in range(most, 0, -1):
            press.compression_ratio = ratio_that_keeps(count, public.n_layers * length)
            press.prepare_important_masks()
            counts = press.important_per_layer.tolist()
            if sum(counts) <= most and all(n <= pairs.shape[2] for n, pairs in zip(counts, rows, strict=True)):
                break
        press.compress_structured()
        return [
            [torch.cat([held.keys, held.values])[:, head] for head in range(public.n_heads)] for held in cache.layers
        ]

    def _asked_again(self, layer: int, pairs: Tensor, length: int) -> Tensor:
        """Attention of the newest queries over stored tokens, and causally over a repetition of their own scale.

        The shape is (1, H, m, length + m); places beyond the stored tokens hold NO_ATTENTION.
        """
        queries, keys = self.new_queries[layer], pairs[0]
        self.check(queries)
        n_queries, n_keys = int(queries.shape[1]), int(keys.shape[1])
        again = self.torch.cat([keys, keys[:, n_keys - n_queries :]], dim=1)
        unseen = self.torch.ones(n_queries, n_keys + n_queries, dtype=self.torch.bool).triu(n_keys + 1)
        logits = (queries @ again.mT / self.public.d**0.5).masked_fill(unseen, -self.torch.inf)
        weights = self.torch.full((1, len(keys), n_queries, length + n_queries), NO_ATTENTION)
        weights[0, :, :, :n_keys] = logits.softmax(-1)[:, :, :n_keys]
        return weights
