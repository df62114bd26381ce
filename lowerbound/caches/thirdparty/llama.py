"""Presses run by kvpress's own hooks in a real LlamaForCausalLM, after every scale as after a decoding step."""

from __future__ import annotations

from typing import Any, ClassVar

from lowerbound.caches.thirdparty.identity_llama import PROMPT, InLlama
from lowerbound.caches.thirdparty.kvpress.pressed import ratio_that_keeps
from lowerbound.core.bits import BitReader
from lowerbound.errors import invalid

WINDOW = 32


class KnormPress(InLlama):
    """The keys of smallest norm stay, in a model.

    Idea: as kvpress:KnormPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: keys of equal norm: then rounding noise decides.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(KnormPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2406.11430"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KnormPress()


class RandomPress(InLlama):
    """Public coins choose the tokens that stay, in a model.

    Idea: as kvpress:RandomPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token that the coins dropped.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, DecodingPress(RandomPress); transformers 5.2.0, LlamaForCausalLM"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.RandomPress(seed=self.public.seed)


class StreamingLLMPress(InLlama):
    """The first tokens and the newest ones stay, in a model.

    Idea: as kvpress:StreamingLLMPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token in the gap between first and newest tokens, whose place is known beforehand.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(StreamingLLMPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2309.17453"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.StreamingLLMPress(n_sink=self.sinks)


class SnapKVPress(InLlama):
    """The tokens with most attention from the newest queries stay, in a model whose own attention weights are used.

    Idea: the votes of the last w = min(32, B / 2, newest scale - 1) queries, each of which sees its whole scale. If
    tokens must be dropped after a scale, that scale needs at least two tokens. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token that the window did not single out.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(SnapKVPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2404.14469"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        if n_queries < 2:
            raise invalid("newest scale", "have more tokens than the window that votes", n_queries, nearest=2)
        return kvpress.SnapKVPress(window_size=min(WINDOW, max(1, self.capacity // 2), n_queries - 1))


class TOVAPress(InLlama):
    """The tokens to which the newest query attends least are dropped, in a model.

    Idea: as kvpress:TOVAPress, by the model's own attention weights. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token to which the last query gave little weight.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(TOVAPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2401.06104"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.TOVAPress()


class ObservedAttentionPress(InLlama):
    """The tokens stay that received the most attention per query that could see them, in a model.

    Idea: as kvpress:ObservedAttentionPress, by the model's own attention weights. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token that these queries did not single out.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(ObservedAttentionPress); "
        "transformers 5.2.0, LlamaForCausalLM; related to H2O, arXiv:2306.14048"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ObservedAttentionPress()


class ExpectedAttentionPress(InLlama):
    """The tokens stay to which a Gaussian query is expected to attend most, in a model.

    Idea: as kvpress:ExpectedAttentionPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query unlike the earlier ones.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(ExpectedAttentionPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2510.00636"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ExpectedAttentionPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class CapPress(InLlama):
    """The tokens stay whose values span the most, in a model.

    Idea: as kvpress:CapPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a token whose value resembles the others'.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(CapPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2604.25975"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CapPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class KeyDiffPress(InLlama):
    """The keys least like the mean key stay, in a model.

    Idea: as kvpress:KeyDiffPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a key near the mean, and keys that are all equally far from it.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(KeyDiffPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2504.15364"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KeyDiffPress()


class LagKVPress(InLlama):
    """The tokens stay that stand out against the next block of tokens, in a model.

    Idea: as kvpress:LagKVPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token with an ordinary key and value.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(LagKVPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2504.04704"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.LagKVPress(n_sink=self.sinks, lag_size=max(2, min(128, self.capacity // 8)))


class CURPress(InLlama):
    """The tokens stay with the largest product of key norm and value norm, in a model.

    Idea: as kvpress:CURPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a token whose value is small.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(CURPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2509.15038"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CURPress(num_sinks=self.sinks)


class CriticalKVPress(InLlama):
    """SnapKV's choice for half of the budget, then its votes times the norm of the projected value, in a model.

    Idea: as kvpress:CriticalKVPress, with the model's own attention weights and output projection, which moves values
    to another block and preserves norms. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a token with a small value and few votes.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(CriticalKVPress(SnapKVPress)); "
        "transformers 5.2.0, LlamaForCausalLM; arXiv:2502.03805"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        if n_queries < 2:
            raise invalid("newest scale", "have more tokens than the window that votes", n_queries, nearest=2)
        votes = kvpress.SnapKVPress(window_size=min(WINDOW, max(1, self.capacity // 2), n_queries - 1))
        return kvpress.CriticalKVPress(votes)


class CompressionRatioDecodingPress(InLlama):
    """The keys of smallest norm stay, a fixed fraction of all tokens seen so far, in a model.

    Idea: memory grows with the number n of tokens seen: b = max(1, floor(budget n)) tokens stay. A token dropped at an
    early scale cannot return when b grows. Bits: 32 + 32 L H d b. Broken by: as llama:KnormPress.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, CompressionRatioDecodingPress(KnormPress); transformers 5.2.0, LlamaForCausalLM"
    )
    budget_meaning: ClassVar[str] = "fraction of the tokens seen so far that are kept"

    @property
    def room(self) -> int:
        return max(1, int(self.budget * self.n_seen))

    def crowded(self, layer: int) -> bool:
        return self.n_new > 0 and self.n_stored(layer) > self.room * self.public.n_heads

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KnormPress()

    def decoding(self, press: Any) -> Any:
        ratio = ratio_that_keeps(self.room, self.n_seen + 1)
        return self._kvpress.CompressionRatioDecodingPress(
            base_press=press, compression_interval=1, target_compression_ratio=ratio
        )

    def _read_counts(self, reader: BitReader) -> list[list[int]]:
        return [[min(self.n_old, self.room)] * self.public.n_heads] * self.public.n_layers


class PrefillDecodingPress(InLlama):
    """One press for the prompt and another for later tokens, in a model: by distance from the mean key, then by norm.

    Idea: the first scale is given position 0, so that the model takes it for a prompt; KeyDiffPress chooses from it if
    it has more than B tokens. KnormPress chooses after every later scale. Bits: 32 + 32 L H d min(n, B).
    Broken by: as llama:KeyDiffPress and as llama:KnormPress.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, PrefillDecodingPress(KeyDiffPress, DecodingPress(KnormPress)); "
        "transformers 5.2.0, LlamaForCausalLM"
    )

    @property
    def n_before(self) -> int:
        return self.n_old or PROMPT

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KnormPress()

    def decoding(self, press: Any) -> Any:
        ratio = ratio_that_keeps(self.room, self.n_new) if self.n_new > self.room else 0.0
        return self._kvpress.PrefillDecodingPress(
            prefilling_press=self._kvpress.KeyDiffPress(ratio), decoding_press=super().decoding(press)
        )
