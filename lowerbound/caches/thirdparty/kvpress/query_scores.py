"""Presses that score a token by the queries that attend to it, or are expected to."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed


class SnapKVPress(Pressed):
    """The window's queries vote, votes are smoothed over neighbours, and the winners and the window stay.

    Idea: w = min(32, B / 2, newest scale) queries, masked causally within the window; votes averaged over 5 tokens.
    Bits: 32 + 32 L H d min(n, B). Broken by: a query for any token that the window did not single out.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, SnapKVPress; Li et al. 2024, arXiv:2404.14469"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.SnapKVPress(window_size=self.window(n_queries))


class FinchPress(Pressed):
    """The window's queries vote as in SnapKV, each vote times the number of tokens that its query saw.

    Idea: late queries spread their attention over more tokens. The window, elsewhere the question behind a delimiter,
    is w = min(32, B / 2, newest scale) queries; votes are not smoothed, and keys have no rotation to be turned. Bits:
    32 + 32 L H d min(n, B). Broken by: as SnapKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, FinchPress; Corallo and Papotti 2024, doi:10.1162/tacl_a_00716"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        press = kvpress.FinchPress()
        press.window_size = self.window(n_queries)
        return press


class TOVAPress(Pressed):
    """Whatever the newest query attends to least is dropped, in all heads alike.

    Idea: the last token's softmax row, averaged over the heads of the layer, decides; the last token stays. Bits:
    32 + 32 L H d min(n, B). Broken by: a query for any token that the last query did not want.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, TOVAPress; Oren et al. 2024, arXiv:2401.06104"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.TOVAPress()


class ObservedAttentionPress(Pressed):
    """The tokens with the most attention per query that could see them stay.

    Idea: sums of attention weights over the newest scale's queries, each divided by the causal count n - j of token j.
    Bits: 32 + 32 L H d min(n, B). Broken by: a query for any token that these queries did not single out.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ObservedAttentionPress; related to H2O, arXiv:2306.14048"
    observes_attention: ClassVar[bool] = True

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ObservedAttentionPress()


class ExpectedAttentionPress(Pressed):
    """The tokens that a Gaussian query, fitted to the newest queries, is expected to attend to stay.

    Idea: exp(k mu / sqrt d + k' C k / 2 d), weighted by the value's norm; the first tokens stay. Bits:
    32 + 32 L H d min(n, B). Broken by: a query unlike the earlier ones.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ExpectedAttentionPress; Devoto et al. 2025, arXiv:2510.00636"
    sees: ClassVar[Literal["new", "all"]] = "new"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ExpectedAttentionPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class CapPress(Pressed):
    """The tokens whose values span the most, weighted by likeness to the mean query, stay.

    Idea: leverage scores of the values in a log-determinant capacity. Bits: 32 + 32 L H d min(n, B). Broken by: a query
    for a token whose value resembles the others'.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CapPress; arXiv:2604.25975"
    sees: ClassVar[Literal["new", "all"]] = "new"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CapPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class NonCausalAttnPress(Pressed):
    """The tokens that all tokens of their chunk attend to, without a causal mask, stay.

    Idea: softmax of unscaled products within chunks of 256, summed over queries, weighted by the value's norm,
    smoothed over 3 neighbours. The keys of remembered tokens stand for their queries. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a token that the others do not want.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, NonCausalAttnPress; Chari and Van Durme 2025, arXiv:2507.08143"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.NonCausalAttnPress()


class CompactorPress(Pressed):
    """Leverage scores and non-causal attention, blended; the first and the last tokens stay.

    Idea: as LeverageScorePress and NonCausalAttnPress, both standardised; 8 first and 4 last tokens, at most B / 2 and
    B / 4. Bits: 32 + 32 L H d min(n, B). Broken by: as those two.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CompactorPress; Chari and Van Durme 2025, arXiv:2507.08143"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CompactorPress(
            sink_size_start=min(8, self.capacity // 2), sink_size_end=min(4, self.capacity // 4)
        )


class CriticalKVPress(Pressed):
    """SnapKV's choice for half of the budget, then its votes times the norm of the projected value.

    Idea: bound the change of the layer's output, which grows with |W v|_1; W is the identity here. Bits:
    32 + 32 L H d min(n, B). Broken by: a query for a token with a small value and few votes.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CriticalKVPress(SnapKVPress); Feng et al. 2025, arXiv:2502.03805"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CriticalKVPress(kvpress.SnapKVPress(window_size=self.window(n_queries)))
