"""Functions that alter a small model, or the cache in it, in place; the model runs, and its cache is the memory."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from lowerbound.caches.thirdparty.identity_llama import IdentityLlama
from lowerbound.caches.thirdparty.torch_tokens import Tensor, foreign
from lowerbound.core.cache import FloatArray, Public
from lowerbound.errors import InvalidArgument
from lowerbound.foreign.adapter import Adapted, found_in
from lowerbound.foreign.defendant import Defendant
from lowerbound.foreign.kinds.object import filled, first_line, told

MODEL_NAMES = ("model", "module", "net")
CACHE_NAMES = ("cache", "past_key_values", "kv_cache", "past", "dynamic_cache")


class AdaptedPatch(Adapted):
    """A Llama that passes our keys, values and queries through, as FUNCTION altered it, and its DynamicCache.

    FUNCTION gets the model, the cache, or both, by the names of its parameters (the first is the model, if no name
    tells); what it returns, if that has a method `update`, is the cache from then on. The cache is the state; the
    altered model is made anew in each process, so what it hides itself does not travel.
    """

    into_fresh = True

    def __init__(self, public: Public) -> None:
        self._llamas: dict[int, tuple[Any, IdentityLlama]] = {}
        super().__init__(public)

    feeding = "running the model"

    @classmethod
    def checked(cls, target: Defendant) -> str:
        foreign("transformers")
        found = found_in(target.module, target.names)
        if not callable(found):
            raise InvalidArgument(f"{target.name} must be a function, got {type(found).__name__}")
        return first_line(found)

    def made(self) -> Any:
        public = self.public
        patch = found_in(self.target.module, self.target.names)
        llama = IdentityLlama(public.n_layers, public.n_heads, public.d)
        cache = foreign("transformers").DynamicCache()
        given = filled(dict(self.target.init), public)
        names = list(inspect.signature(patch).parameters)
        given |= {name: llama.model for name in names if name in MODEL_NAMES}
        given |= {name: cache for name in names if name in CACHE_NAMES}
        places = () if any(name in given for name in names[:1]) or not names else (llama.model,)
        try:
            inspect.signature(patch).bind(*places, **given)
        except TypeError as error:
            raise InvalidArgument(
                f"--init must fit the signature {told(self.target, inspect.signature(patch))}, and does not: {error}"
            ) from None
        returned = patch(*places, **given)
        for found in returned if isinstance(returned, (tuple, list)) else (returned,):
            if hasattr(found, "update") and hasattr(found, "get_seq_length"):
                cache = found
        self._llamas[id(cache)] = cache, llama
        return cache

    def put(self, thing: Any, layer: int, keys: Tensor, values: Tensor, queries: Tensor, n_before: int) -> Any:
        # A model runs its layers at once, so rows wait until the scale is over.
        return queries, self.torch.cat([keys, values]).float()

    def attend(self, layer: int, queries: FloatArray) -> list[FloatArray]:
        public = self.public
        if layer not in self._given and not self.n_tokens:
            return [np.zeros(rows.shape) for rows in queries]
        asked = self.torch.zeros(public.n_layers, *queries.shape)
        asked[layer] = self.asked(queries)
        count = int(self._given[layer][1].shape[2]) if layer in self._given else 1
        rows = self.torch.zeros(2, public.n_layers, public.n_heads, count, public.d)
        if layer in self._given:
            rows[:, layer] = self._given[layer][1]
        with self.coins():
            copy = self.copied()
            if layer not in self._given:
                rows = rows[:, :, :, :0]
            found = self.calling("running the model", lambda: self._run(copy, asked, rows))[layer]
        return [head.double().numpy() for head in found]

    def held_rows(self, thing: Any, layer: int, returned: Any) -> tuple[Tensor, Tensor]:
        raise InvalidArgument("--read must be left out with patch:MODULE:FUNCTION, whose model answers")

    def settled(self, thing: Any, returned: dict[int, Any]) -> None:
        asked, rows = zip(*(returned[layer] for layer in range(self.public.n_layers)), strict=True)
        self._run(thing, self.torch.stack(asked), self.torch.stack(rows, dim=1))
        # The model computes in float32; its plain rows are stored in the format that was asked for.
        stored = getattr(self.torch, self.target.dtype)
        for layer in getattr(thing, "layers", ()):
            for name in ("keys", "values"):
                held = getattr(layer, name, None)
                if isinstance(held, self.torch.Tensor) and held.dtype == self.torch.float32:
                    setattr(layer, name, held.to(stored))

    def _run(self, cache: Any, asked: Tensor, rows: Tensor) -> Any:
        _, llama = self._llamas[id(cache)]
        return llama.run(cache, asked, rows, self.n_tokens)
