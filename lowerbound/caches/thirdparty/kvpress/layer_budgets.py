"""Presses that divide one budget among layers."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed
from lowerbound.core.cache import Public
from lowerbound.errors import InvalidArgument

PYRAMID_MARGIN = 1e-3
"""Tokens added to the budget of a pyramid, so that rounding does not push its least layer under the window."""


class PyramidKVPress(Pressed):
    """SnapKV with more tokens in the lower layers and fewer in the higher ones.

    Idea: attention spreads in low layers and settles in high ones; budgets fall linearly from 2 B - B / 20 to B / 20
    tokens, or from all of them, and average B. Steepness min(20, B), window min(8, B / steepness), so that the pyramid
    is one at small budgets too; a layer is asked for its budget with all tokens seen. Bits: 32 + 32 L + 32 H d times
    the tokens kept, summed over layers. Broken by: as SnapKVPress.
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
