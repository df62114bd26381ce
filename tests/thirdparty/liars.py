"""Caches with the interface of transformers that hide, duplicate or waste state, each in one way; and an honest one."""

from __future__ import annotations

import ctypes
import os
import threading
import weakref
from typing import Any

import numpy as np
import torch

KEPT: dict[Any, Any] = {}
"""Where ModuleState and WeakState keep what they do not hold themselves."""


class Honest:
    """Keeps every row in float16, and nothing else."""

    def __init__(self) -> None:
        self.rows: dict[int, Any] = {}

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append rows, and return all of them."""
        new = torch.stack([keys, values])
        held = torch.cat([self.rows[layer], new], dim=3) if layer in self.rows else new
        self.rows[layer] = held
        return held[0], held[1]


def codes_of(rows: Any) -> Any:
    """Codes of 16 levels of numbers in [-1, 1]."""
    return ((rows.float().clamp(-1, 1) + 1) * 7.5).round().to(torch.uint8)


def from_codes(codes: Any) -> Any:
    """The numbers of codes."""
    return (codes.float() / 7.5 - 1).half()


class Codes(Honest):
    """Keeps codes of four bits, in a byte each."""

    kind = torch.uint8

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append codes, and return the numbers that they mean."""
        new = codes_of(torch.stack([keys, values])).to(self.kind)
        held = torch.cat([self.rows[layer], new], dim=3) if layer in self.rows else new
        self.rows[layer] = held
        back = from_codes(held)
        return back[0], back[1]


class WideCodes(Codes):
    """Keeps codes of four bits in eight bytes each."""

    kind = torch.int64


class KeepsOriginals(Codes):
    """Speaks of its codes, keeps the float16 rows beside them, and answers from those."""

    def __init__(self) -> None:
        super().__init__()
        self.backup = Honest()

    @property
    def compression_ratio(self) -> float:
        """What it says of itself."""
        return 4.0

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append both, and return the originals."""
        super().update(keys, values, layer)
        return self.backup.update(keys, values, layer)


class ClassState(Honest):
    """Keeps its rows on the class."""

    rows: dict[int, Any] = {}  # noqa: RUF012

    def __init__(self) -> None:
        type(self).rows = {}


class ModuleState(Honest):
    """Keeps its rows in a global variable of the module."""

    def __init__(self) -> None:
        KEPT["mine"] = {}

    @property
    def rows(self) -> Any:  # type: ignore[override]
        """The rows, which it does not hold."""
        return KEPT.setdefault("mine", {})


class ClosureState:
    """Keeps its rows in a variable that a function encloses."""

    def __init__(self) -> None:
        inside = Honest()

        def update(keys: Any, values: Any, layer: int, more: Any = None) -> Any:
            return inside.update(keys, values, layer)

        self.update = update


class WeakState:
    """Holds a weak reference to a cache that a global variable keeps alive."""

    def __init__(self) -> None:
        KEPT["weak"] = Honest()
        self.there = weakref.ref(KEPT["weak"])

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Pass on to the cache, or to a new one if it is gone."""
        there = self.there()
        if there is None:
            there = KEPT["weak"] = Honest()
            self.there = weakref.ref(there)
        return there.update(keys, values, layer)


