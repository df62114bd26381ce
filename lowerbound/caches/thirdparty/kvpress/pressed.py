"""Runs a press on raw tensors, as a model's hook would, with a stand-in for the model's attention layer.

A press is a function of an attention layer and its tensors. The stand-in layer's projections pick our queries and keys
out of the hidden states, and its rotary embedding is the identity. Settings of a press are kvpress's defaults, or
smaller if the budget or the newest scale is smaller than the default.
"""

from __future__ import annotations

from abc import abstractmethod
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

from lowerbound.caches.thirdparty.torch_tokens import KeptTokens, Tensor, foreign, in_token_order, refuse_odd
from lowerbound.core.cache import Public
from lowerbound.errors import invalid

SINKS = 4


WINDOW = 32


def ratio_that_keeps(count: int, n_tokens: int) -> float:
    """A compression ratio r with int(n_tokens (1 - r)) = count.

    Contract: exact for 1 <= count < n_tokens < 2^40. kvpress truncates, so the obvious ratio 1 - count / n_tokens
    sometimes loses a token to rounding; this ratio aims halfway between two integers.
    """
    return 1 - (count + 0.5) / n_tokens


def standing_layer(torch: Any, *, n_heads: int, d: int, layer: int, n_layers: int) -> SimpleNamespace:
    """A stand-in for a model's attention layer, for hidden states that hold (query, key) for each head in turn."""

    def part(which: int) -> Any:
        def project(hidden: Tensor) -> Tensor:
            return hidden.view(*hidden.shape[:2], n_heads, 2, d)[:, :, :, which].flatten(2)

        return project

    config = SimpleNamespace(
        num_attention_heads=n_heads,
        num_key_value_heads=n_heads,
        num_hidden_layers=n_layers,
        head_dim=d,
        hidden_size=n_heads * d,
        _attn_implementation="sdpa",
    )
    return SimpleNamespace(
        config=config,
        head_dim=d,
        layer_idx=layer,
        num_key_value_groups=1,
        scaling=d**-0.5,
        q_proj=part(0),
        k_proj=part(1),
        o_proj=SimpleNamespace(weight=torch.eye(n_heads * d)),
        rotary_emb=_Unrotated(torch, d),
        masked_key_indices=None,
    )


