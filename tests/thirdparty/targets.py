"""Foreign code of other kinds than caches: codecs, patches, presses, and what breaks in each way."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch


class Halver:
    """Encodes an array as float16 after a division."""

    def __init__(self, by: float = 2.0, *, name: str = "halver") -> None:
        self.by, self.name = by, name

    def encode(self, rows: Any) -> Any:
        """The rows, divided."""
        return (rows / self.by).half()

    def decode(self, code: Any) -> Any:
        """The rows again."""
        return code.float() * self.by


def encode_pair(keys: Any, values: Any) -> Any:
    """Keys and values together, as bytes."""
    return keys.numpy().tobytes(), values.numpy().tobytes(), tuple(keys.shape)


def decode_pair(code: Any) -> Any:
    """The keys and values of bytes."""
    keys, values, shape = code
    return tuple(torch.frombuffer(bytearray(data), dtype=torch.float16).reshape(shape) for data in (keys, values))


def encode_array(rows: Any) -> Any:
    """An encoder that takes arrays of NumPy alone."""
    if not isinstance(rows, np.ndarray):
        raise TypeError("an array of NumPy is wanted")
    return rows.astype(np.float16)


def decode_array(code: Any) -> Any:
    """The array of a code."""
    return code.astype(np.float32)


def same(rows: Any) -> Any:
    """An encoder that encodes nothing."""
    return rows


def too_short(code: Any) -> Any:
    """A decoder that loses a token."""
    return code[:, :, 1:]


def fails(rows: Any) -> Any:
    """An encoder with a fault."""
    raise KeyError("no such scale")


def on_cuda(rows: Any) -> Any:
    """An encoder for another machine."""
    raise RuntimeError("Found no NVIDIA driver on your system")


def needs_much(first: int, second: str, *, third: float) -> Any:
    """A maker with parameters that nobody can guess."""
    return first, second, third


def rounds_keys(cache: Any) -> None:
    """A patch of a cache: keys are rounded to a sixteenth when they arrive."""
    original = cache.update

    def update(keys: Any, values: Any, layer: int, *more: Any, **named: Any) -> Any:
        return original((keys * 16).round() / 16, values, layer, *more, **named)

    cache.update = update


def leaves_alone(model: Any) -> None:
    """A patch that changes nothing."""


class NoUpdate:
    """An object that nobody can feed."""

    def store(self) -> None:
        """Store nothing."""


class KeepsNewest:
    """A press that keeps the newest tokens."""

    def __init__(self, compression_ratio: float = 0.0) -> None:
        self.compression_ratio = compression_ratio

    def compress(self, module: Any, hidden: Any, keys: Any, values: Any, attentions: Any, more: Any) -> Any:
        """The newest tokens."""
        kept = int(keys.shape[2] * (1 - self.compression_ratio))
        return keys[:, :, -kept:], values[:, :, -kept:]


def after(cache: Any) -> None:
    """What --after calls: the oldest row of layer 0 is lost."""
    layer = cache.layers[0]
    layer.keys, layer.values = layer.keys[:, :, 1:], layer.values[:, :, 1:]


def read(cache: Any, layer: int) -> Any:
    """What --read calls: the rows, with values negated."""
    return cache.layers[layer].keys, -cache.layers[layer].values
