"""Presses of kvpress that no adapter of this package knows: each compresses a transformers cache after every scale."""

from __future__ import annotations

import copy
import inspect
from types import SimpleNamespace
from typing import Any

from lowerbound.caches.thirdparty.identity_llama import IdentityLlama
from lowerbound.caches.thirdparty.kvpress.pressed import ratio_that_keeps, standing_layer, unrotated
from lowerbound.caches.thirdparty.torch_tokens import Tensor, foreign
from lowerbound.core.cache import Public
from lowerbound.errors import InvalidArgument
from lowerbound.foreign.adapter import Adapted, found_in
from lowerbound.foreign.defendant import Defendant
from lowerbound.foreign.kinds.object import constructed, first_line


class AdaptedPress(Adapted):
    """A press: keys and values go into a DynamicCache, and after each scale the press compresses every layer of it.

    kvpress compresses a prompt once. A generation has many scales, so a press with a `compression_ratio` r is asked to
    leave (1 - r) T tokens as soon as more are held, where T is the number of tokens that will be cached. A press runs
    on raw tensors, as a model's hook would call it; one that needs more of a model than that runs inside a Llama that
    passes our keys, values and queries through.
    """

    def __init__(self, public: Public) -> None:
        foreign("kvpress")
        self._llama: IdentityLlama | None = None
        super().__init__(public)

    feeding = "update of the DynamicCache"

    @classmethod
    def checked(cls, target: Defendant) -> str:
        foreign("kvpress")
        found = found_in(target.module, target.names)
        if not callable(found):
            raise InvalidArgument(
                f"{target.name} must be a press or a function that makes one, got {type(found).__name__}"
            )
        return first_line(found)

    def made(self) -> Any:
        press = constructed(found_in(self.target.module, self.target.names), self.target, self.public)
        if not hasattr(press, "forward_hook") and not hasattr(press, "compress"):
            raise InvalidArgument(
                f"{self.target.name} must be a press, with the methods compress or forward_hook of kvpress, "
                f"got {type(press).__name__}"
            )
        self._press = press
        return Pressing(foreign("transformers").DynamicCache(), getattr(press, "compression_ratio", None))

    def put(self, thing: Any, layer: int, keys: Tensor, values: Tensor, queries: Tensor, n_before: int) -> Any:
        thing.queries[layer] = queries
        return thing.cache.update(keys, values, layer)

    def held_rows(self, thing: Any, layer: int, returned: Any) -> tuple[Tensor, Tensor]:
        return returned[0], returned[1]

    def settled(self, thing: Any, returned: dict[int, Any]) -> None:
        for layer in range(self.public.n_layers):
            self._compress(thing, layer)
            held = thing.cache.layers[layer]
            held.keys, held.values = (
                rows.to(getattr(self.torch, self.target.dtype)) for rows in (held.keys, held.values)
            )
        thing.queries.clear()

    def _compress(self, thing: Any, layer: int) -> None:
        held, press = thing.cache.layers[layer], copy.deepcopy(self._press)
        held.keys, held.values = held.keys.float(), held.values.float()
        n_held = int(held.keys.shape[2])
        if thing.ratio is not None:
            most = round((1 - float(thing.ratio)) * self.public.schedule.n_tokens_cached)
            if n_held <= most:
                return
            press.compression_ratio = ratio_that_keeps(max(1, most), n_held)
        queries = thing.queries[layer]
        try:
            self._on_tensors(press, layer, held, queries)
        except (AttributeError, KeyError, NotImplementedError, IndexError):
            self._in_llama(copy.deepcopy(press), layer, held, queries)

    def _on_tensors(self, press: Any, layer: int, held: Any, queries: Tensor) -> None:
        heads, n_held, d = held.keys.shape[1:]
        module = standing_layer(self.torch, n_heads=heads, d=d, layer=layer, n_layers=self.public.n_layers)
        keys = held.keys[0]
        asked = self.torch.cat([keys[:, : n_held - queries.shape[1]], queries], dim=1)[:, -n_held:]
        hidden = self.torch.stack([asked, keys], dim=2).permute(1, 0, 2, 3).reshape(1, -1, heads * 2 * d)
        context = {
            "hidden_states": hidden,
            "position_embeddings": unrotated(self.torch, n_held, d),
            "past_key_values": SimpleNamespace(layers=[held] * self.public.n_layers),
            "cache_position": self.torch.arange(n_held),
        }
        attentions = (queries @ keys.mT / d**0.5).softmax(-1)[None]
        if "forward_hook" in dir(press):
            press.forward_hook(module, [], context, [None, attentions])
        else:
            held.keys, held.values = press.compress(module, hidden, held.keys, held.values, attentions, context)

    def _in_llama(self, press: Any, layer: int, held: Any, queries: Tensor) -> None:
        """The route through a model: layer's rows are a prompt, which the press compresses."""
        if self._llama is None:
            self._llama = IdentityLlama(self.public.n_layers, self.public.n_heads, self.public.d)
        keys, values = held.keys, held.values
        n_held = int(keys.shape[2])
        shape = (self.public.n_layers, self.public.n_heads, n_held, self.public.d)
        asked, rows = self.torch.zeros(shape), self.torch.zeros(2, *shape)
        asked[layer] = self.torch.cat([keys[0][:, : n_held - queries.shape[1]], queries], dim=1)[:, -n_held:]
        rows[0, layer], rows[1, layer] = keys[0], values[0]
        cache = foreign("transformers").DynamicCache()
        self._llama.run(cache, asked, rows, -1, press)
        held.keys, held.values = cache.layers[layer].keys, cache.layers[layer].values


class Pressing:
    """A transformers cache, the press's ratio, and the newest scale's queries, which are gone once it was pressed."""

    def __init__(self, cache: Any, ratio: float | None) -> None:
        self.cache, self.ratio = cache, ratio
        self.queries: dict[int, Tensor] = {}


def is_press(found: Any) -> bool:
    """Whether something is a class of presses."""
    return inspect.isclass(found) and hasattr(found, "compress") and hasattr(found, "forward_hook")
