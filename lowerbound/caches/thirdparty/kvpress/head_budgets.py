"""Presses that divide one budget among heads: they mark the pairs to ignore, which these classes then drop."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed, standing_layer
from lowerbound.caches.thirdparty.torch_tokens import Tensor, foreign

PADDING_SCORE = -1e30
"""The score of padding rows in a head that has fewer tokens than the longest: finite, and below every real score."""


class AdaKVPress(Pressed):
    """SnapKV with one budget for all heads of a layer: the best pairs over all heads stay.

    Idea: a head with concentrated attention needs fewer tokens; each head keeps at least a fifth of B. kvpress marks
    the pairs that its attention will ignore and keeps their bytes; this class drops them. Bits:
    32 + 32 L H + 32 L H d min(n, B). Broken by: as SnapKVPress.
    Reference code differs: kvpress compresses a prompt once. Here the heads of a layer may hold different numbers of
    tokens, so each head is scored alone, and padding rows of shorter heads get the lowest score.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, AdaKVPress(SnapKVPress); Feng et al. 2024, arXiv:2407.11550"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, on average over the heads of a layer"
    stack: ClassVar[tuple[int, int] | None] = (1, 2)
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "heads"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.AdaKVPress(kvpress.SnapKVPress(window_size=self.window(n_queries)))

    def compressed(self, layer: int) -> list[Tensor]:
        heads = self.heads(layer)
        length = max(int(rows.shape[1]) for rows in heads)
        padded = self.torch.ones(2, len(heads), length, self.public.d)
        for head, rows in enumerate(heads):
            padded[:, head, : rows.shape[1]] = rows
        dropped = self._marked(layer, heads, padded)
        return [rows[:, ~dropped[head, : rows.shape[1]]] for head, rows in enumerate(heads)]

    def _marked(self, layer: int, heads: list[Tensor], padded: Tensor) -> Tensor:
        """A mask, shape (n_heads, length), of the (head, place) pairs that the press marks to be ignored."""
        queries = self.new_queries[layer]
        press = self.press(self._kvpress, int(queries.shape[1]))
        by_head = [self.arguments(layer, rows[:, None], queries[head : head + 1]) for head, rows in enumerate(heads)]
        press.press = _head_by_head(self._kvpress, press.press, by_head, int(padded.shape[2]))
        press.compression_ratio = self.ratio(int(padded.shape[2]))
        module = standing_layer(
            self.torch, n_heads=len(heads), d=self.public.d, layer=layer, n_layers=self.public.n_layers
        )
        press.compress(module, None, padded[0][None], padded[1][None], None, {})
        dropped = self.torch.zeros(padded.shape[1:3], dtype=self.torch.bool)
        _, head_places, token_places = module.masked_key_indices
        dropped[head_places, token_places] = True
        return dropped


class CriticalAdaKVPress(AdaKVPress):
    """AdaKV's budgets, filled as CriticalKV fills them.

    Idea: each head's budget comes from the votes of all heads, as in AdaKV. The first half of it goes to the highest
    votes, the second half to the highest products of vote and norm |W v|_1 of the projected value; W is the identity
    here. Bits: 32 + 32 L H + 32 L H d min(n, B). Broken by: as CriticalKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CriticalAdaKVPress(SnapKVPress); Feng et al. 2025, arXiv:2502.03805"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CriticalAdaKVPress(kvpress.SnapKVPress(window_size=self.window(n_queries)))


class DMSPress(Pressed):
    """The newest tokens stay in a window; a token that leaves the window stays only if its score passes a threshold.

    Idea: the threshold decides how many tokens stay, not a budget. Keys of norm at most sqrt(d) pass; the window holds
    B tokens. kvpress marks evicted tokens and keeps their bytes; this class drops them. Bits: 32 + 32 L H + 32 d times
    the tokens kept, summed over heads. Broken by: a query for a key of norm above sqrt(d). If all norms are at most
    sqrt(d), all tokens are kept.
    Reference code differs: the published method trains its scores. kvpress remembers the scores of the window's tokens;
    this class computes the same scores anew.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, DMSPress(KnormPress); after Lancucki et al. 2025, arXiv:2506.05345"
    budget_meaning: ClassVar[str] = "fraction of cached tokens that the window protects"
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "heads"

    @property
    def counted_bits(self) -> None:
        """None: scores decide how many tokens stay, and the method names no ratio."""
        return None

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.DMSPress(
            kvpress.KnormPress(), threshold=-math.sqrt(self.public.d), sliding_window_size=self.capacity
        )

    def compressed(self, layer: int) -> list[Tensor]:
        return [self._passing(layer, head, rows) for head, rows in enumerate(self.heads(layer))]

    def _passing(self, layer: int, head: int, rows: Tensor) -> Tensor:
        queries = self.new_queries[layer][head : head + 1]
        press = self.press(self._kvpress, int(queries.shape[1]))
        _, module = self.hooked(press, layer, rows[:, None], queries)
        passing = self.torch.ones(rows.shape[1], dtype=self.torch.bool)
        if module.masked_key_indices is not None:
            passing[module.masked_key_indices[2]] = False
        return rows[:, passing]


def _head_by_head(kvpress: Any, scorer: Any, by_head: list[tuple[Any, ...]], length: int) -> Any:
    """A ScorerPress that scores every head's rows by `scorer`, and gives padding rows PADDING_SCORE."""
    torch = foreign("torch")

    class HeadByHead(kvpress.ScorerPress):  # type: ignore[misc]
        def score(self, *ignored: Any) -> Tensor:
            scores = torch.full((1, len(by_head), length), PADDING_SCORE)
            for head, arguments in enumerate(by_head):
                found = scorer.score(*arguments)[0, 0]
                scores[0, head, : len(found)] = found
            return scores

    return HeadByHead()
