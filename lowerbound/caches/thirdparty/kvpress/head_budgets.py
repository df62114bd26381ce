"""Presses that divide one budget among heads: they mark the pairs to ignore, and here those are dropped."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, ClassVar, Literal

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed, standing_layer
from lowerbound.caches.thirdparty.torch_tokens import Tensor, foreign

PADDING_SCORE = -1e30
"""The score of rows that stand where a shorter head has no token: below every score, and finite."""


class AdaKVPress(Pressed):
    """SnapKV with one budget for all heads of a layer: the best pairs of all heads stay.

    Idea: heads that concentrate need fewer tokens; each keeps at least a fifth of B. kvpress only marks the pairs that
    its attention will ignore and keeps their bytes; here they are dropped, head by head. Bits:
    32 + 32 L H + 32 L H d min(n, B). Broken by: as SnapKVPress.
    Reference code differs: kvpress compresses a prompt once; a layer whose heads hold different numbers of tokens is
    scored head by head, and rows that no token fills get the lowest score.
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
        """Which (head, place) pairs the press marks as ignored."""
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

    Idea: each head's budget comes from the votes of all heads, and its second half goes to votes times the norm of the
    projected value; W is the identity here. Bits: 32 + 32 L H + 32 L H d min(n, B). Broken by: as CriticalKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CriticalAdaKVPress(SnapKVPress); Feng et al. 2025, arXiv:2502.03805"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CriticalAdaKVPress(kvpress.SnapKVPress(window_size=self.window(n_queries)))


class DMSPress(Pressed):
    """A window of the newest tokens stays; whatever leaves it stays only if its score passes a threshold.

    Idea: sparsity without a budget, as much as the tokens deserve. Keys of norm at most sqrt(d) pass; the window holds
    B tokens. kvpress only marks what it evicts; here that is dropped. Bits: 32 + 32 L H + 32 d times the tokens kept,
    summed over heads. Broken by: a query for a long key; and keys that are all short are all kept.
    Reference code differs: the published method trains its scores; kvpress remembers the scores of the window, which
    here are the same when they are made anew.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, DMSPress(KnormPress); after Lancucki et al. 2025, arXiv:2506.05345"
    budget_meaning: ClassVar[str] = "fraction of cached tokens that the window protects"
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "heads"

    @property
    def claimed_ratio(self) -> Fraction | None:
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
    """A ScorerPress that gives every head the scores of `scorer` on its own rows, and PADDING_SCORE beyond them."""
    torch = foreign("torch")

    class HeadByHead(kvpress.ScorerPress):  # type: ignore[misc]
        def score(self, *ignored: Any) -> Tensor:
            scores = torch.full((1, len(by_head), length), PADDING_SCORE)
            for head, arguments in enumerate(by_head):
                found = scorer.score(*arguments)[0, 0]
                scores[0, head, : len(found)] = found
            return scores

    return HeadByHead()
