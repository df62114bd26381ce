"""Presses that score a token by what is stored of it: its key, its value, its place."""

from __future__ import annotations

from typing import Any, ClassVar

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed


class KnormPress(Pressed):
    """The keys of smallest norm stay.

    Idea: keys of small norm attract attention in trained models; no query is read. Bits: 32 + 32 L H d min(n, B).
    Broken by: keys of one length, as here: then rounding noise, or the order of a sort, decides.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, KnormPress; Devoto et al. 2024, arXiv:2406.11430"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KnormPress()


class RandomPress(Pressed):
    """Public coins say who stays.

    Idea: the baseline that every score must beat; the seed is public. Bits: 32 + 32 L H d min(n, B). Broken by: a
    query for any token that the coins dropped.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, RandomPress"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.RandomPress(seed=self.public.seed)


class StreamingLLMPress(Pressed):
    """The first tokens and the newest ones stay.

    Idea: attention sinks. Four sinks, and at most half of B. Bits: 32 + 32 L H d min(n, B). Broken by: a query for any
    token in the gap, which is known beforehand.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, StreamingLLMPress; Xiao et al. 2023, arXiv:2309.17453"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.StreamingLLMPress(n_sink=self.sinks)


class KeyRerotationPress(Pressed):
    """StreamingLLM's choice, with keys turned to the places that they have after the others are gone.

    Idea: a model that knows places by rotation must not see gaps. Keys have no rotation here, so that nothing turns and
    states are those of StreamingLLMPress. Bits: 32 + 32 L H d min(n, B). Broken by: as StreamingLLMPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, KeyRerotationPress(StreamingLLMPress); after arXiv:2309.17453"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KeyRerotationPress(kvpress.StreamingLLMPress(n_sink=self.sinks))


class KeyDiffPress(Pressed):
    """The keys least like the mean key stay.

    Idea: cosine similarity with the mean direction. Bits: 32 + 32 L H d min(n, B). Broken by: a query for a key near
    the mean, and keys that are all as far from it.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, KeyDiffPress; Park et al. 2025, arXiv:2504.15364"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KeyDiffPress()


class LagKVPress(Pressed):
    """Tokens that stand out against the next block of tokens stay.

    Idea: keys and values, normalised by the next block's range, are ranked by their spread within their block; sinks
    and the last blocks stay. Blocks of 128 tokens, and at most B / 8. Bits: 32 + 32 L H d min(n, B). Broken by: a query
    for any token with an ordinary key and value.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, LagKVPress; Liang et al. 2025, arXiv:2504.04704"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.LagKVPress(n_sink=self.sinks, lag_size=max(2, min(128, self.capacity // 8)))


class CURPress(Pressed):
    """The tokens with the largest key norm times value norm, within windows of 16, stay.

    Idea: approximate leverage scores of a CUR decomposition; sinks stay. Bits: 32 + 32 L H d min(n, B). Broken by: a
    query for a token whose value is small.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CURPress; Sengupta et al. 2025, arXiv:2509.15038"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CURPress(num_sinks=self.sinks)


class LeverageScorePress(Pressed):
    """The keys of largest leverage, in a public random sketch, stay.

    Idea: a key that the others cannot express must be kept. Made for one pass over a prompt; applied to what is stored
    after every scale. Bits: 32 + 32 L H d min(n, B). Broken by: keys in general position, which all have one leverage.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, LeverageScorePress; Chari and Van Durme 2025, arXiv:2507.08143"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.LeverageScorePress()
