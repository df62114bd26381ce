"""Presses that divide one budget among layers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar, Literal

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed, ratio_that_keeps
from lowerbound.caches.thirdparty.torch_tokens import Tensor
from lowerbound.core.cache import Public
from lowerbound.errors import InvalidArgument

PYRAMID_MARGIN = 1e-3
"""Fraction of a token added to the budget of a pyramid, so that rounding cannot leave its smallest layer less than the
window."""

LAZY = 0.9
"""The threshold that kvpress recommends for Llama 3."""


class PyramidKVPress(Pressed):
    """SnapKV with more tokens in the lower layers and fewer in the higher ones.

    Idea: attention is spread in low layers and concentrated in high ones. With steepness s = min(20, B), budgets
    fall linearly from 2 B - B / s (or all tokens, if these are fewer) to B / s tokens, and average B. The window is
    min(8, B / s), so that budgets fall at small B too. Budgets are computed from the number of all tokens seen, not
    of those still stored. Bits: 32 + 32 L + 32 H d times the tokens kept, summed over layers. Broken by: as
    SnapKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, PyramidKVPress; Cai et al. 2024, arXiv:2406.02069"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, on average over the layers"
    stack: ClassVar[tuple[int, int] | None] = (4, 1)
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "layers"

    def __init__(self, public: Public) -> None:
        if public.n_layers < 2:
            raise InvalidArgument(
                f"PyramidKVPress must have at least 2 layers to divide its budget among, got {public.n_layers}: "
                "with one, kvpress gives it nearly twice the budget"
            )
        super().__init__(public)

    def crowded(self, layer: int) -> bool:
        return self.n_new > 0 and self.n_seen > self.capacity

    def ratio(self, n_stored: int) -> float:
        return 1 - (self.capacity + PYRAMID_MARGIN) / self.n_seen

    def press(self, kvpress: Any, n_queries: int) -> Any:
        n_seen = self.n_seen

        class OverAllSeen(kvpress.PyramidKVPress):  # type: ignore[misc]
            def get_layer_budget(self, module: Any, q_len: int) -> int:
                return min(q_len, int(super().get_layer_budget(module, n_seen)))

        steepness = min(20, self.capacity)
        window = max(1, min(8, self.capacity // steepness))
        return OverAllSeen(window_size=min(window, n_queries), beta=steepness)


class PerLayerCompressionPress(Pressed):
    """The keys of smallest norm stay, more of them in the lower layers than in the higher ones.

    Idea: any press, with one compression ratio per layer, set by the caller. Here layer l of L keeps B + o_l tokens,
    with o_l the integer part of min(B / 2, T - B) (L - 1 - 2 l) / (L - 1), so that the average is B. Bits:
    32 + 32 L + 32 H d times the tokens kept, summed over layers. Broken by: as KnormPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, PerLayerCompressionPress(KnormPress)"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, on average over the layers"
    stack: ClassVar[tuple[int, int] | None] = (4, 1)
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "layers"

    def room(self, layer: int) -> int:
        """How many tokens a head of the layer keeps: B + o_l."""
        last = self.public.n_layers - 1
        widest = min(Fraction(self.capacity, 2), Fraction(self.public.schedule.n_tokens_cached - self.capacity))
        return self.capacity + (int(widest * (last - 2 * layer) / last) if last else 0)

    def crowded(self, layer: int) -> bool:
        return self.n_new > 0 and self.n_stored(layer) > self.room(layer) * self.public.n_heads

    def press(self, kvpress: Any, n_queries: int) -> Any:
        counts = [int(heads[0].shape[1]) + self.n_new for heads in self.old]
        ratios = [
            ratio_that_keeps(self.room(layer), count) if count > self.room(layer) else 0.0
            for layer, count in enumerate(counts)
        ]
        return kvpress.PerLayerCompressionPress(kvpress.KnormPress(), ratios)

    def _pressed(self, layer: int, stored: Tensor) -> Tensor:
        queries = self.new_queries[layer]
        return self.hooked(self.press(self._kvpress, int(queries.shape[1])), layer, stored, queries)[0]


class SimLayerKVPress(Pressed):
    """Lazy layers keep the first and the newest tokens; the other layers keep all tokens.

    Idea: a layer is lazy if the last query gives more than 9/10 of its attention to the first 4 and the newest tokens,
    B + 1 tokens together; it then keeps B. The budget limits lazy layers only, and only from B + 3 tokens on. Bits:
    32 + 32 L + 32 H d times the tokens kept, summed over layers. Broken by: a last query that attends to the ends,
    which makes the layer lazy, followed by a query for any token in the gap.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, SimLayerKVPress; Zhang et al. 2024, arXiv:2410.13846"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept in lazy layers"
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "layers"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        recent = self.capacity + 1 - self.sinks
        return kvpress.SimLayerKVPress(lazy_threshold=LAZY, n_initial=self.sinks, n_recent=recent)

    def _pressed(self, layer: int, stored: Tensor) -> Tensor:
        queries = self.new_queries[layer]
        return self.run(self.press(self._kvpress, int(queries.shape[1])), layer, stored, queries)
