"""Pairs of functions: one encodes keys and values, the other one gives them back."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from lowerbound.caches.thirdparty.torch_tokens import Tensor
from lowerbound.errors import CacheContractBroken, InvalidArgument
from lowerbound.foreign.adapter import Adapted, found_in
from lowerbound.foreign.defendant import Defendant
from lowerbound.foreign.kinds.object import constructed, first_line
from lowerbound.foreign.message import Twin


class AdaptedCodec(Adapted):
    """An encoder and a decoder of (1, heads, tokens, d) arrays; what it encoded of each scale is what is held.

    An encoder with two required parameters gets keys and values together, one with a single parameter gets each alone.
    Rows are tensors of torch; where the encoder fails on those, they are float32 arrays of NumPy.
    """

    feeding = "encode"

    @classmethod
    def checked(cls, target: Defendant) -> str:
        for name in target.names.split(","):
            found = found_in(target.module, name)
            if not callable(found):
                raise InvalidArgument(f"{target.name} must be two functions, got {type(found).__name__} {name}")
        return first_line(found_in(target.module, target.names.split(",")[0]))

    def made(self) -> Any:
        encode, decode = self._pair()
        return EncodedScales(encode, decode, _together(encode))

    def _pair(self) -> tuple[Any, Any]:
        names = self.target.names.split(",")
        owners = [name.rpartition(".")[0] for name in names]
        holder = found_in(self.target.module, owners[0]) if owners[0] and owners[0] == owners[1] else None
        if inspect.isclass(holder) and not isinstance(
            inspect.getattr_static(holder, names[0].rpartition(".")[2]), staticmethod
        ):
            one = constructed(holder, self.target, self.public)
            return getattr(one, names[0].rpartition(".")[2]), getattr(one, names[1].rpartition(".")[2])
        encode, decode = (found_in(self.target.module, name) for name in names)
        if not self.target.init:
            return encode, decode
        init = dict(self.target.init)
        return (lambda *rows: encode(*rows, **init)), decode

    def _restored(self, skeleton: bytes, tensors: bytes, twin: Twin) -> Any:
        found = super()._restored(skeleton, tensors, twin)
        found.encode, found.decode = self._pair()
        return found

    def put(self, thing: Any, layer: int, keys: Tensor, values: Tensor, queries: Tensor, n_before: int) -> Any:
        thing.add(layer, keys, values)
        return None

    def held_rows(self, thing: Any, layer: int, returned: Any) -> tuple[Tensor, Tensor]:
        with self.coins():
            pairs = [thing.back(part) for part in thing.parts[layer]]
        for rows, (keys, values) in zip(thing.shapes[layer], pairs, strict=True):
            for name, back in (("keys", keys), ("values", values)):
                if tuple(back.shape) != (1, self.public.n_heads, rows, self.public.d):
                    raise CacheContractBroken(
                        f"{self.target.name}: decode must give back {name} of shape (1, {self.public.n_heads}, {rows}, "
                        f"{self.public.d}), got {tuple(back.shape)}"
                    )
        return tuple(self.torch.cat([pair[which].float() for pair in pairs], dim=2) for which in (0, 1))


class EncodedScales:
    """What an encoder made of each scale of each layer."""

    def __init__(self, encode: Any, decode: Any, together: bool) -> None:
        self.encode, self.decode, self.together, self.as_numpy = encode, decode, together, False
        self.parts: dict[int, list[Any]] = {}
        self.shapes: dict[int, list[int]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """The parts alone: the functions are public."""
        return {name: held for name, held in vars(self).items() if name not in ("encode", "decode")}

    def add(self, layer: int, keys: Tensor, values: Tensor) -> None:
        """Encode one scale."""
        if not self.as_numpy:
            try:
                part = self._encoded(keys.clone(), values.clone())
            except (TypeError, AttributeError, ValueError, RuntimeError):
                self.as_numpy = True
        if self.as_numpy:
            part = self._encoded(*(rows.float().numpy().copy() for rows in (keys, values)))
        self.parts.setdefault(layer, []).append(part)
        self.shapes.setdefault(layer, []).append(int(keys.shape[2]))

    def _encoded(self, keys: Any, values: Any) -> Any:
        return self.encode(keys, values) if self.together else (self.encode(keys), self.encode(values))

    def back(self, part: Any) -> tuple[Any, Any]:
        """The keys and values of one encoded scale, as tensors."""
        import torch

        found = self.decode(part) if self.together else tuple(map(self.decode, part))
        if not (isinstance(found, (tuple, list)) and len(found) == 2):
            raise CacheContractBroken(f"decode must give back keys and values, got {type(found).__name__}")
        return tuple(rows if isinstance(rows, torch.Tensor) else torch.tensor(np.asarray(rows)) for rows in found)


def _together(encode: Any) -> bool:
    """Whether an encoder requires two arguments."""
    try:
        parameters = inspect.signature(encode).parameters.values()
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.default is each.empty and each.kind in positional for each in parameters) >= 2