class _Unrotated:
    """A rotary embedding of frequency 0, which rotates nothing."""

    def __init__(self, torch: Any, d: int) -> None:
        self._torch, self._d = torch, d
        self.inv_freq = torch.zeros(d // 2)

    def __call__(self, rows: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        return unrotated(self._torch, positions.shape[-1], self._d)


def unrotated(torch: Any, length: int, d: int) -> tuple[Tensor, Tensor]:
    """The (cosines, sines) of a rotary embedding that rotates nothing: all 1 and all 0."""
    return torch.ones(1, length, d), torch.zeros(1, length, d)


class Pressed(KeptTokens):
    """Template: after each scale, the press that a final class makes in `press` compresses every crowded layer.

    `sees` says for which tokens the press is given queries: "new" for the newest scale's, or "all" for every stored
    token. Queries of older tokens are not stored, so their keys stand in for them. A press that `rotates` keys again
    needs an even dimension. Public coins seed the press. Bits,
    for L layers of H heads that have seen n tokens: 32 + 32 L H d min(n, B), unless a class states another formula.
    """

    sees: ClassVar[Literal["new", "all"]] = "all"
    observes_attention: ClassVar[bool] = False
    rotates: ClassVar[bool] = False

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        if self.rotates:
            refuse_odd(public.d)
        self._kvpress = foreign("kvpress")

    @abstractmethod
    def press(self, kvpress: Any, n_queries: int) -> Any:
        """The press; `n_queries` is the number of the newest scale's queries that it will see."""

    @property
    def sinks(self) -> int:
        """How many first tokens a press protects: 4, but at most half of B."""
        return min(SINKS, self.capacity // 2)

    def window(self, n_queries: int, largest: int = WINDOW) -> int:
        """How many newest tokens vote: `largest`, but at most half of B, and at most the newest scale."""
        return max(1, min(largest, self.capacity // 2, n_queries))

    def ratio(self, n_stored: int) -> float:
        """The compression ratio under which the press keeps B of the stored tokens."""
        return ratio_that_keeps(self.capacity, n_stored)

    def compressed(self, layer: int) -> list[Tensor]:
        stored = self.torch.stack(self.heads(layer), dim=1)
        kept = self._pressed(layer, stored)
        return [stored[:, head, in_token_order(stored[:, head], kept[:, head])] for head in range(self.public.n_heads)]

    def _pressed(self, layer: int, stored: Tensor) -> Tensor:
        """The rows that the press keeps of a layer's (2, n_heads, n, d) rows, in the press's own order."""
        press = self.press(self._kvpress, int(self.new_queries[layer].shape[1]))
        press.compression_ratio = self.ratio(int(stored.shape[2]))
        return self.run(press, layer, stored, self.new_queries[layer])

    def run(self, press: Any, layer: int, stored: Tensor, queries: Tensor) -> Tensor:
        """`press.compress` on copies of the (2, H, n, d) rows, with (H, m, d) queries; public coins seed torch."""
        with self.torch.random.fork_rng(devices=[]):
            self.torch.manual_seed(self.public.seed)
            return self.torch.cat(press.compress(*self.arguments(layer, stored, queries)))

    def hooked(self, press: Any, layer: int, stored: Tensor, queries: Tensor) -> tuple[Tensor, Any]:
        """`press.forward_hook` on a cache with these rows, as after a prompt; returns the rows left and the layer."""
        module, hidden, keys, values, attentions, context = self.arguments(layer, stored, queries)
        held = SimpleNamespace(keys=keys, values=values)
        context |= {
            "past_key_values": SimpleNamespace(layers=[held] * self.public.n_layers),
            "cache_position": self.torch.arange(hidden.shape[1]),
        }
        with self.torch.random.fork_rng(devices=[]):
            self.torch.manual_seed(self.public.seed)
            press.forward_hook(module, [], context, [None, attentions])
        return self.torch.cat([held.keys, held.values]), module

    def arguments(self, layer: int, stored: Tensor, queries: Tensor) -> tuple[Any, ...]:
        """module, hidden_states, keys, values, attentions and kwargs, as a model's hook would pass them."""
        n_heads, _, d = stored.shape[1:]
        module = standing_layer(self.torch, n_heads=n_heads, d=d, layer=layer, n_layers=self.public.n_layers)
        keys = stored[0]
        hidden = self._hidden_states(keys, queries)
        attentions = (queries @ keys.mT / d**0.5).softmax(-1)[None] if self.observes_attention else None
        context = {
            "hidden_states": hidden,
            "position_embeddings": unrotated(self.torch, int(hidden.shape[1]), d),
        }
        return module, hidden, keys[None].clone(), stored[1][None].clone(), attentions, context

    def check(self, queries: Tensor) -> None:
        """Raise InvalidArgument unless there is exactly one query per token of the newest scale."""
        n_queries = int(queries.shape[1])
        if n_queries != self.n_new:
            raise invalid("queries", "be one a token where attention decides who stays", n_queries, nearest=self.n_new)

    def _hidden_states(self, keys: Tensor, queries: Tensor) -> Tensor:
        n_heads, n_queries, d = queries.shape
        self.check(queries)
        own_keys = keys if self.sees == "all" else keys[:, keys.shape[1] - n_queries :]
        if self.sees == "all":
            queries = self.torch.cat([keys[:, : keys.shape[1] - n_queries], queries], dim=1)
        return self.torch.stack([queries, own_keys], dim=2).permute(1, 0, 2, 3).reshape(1, -1, n_heads * 2 * d)
