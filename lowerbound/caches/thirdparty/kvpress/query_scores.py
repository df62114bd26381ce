"""Presses that score a token by the attention that queries give it, or are expected to give it."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed


class SnapKVPress(Pressed):
    """The window's queries vote by attention; the tokens with the most votes stay, and the window stays.

    Idea: the last w = min(32, B / 2, newest scale) queries vote, masked causally within the window; votes are averaged
    over 5 neighboring tokens.
    Bits: 32 + 32 L H d min(n, B). Broken by: a query for any token that the window did not single out.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, SnapKVPress; Li et al. 2024, arXiv:2404.14469"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.SnapKVPress(window_size=self.window(n_queries))


class FinchPress(Pressed):
    """The window's queries vote as in SnapKV; each vote is multiplied by the number of tokens that its query saw.

    Idea: late queries spread their attention over more tokens, and the factor corrects for this. In a language model
    the window is the question after a delimiter; here it is the last w = min(32, B / 2, newest scale) queries. Votes
    are not averaged over neighbors, and keys have no rotary embedding to correct. Bits: 32 + 32 L H d min(n, B).
    Broken by: as SnapKVPress.
    """

    rotates: ClassVar[bool] = True
    reference: ClassVar[str] = "kvpress 0.5.5, FinchPress; Corallo and Papotti 2024, doi:10.1162/tacl_a_00716"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        press = kvpress.FinchPress()
        press.window_size = self.window(n_queries)
        return press


class TOVAPress(Pressed):
    """The tokens to which the newest query attends least are dropped, the same tokens in all heads.

    Idea: the last token's softmax row, averaged over the heads of the layer, decides; the last token stays. Bits:
    32 + 32 L H d min(n, B). Broken by: a query for any token to which the last query gave little weight.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, TOVAPress; Oren et al. 2024, arXiv:2401.06104"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.TOVAPress()


class ObservedAttentionPress(Pressed):
    """The tokens stay that received the most attention per query that could see them.

    Idea: token j's attention, summed over the newest scale's queries, is divided by n - j, the number of queries that
    see token j under a causal mask.
    Bits: 32 + 32 L H d min(n, B). Broken by: a query for any token that these queries did not single out.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ObservedAttentionPress; related to H2O, arXiv:2306.14048"
    observes_attention: ClassVar[bool] = True

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ObservedAttentionPress()


class ExpectedAttentionPress(Pressed):
    """The tokens stay to which a Gaussian query, fitted to the newest queries, is expected to attend most.

    Idea: with mean mu and covariance C of the newest queries, a token's score is exp(k mu / sqrt d + k' C k / 2 d)
    times the norm of its value; the first tokens stay. Bits: 32 + 32 L H d min(n, B). Broken by: a query unlike
    the earlier ones.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ExpectedAttentionPress; Devoto et al. 2025, arXiv:2510.00636"
    sees: ClassVar[Literal["new", "all"]] = "new"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ExpectedAttentionPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class CapPress(Pressed):
    """The tokens stay whose values span the most, weighted by the similarity of their keys to the mean query.

    Idea: leverage scores of the values, from a log-determinant measure of capacity. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a token whose value resembles the others'.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CapPress; arXiv:2604.25975"
    sees: ClassVar[Literal["new", "all"]] = "new"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CapPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class NonCausalAttnPress(Pressed):
    """The tokens stay that receive the most attention from all tokens of their chunk, without a causal mask.

    Idea: the softmax of unscaled products <q, k> within chunks of 256 tokens, summed over queries, times the norm of
    the value, averaged over 3 neighboring tokens. Queries of older tokens are not stored, so their keys stand in for
    them. Bits: 32 + 32 L H d min(n, B). Broken by: a query for a token to which the others do not attend.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, NonCausalAttnPress; Chari and Van Durme 2025, arXiv:2507.08143"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.NonCausalAttnPress()


class CompactorPress(Pressed):
    """Leverage scores and non-causal attention, combined; the first and the last tokens stay.

    Idea: the scores of LeverageScorePress and NonCausalAttnPress, each standardized. The first 8 tokens (at most B / 2)
    and the last 4 (at most B / 4) stay. Bits: 32 + 32 L H d min(n, B). Broken by: as LeverageScorePress and
    NonCausalAttnPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CompactorPress; Chari and Van Durme 2025, arXiv:2507.08143"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CompactorPress(
            sink_size_start=min(8, self.capacity // 2), sink_size_end=min(4, self.capacity // 4)
        )


class CriticalKVPress(Pressed):
    """SnapKV's choice for half of the budget, then its votes times the norm of the projected value.

    Idea: bound the change of the layer's output, which grows with |W v|_1, W the output projection; W is the identity
    here. Bits:
    32 + 32 L H d min(n, B). Broken by: a query for a token with a small value and few votes.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CriticalKVPress(SnapKVPress); Feng et al. 2025, arXiv:2502.03805"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CriticalKVPress(kvpress.SnapKVPress(window_size=self.window(n_queries)))
