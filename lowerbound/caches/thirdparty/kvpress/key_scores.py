"""Presses that score a token by its stored key and value and its place, without using queries."""

from __future__ import annotations

from typing import Any, ClassVar

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed


class KnormPress(Pressed):
    """The keys of smallest norm stay.

    Idea: keys of small norm attract attention in trained models; no query is used. Bits: 32 + 32 L H d min(n, B).
    Broken by: keys of equal norm, as in this game: then rounding noise, or the order of a sort, decides.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, KnormPress; Devoto et al. 2024, arXiv:2406.11430"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KnormPress()


class RandomPress(Pressed):
    """Public coins choose the tokens that stay.

    Idea: the baseline that every score must beat; the seed is public. Bits: 32 + 32 L H d min(n, B). Broken by: a
    query for any token that the coins dropped.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, RandomPress"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.RandomPress(seed=self.public.seed)


class StreamingLLMPress(Pressed):
    """The first tokens and the newest ones stay.

    Idea: attention sinks. There are four sinks, but at most half of B. Bits: 32 + 32 L H d min(n, B). Broken by: a
    query for any token in the gap between sinks and newest tokens, whose place is known beforehand.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, StreamingLLMPress; Xiao et al. 2023, arXiv:2309.17453"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.StreamingLLMPress(n_sink=self.sinks)


class KeyRerotationPress(Pressed):
    """StreamingLLM's choice, with the rotary embedding of kept keys recomputed for their new, consecutive positions.

    Idea: a model with rotary embeddings should not see gaps in the positions. Keys have no rotary embedding here, so
    states equal those of StreamingLLMPress. Bits: 32 + 32 L H d min(n, B). Broken by: as StreamingLLMPress.
    """

    rotates: ClassVar[bool] = True
    reference: ClassVar[str] = "kvpress 0.5.5, KeyRerotationPress(StreamingLLMPress); after arXiv:2309.17453"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KeyRerotationPress(kvpress.StreamingLLMPress(n_sink=self.sinks))


class KeyDiffPress(Pressed):
    """The keys least like the mean key stay.

    Idea: drop the keys with the highest cosine similarity to the mean direction of all keys. Bits:
    32 + 32 L H d min(n, B). Broken by: a query for a key near the mean, and keys that are all equally far from it.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, KeyDiffPress; Park et al. 2025, arXiv:2504.15364"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KeyDiffPress()


class LagKVPress(Pressed):
    """The tokens stay that stand out against the next block of tokens.

    Idea: keys and values are normalized by the range of the next block, and tokens are ranked by their spread within
    their block; sinks and the last blocks stay. A block has 128 tokens, but at most B / 8. Bits:
    32 + 32 L H d min(n, B). Broken by: a query for any token with an ordinary key and value.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, LagKVPress; Liang et al. 2025, arXiv:2504.04704"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.LagKVPress(n_sink=self.sinks, lag_size=max(2, min(128, self.capacity // 8)))


class CURPress(Pressed):
    """The tokens stay with the largest product of key norm and value norm, compared within windows of 16 tokens.

    Idea: approximate leverage scores of a CUR decomposition; sinks stay. Bits: 32 + 32 L H d min(n, B). Broken by: a
    query for a token whose value is small.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CURPress; Sengupta et al. 2025, arXiv:2509.15038"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CURPress(num_sinks=self.sinks)


class LeverageScorePress(Pressed):
    """The keys with the largest leverage scores, estimated from a public random sketch, stay.

    Idea: a key that is no linear combination of the others must be kept. The method was made for one pass over a
    prompt; here it is applied to the stored tokens after every scale. Bits: 32 + 32 L H d min(n, B). Broken by: keys in
    general position, which all have equal leverage.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, LeverageScorePress; Chari and Van Durme 2025, arXiv:2507.08143"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.LeverageScorePress()
