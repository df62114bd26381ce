"""A real LlamaForCausalLM whose weights pass our queries, keys and values through, compressed by kvpress's own hooks.

Every layer reads its block of the embeddings as (query, key, value), attends, and writes its output to a block that no
layer reads; rotary frequencies are zero. So the model's attention is attention over our tokens, its DynamicCache is
the memory, and a DecodingPress compresses that after every scale, as it does after every step of a model.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from typing import Any, ClassVar

from lowerbound.caches.thirdparty.torch_tokens import KeptTokens, Tensor, foreign, in_token_order
from lowerbound.core.cache import FloatArray, Public
from lowerbound.errors import CacheContractBroken, invalid

SINKS = 4
WINDOW = 32


class IdentityLlama:
    """The model, for L layers of H heads in R^d.

    Contract: `run` puts given keys and values behind those of a cache and returns what every layer's attention says,
    (n_layers, n_heads, m, d), which is softmax attention with logits <q, k> / sqrt(d).
    """

    def __init__(self, n_layers: int, n_heads: int, d: int) -> None:
        self._torch, transformers = foreign("torch"), foreign("transformers")
        self._n_layers, self._n_heads, self._d = n_layers, n_heads, d
        if d % 2:
            raise invalid("d", "be even, since rotary embeddings turn pairs of coordinates", d, nearest=d + 1)
        width = n_heads * d
        config = transformers.LlamaConfig(
            hidden_size=(3 * n_layers + 1) * width,
            intermediate_size=1,
            num_hidden_layers=n_layers,
            num_attention_heads=n_heads,
            num_key_value_heads=n_heads,
            head_dim=d,
            vocab_size=1,
            pad_token_id=None,
            bos_token_id=None,
            eos_token_id=None,
            attn_implementation="eager",
        )
        with self._torch.random.fork_rng(devices=[]):
            self.model = transformers.LlamaForCausalLM(config).eval()
        with self._torch.no_grad():
            self._pass_through(width)

    def _pass_through(self, width: int) -> None:
        identity = self._torch.eye(width)
        self.model.model.rotary_emb.inv_freq.zero_()
        for number, layer in enumerate(self.model.model.layers):
            layer.input_layernorm = self._torch.nn.Identity()
            layer.mlp.down_proj.weight.zero_()
            attention = layer.self_attn
            for block, projection in enumerate((attention.q_proj, attention.k_proj, attention.v_proj)):
                start = (3 * number + block) * width
                projection.weight.zero_()[:, start : start + width] = identity
            attention.o_proj.weight.zero_()[-width:] = identity

    def new_cache(self, old: list[Tensor]) -> Any:
        """A DynamicCache that holds the (2, n_heads, n, d) rows of every layer."""
        cache = foreign("transformers").DynamicCache()
        for number, rows in enumerate(old):
            cache.update(rows[:1], rows[1:], number)
        return cache

    def run(self, cache: Any, queries: Tensor, rows: Tensor, n_seen: int, press: Any = None) -> Tensor:
        """Append (2, n_layers, n_heads, n, d) keys and values to a cache, and answer (n_layers, n_heads, m, d) queries.

        Where m and n differ, the shorter is filled up with zeros, which nobody sees. A press compresses the cache
        afterwards. Positions count from 1, so that no scale passes for a prompt, which a DecodingPress leaves alone.
        """
        n_queries, n_rows = queries.shape[2], rows.shape[3]
        length = max(n_queries, n_rows)
        hidden = self._embeddings(queries, rows, length)
        n_cached = cache.get_seq_length()
        mask = self._torch.zeros(1, 1, length, n_cached + length)
        mask[..., n_cached + n_rows :] = -self._torch.inf
        positions = self._torch.arange(n_seen + 1, n_seen + 1 + length)
        outputs: list[Tensor] = []
        hooks = [
            layer.self_attn.o_proj.register_forward_pre_hook(lambda module, given: outputs.append(given[0]))
            for layer in self.model.model.layers
        ]
        with self._torch.no_grad(), press(self.model) if press is not None else contextlib.nullcontext():
            self.model.model(
                inputs_embeds=hidden,
                attention_mask=mask,
                position_ids=positions[None],
                cache_position=positions,
                past_key_values=cache,
                use_cache=True,
            )
        for hook in hooks:
            hook.remove()
        answered = self._torch.stack(outputs).reshape(self._n_layers, length, self._n_heads, self._d)
        return answered.transpose(1, 2)[:, :, :n_queries]

    def _embeddings(self, queries: Tensor, rows: Tensor, length: int) -> Tensor:
        blocks = self._torch.zeros(self._n_layers, 3, self._n_heads, length, self._d)
        blocks[:, 0, :, : queries.shape[2]] = queries
        blocks[:, 1:, :, : rows.shape[3]] = rows.transpose(0, 1)
        hidden = blocks.permute(3, 0, 1, 2, 4).reshape(1, length, -1)
        return self._torch.nn.functional.pad(hidden, (0, self._n_heads * self._d))


class _InLlama(KeptTokens):
    """Template: the model answers, and DecodingPress(press, compression_interval=1, target_size=B) says who stays.

    A final class makes the press in `press`. Bits, for L layers of H heads that see n tokens:
    32 + 32 L H d min(n, B).
    """

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._kvpress = foreign("kvpress")
        self._llama = IdentityLlama(public.n_layers, public.n_heads, public.d)
        self._chosen: list[list[Tensor]] = []

    @abstractmethod
    def press(self, kvpress: Any, n_queries: int) -> Any:
        """The press, given how many queries it will see."""

    @property
    def sinks(self) -> int:
        """First tokens that a press protects: 4, and at most half of B."""
        return min(SINKS, self.capacity // 2)

    def _remembered(self) -> list[Tensor]:
        return [self.torch.stack(heads, dim=1) for heads in self.old]

    def attend(self, layer: int, queries: FloatArray) -> list[FloatArray]:
        if not self.rows_of(layer, 0).shape[1]:
            return [self._answer(rows, self.rows_of(layer, 0)) for rows in self.asked(queries)]
        asked = self.torch.zeros(self.public.n_layers, *queries.shape)
        asked[layer] = self.asked(queries)
        new = self.torch.zeros(2, self.public.n_layers, *self.new_rows[layer].shape[1:])
        new[:, layer] = self.new_rows[layer]
        answered = self._llama.run(self._llama.new_cache(self._remembered()), asked, new, self.n_old)[layer]
        return [head.double().numpy() for head in answered]

    def write(self, writer: Any) -> None:
        self._chosen = self._all_layers_compressed() if self.crowded(0) else []
        super().write(writer)

    def compressed(self, layer: int) -> list[Tensor]:
        return self._chosen[layer]

    def _all_layers_compressed(self) -> list[list[Tensor]]:
        queries, rows = self.torch.stack(self.new_queries), self.torch.stack(self.new_rows, dim=1)
        if queries.shape[2] != self.n_new:
            raise invalid("queries", "be one a token of the scale", int(queries.shape[2]), nearest=self.n_new)
        press = self._kvpress.DecodingPress(
            base_press=self.press(self._kvpress, self.n_new), compression_interval=1, target_size=self.capacity
        )
        cache = self._llama.new_cache(self._remembered())
        with self.torch.random.fork_rng(devices=[]):
            self.torch.manual_seed(self.public.seed)
            self._llama.run(cache, queries, rows, self.n_old, press)
        return [self._in_order(number, layer) for number, layer in enumerate(cache.layers)]

    def _in_order(self, number: int, layer: Any) -> list[Tensor]:
        kept = self.torch.cat([layer.keys, layer.values])
        if kept.shape[2] != self.capacity:
            raise CacheContractBroken(f"kvpress must keep {self.capacity} tokens a head, got {int(kept.shape[2])}")
        heads = self.heads(number)
        return [rows[:, in_token_order(rows, kept[:, head])] for head, rows in enumerate(heads)]


class KnormPress(_InLlama):
    """The keys of smallest norm stay, in a model.

    Idea: as kvpress:KnormPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: keys of one length: then rounding noise decides.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(KnormPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2406.11430"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KnormPress()


class RandomPress(_InLlama):
    """Public coins say who stays, in a model.

    Idea: as kvpress:RandomPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token that the coins dropped.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, DecodingPress(RandomPress); transformers 5.2.0, LlamaForCausalLM"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.RandomPress(seed=self.public.seed)


class StreamingLLMPress(_InLlama):
    """The first tokens and the newest ones stay, in a model.

    Idea: as kvpress:StreamingLLMPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token in the gap, which is known beforehand.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(StreamingLLMPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2309.17453"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.StreamingLLMPress(n_sink=self.sinks)


class SnapKVPress(_InLlama):
    """The window's queries vote, in a model, whose own attention weights are the votes.

    Idea: w = min(32, B / 2, newest scale - 1) queries, each of which sees its whole scale; a crowded scale needs two
    tokens. Bits: 32 + 32 L H d min(n, B). Broken by: a query for any token that the window did not single out.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(SnapKVPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2404.14469"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        if n_queries < 2:
            raise invalid("newest scale", "have more tokens than the window that votes", n_queries, nearest=2)
        return kvpress.SnapKVPress(window_size=min(WINDOW, max(1, self.capacity // 2), n_queries - 1))


class TOVAPress(_InLlama):
    """Whatever the newest query attends to least is dropped, in a model.

    Idea: as kvpress:TOVAPress, by the model's own attention weights. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token that the last query did not want.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(TOVAPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2401.06104"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.TOVAPress()


class ObservedAttentionPress(_InLlama):
    """The tokens with the most attention per query stay, in a model.

    Idea: as kvpress:ObservedAttentionPress, by the model's own attention weights. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token that these queries did not single out.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(ObservedAttentionPress); "
        "transformers 5.2.0, LlamaForCausalLM; related to H2O, arXiv:2306.14048"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ObservedAttentionPress()


class ExpectedAttentionPress(_InLlama):
    """The tokens that a Gaussian query is expected to attend to stay, in a model.

    Idea: as kvpress:ExpectedAttentionPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query unlike the earlier ones.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(ExpectedAttentionPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2510.00636"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ExpectedAttentionPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class CapPress(_InLlama):
    """The tokens whose values span the most stay, in a model.

    Idea: as kvpress:CapPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a token whose value resembles the others'.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(CapPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2604.25975"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CapPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class KeyDiffPress(_InLlama):
    """The keys least like the mean key stay, in a model.

    Idea: as kvpress:KeyDiffPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a key near the mean, and keys that are all as far from it.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(KeyDiffPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2504.15364"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KeyDiffPress()


class LagKVPress(_InLlama):
    """Tokens that stand out against the next block of tokens stay, in a model.

    Idea: as kvpress:LagKVPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for any token with an ordinary key and value.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(LagKVPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2504.04704"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.LagKVPress(n_sink=self.sinks, lag_size=max(2, min(128, self.capacity // 8)))


class CURPress(_InLlama):
    """The tokens with the largest key norm times value norm stay, in a model.

    Idea: as kvpress:CURPress. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a token whose value is small.
    """

    reference: ClassVar[str] = (
        "kvpress 0.5.5, DecodingPress(CURPress); transformers 5.2.0, LlamaForCausalLM; arXiv:2509.15038"
    )

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CURPress(num_sinks=self.sinks)
