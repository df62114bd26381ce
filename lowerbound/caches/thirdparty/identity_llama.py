"""A LlamaForCausalLM whose weights pass our queries, keys and values through unchanged, compressed by kvpress's hooks.

Every layer reads its block of the embeddings as (query, key, value), attends, and writes its output to a block that no
layer reads; rotary frequencies are zero. So the model's attention is attention over our tokens, and its DynamicCache
is the memory. A DecodingPress compresses the DynamicCache after every scale, as it would after every decoding step.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from typing import Any

from lowerbound.caches.thirdparty.torch_tokens import KeptTokens, Tensor, foreign, in_token_order, refuse_odd
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.scalars import counted
from lowerbound.errors import CacheContractBroken, invalid

SINKS = 4

PROMPT = -1
"""As `n_seen`, makes `IdentityLlama.run` start at position 0, so that kvpress takes the tokens for a prompt."""


class IdentityLlama:
    """The model, with `n_layers` layers of `n_heads` heads in R^d.

    Contract: `run` appends given keys and values to those of a cache and returns the outputs of every layer's
    attention, shape (n_layers, n_heads, m, d): softmax attention with logits <q, k> / sqrt(d).
    """

    def __init__(self, n_layers: int, n_heads: int, d: int) -> None:
        self._torch, transformers = foreign("torch"), foreign("transformers")
        self._n_layers, self._n_heads, self._d = n_layers, n_heads, d
        refuse_odd(d)
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
        """A DynamicCache with the given keys and values; `old` has one (2, n_heads, n, d) tensor per layer."""
        cache = foreign("transformers").DynamicCache()
        for number, rows in enumerate(old):
            cache.update(rows[:1], rows[1:], number)
        return cache

    def run(self, cache: Any, queries: Tensor, rows: Tensor, n_seen: int, press: Any = None) -> Tensor:
        """Append (2, n_layers, n_heads, n, d) keys and values to a cache, and answer (n_layers, n_heads, m, d) queries.

        If m and n differ, the shorter is padded with zeros; padded keys are masked, padded queries' answers dropped. A
        press, if given, compresses the cache afterwards. Positions start at n_seen + 1, because a DecodingPress takes
        tokens that start at position 0 for a prompt and does not compress them.
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


class InLlama(KeptTokens):
    """Template: the model answers, and DecodingPress(press, compression_interval=1, target_size=B) chooses what stays.

    A final class makes the press in `press`. Bits, for L layers of H heads that have seen n tokens:
    32 + 32 L H d min(n, B).
    """

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._kvpress = foreign("kvpress")
        self._llama = IdentityLlama(public.n_layers, public.n_heads, public.d)
        self._chosen: list[list[Tensor]] = []

    @abstractmethod
    def press(self, kvpress: Any, n_queries: int) -> Any:
        """The press; `n_queries` is the number of queries that it will see."""

    @property
    def sinks(self) -> int:
        """How many first tokens a press protects: 4, but at most half of B."""
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
        press = self.decoding(self.press(self._kvpress, self.n_new))
        cache = self._llama.new_cache(self._remembered())
        with self.torch.random.fork_rng(devices=[]):
            self.torch.manual_seed(self.public.seed)
            self._llama.run(cache, queries, rows, self.n_before, press)
        return [self._in_order(number, layer) for number, layer in enumerate(cache.layers)]

    @property
    def n_before(self) -> int:
        """Tokens seen before the newest scale; passed to the model, which derives positions from it."""
        return self.n_old

    @property
    def room(self) -> int:
        """How many tokens a head may hold after compression: B."""
        return self.capacity

    def decoding(self, press: Any) -> Any:
        """The press that runs `press` after every scale and leaves `room` tokens per head."""
        return self._kvpress.DecodingPress(base_press=press, compression_interval=1, target_size=self.room)

    def _in_order(self, number: int, layer: Any) -> list[Tensor]:
        kept = self.torch.cat([layer.keys, layer.values])
        if kept.shape[2] != self.room:
            raise CacheContractBroken(
                f"kvpress must keep {counted(self.room, 'token')} per head, got {int(kept.shape[2])}"
            )
        heads = self.heads(number)
        return [rows[:, in_token_order(rows, kept[:, head])] for head, rows in enumerate(heads)]