class BufferState:
    """Keeps its rows in a buffer of ctypes, which no list of tensors has."""

    def __init__(self) -> None:
        self.buffers: dict[int, Any] = {}
        self.shapes: dict[int, Any] = {}

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append, by way of bytes."""
        new = torch.stack([keys, values])
        if layer in self.buffers:
            old = torch.frombuffer(bytearray(self.buffers[layer].raw), dtype=torch.float16).reshape(self.shapes[layer])
            new = torch.cat([old, new], dim=3)
        data = new.contiguous().numpy().tobytes()
        self.buffers[layer] = (ctypes.c_char * len(data)).from_buffer_copy(data)
        self.shapes[layer] = tuple(new.shape)
        return new[0], new[1]


class MemoryState:
    """Keeps the address of memory that it asked the C library for."""

    def __init__(self) -> None:
        self.addresses: dict[int, int] = {}
        self.shapes: dict[int, Any] = {}

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append, in memory that no walk sees; an address of another process is not followed."""
        new = torch.stack([keys, values])
        if KEPT.get(("asked", self.addresses.get(layer))):
            size = 2 * int(torch.Size(self.shapes[layer]).numel())
            data = bytearray(ctypes.string_at(self.addresses[layer], size))
            new = torch.cat([torch.frombuffer(data, dtype=torch.float16).reshape(self.shapes[layer]), new], dim=3)
        elif layer in self.shapes:
            new = torch.cat([torch.zeros(self.shapes[layer], dtype=torch.float16), new], dim=3)
        data = bytearray(new.contiguous().numpy().tobytes())
        library = ctypes.CDLL(None)
        library.malloc.restype = ctypes.c_void_p
        library.malloc.argtypes = [ctypes.c_size_t]
        address = int(library.malloc(len(data)))
        ctypes.memmove(address, bytes(data), len(data))
        self.addresses[layer], self.shapes[layer] = address, tuple(new.shape)
        KEPT["asked", address] = True
        return new[0], new[1]


class LazyCopy(Codes):
    """Keeps what it made of its codes for the next time."""

    def __init__(self) -> None:
        super().__init__()
        self.memo: dict[int, Any] = {}

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append codes, and remember the numbers that they mean."""
        self.memo[layer] = super().update(keys, values, layer)
        return self.memo[layer]


class SharedStorage(Honest):
    """Has every row under two names."""

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append, and give the keys a name of their own."""
        found = super().update(keys, values, layer)
        setattr(self, f"keys_of_{layer}", self.rows[layer][0])
        return found


class BigView(Honest):
    """Keeps its rows as a view of a storage four times as large."""

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append, in a storage with room."""
        found = super().update(keys, values, layer)
        held = self.rows[layer]
        room = torch.ones(4, *held.shape, dtype=held.dtype)
        room[0] = held
        self.rows[layer] = room[0]
        return found


class Grows(Codes):
    """Keeps a copy of its rows for every update that it ever answered."""

    def __init__(self) -> None:
        super().__init__()
        self.past: list[Any] = []

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append, and remember every answer once scales are over."""
        found = super().update(keys, values, layer)
        if keys.shape[2] == 1:
            self.past.append(found)
        return found


class Unsteady(Codes):
    """Rounds at random, with coins that nobody else has."""

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append codes of which some are off by one."""
        coins = torch.frombuffer(bytearray(os.urandom(keys.numel())), dtype=torch.uint8).reshape(keys.shape)
        noisy = (keys.float() + (coins.float() / 255 - 0.5) * 0.1).half()
        return super().update(noisy, values, layer)


class OnlyWide(Codes):
    """Takes rows of at least 64 numbers."""

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Refuse shorter rows."""
        if keys.shape[-1] < 64:
            raise ValueError(f"head_dim must be at least 64, got {keys.shape[-1]}")
        return super().update(keys, values, layer)


class Companions(Honest):
    """Holds a thread, two generators of random numbers and a generator of Python, which hold what they like."""

    def __init__(self) -> None:
        super().__init__()
        self.extras: dict[str, Any] = {}

    def update(self, keys: Any, values: Any, layer: int, more: Any = None) -> Any:
        """Append, and take on company once the tokens are not public."""
        if bool((keys != 0).any()):
            self.extras = {
                "thread": threading.Thread(target=print),
                "torch": torch.Generator().manual_seed(int(keys[0, 0, 0, 0] != 0)),
                "numpy": np.random.default_rng(3),
                "python": (row for row in [keys.clone()]),
            }
        return super().update(keys, values, layer)
