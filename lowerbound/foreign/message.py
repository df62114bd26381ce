"""A foreign object as a message: its tensors as raw bytes, what holds them together as a pickle, and nothing public.

What an object of the same class holds after public zeros (codebooks, rotations, the object's own structure) is known
to both parties: storages with the same content are named by number, and the pickle is compressed against that of the
public twin. A pickle runs code when it is read; a message is read in a party's process alone, never by the judge.
"""

from __future__ import annotations

import ctypes
import importlib
import io
import pickle
import struct
import sys
import threading
import types
import weakref
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lowerbound.core.bits import LENGTH_PREFIX_BITS, BitReader, BitWriter
from lowerbound.errors import CacheContractBroken, CorruptState
from lowerbound.foreign.storage import digest_of, format_of, is_integer, numbers_of, seen_as, storage_bytes, view_of

WINDOW_BYTES = 2**15
"""How far deflate looks back, and so how much of the twin's pickle helps."""
LONGEST_SKELETON_BYTES = 2**28
_HEAD = struct.Struct("<I")
FRAME_BYTES = 2 * _HEAD.size + LENGTH_PREFIX_BITS // 8
"""The lengths in a message, and the length in front of it that a game counts."""
_LOCKS = (type(threading.Lock()), type(threading.RLock()))
_WIDEST = 62
"""The widest field of a BitWriter."""


@dataclass(frozen=True)
class Twin:
    """What is public: the twin's pickle, its storages by content, and what no pickle can carry, in order."""

    pickled: bytes
    numbers: Mapping[bytes, int]
    storages: tuple[bytes, ...]
    opaque: tuple[Any, ...]

    @classmethod
    def of(cls, graph: Any, torch: Any) -> Twin:
        """The twin that this object is."""
        writer = _Writer(torch, None, packed=False)
        pickled = _carried(writer, graph)
        stored = list(dict.fromkeys(storage for _, storage, _ in writer.plan.values()))
        numbers = {digest_of(storage): number for number, storage in enumerate(stored)}
        return cls(pickled, numbers, tuple(stored), tuple(writer.opaque))


def written(graph: Any, twin: Twin, torch: Any, *, packed: bool) -> tuple[bytes, bytes]:
    """The message of an object as (skeleton, tensors), less what its twin holds.

    Contract: `restored` of both, with an equal twin, is an equal object. An object that no pickle can carry raises
    CacheContractBroken, with the reason.
    """
    writer = _Writer(torch, twin, packed=packed)
    pickled = _carried(writer, graph)
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, twin.pickled[-WINDOW_BYTES:])
    return deflate.compress(pickled) + deflate.flush(), b"".join(writer.parts)


def _carried(writer: _Writer, graph: Any) -> bytes:
    """The pickle of an object; CacheContractBroken if no pickle can carry it."""
    try:
        return writer.dumped(graph)
    except (TypeError, AttributeError, pickle.PicklingError, NotImplementedError, ValueError, RuntimeError) as error:
        raise CacheContractBroken(
            f"the object must be one that can be written down, and is not: {error}; memory that Python cannot see "
            "does not travel to another process"
        ) from error


def restored(skeleton: bytes, tensors: bytes, twin: Twin, torch: Any) -> Any:
    """The object that `written` wrote; CorruptState for other bytes."""
    inflate = zlib.decompressobj(-15, twin.pickled[-WINDOW_BYTES:])
    try:
        pickled = inflate.decompress(skeleton, LONGEST_SKELETON_BYTES)
        if not inflate.eof or inflate.unused_data:
            raise CorruptState(f"state must hold one compressed pickle of at most {LONGEST_SKELETON_BYTES} bytes")
        reader = _Reader(io.BytesIO(pickled), torch, twin, tensors)
        graph = reader.load()
    except CorruptState:
        raise
    except Exception as error:
        raise CorruptState(f"state must be one that encode wrote, and reading it raised {error!r}") from error
    if reader.place != len(tensors):
        raise CorruptState(f"state must end with its tensors, got {len(tensors) - reader.place} bytes more")
    return graph


class _Writer:
    """Pickles a graph twice: the first pass finds every tensor, so that the second knows which storage travels how."""

    def __init__(self, torch: Any, twin: Twin | None, *, packed: bool) -> None:
        self.torch, self.twin, self.packed = torch, twin, packed
        self.parts: list[bytes] = []
        self.opaque: list[Any] = []
        self.plan: dict[int, tuple[str, bytes, int]] = {}
        self._views: dict[int, dict[tuple[Any, ...], int]] = {}
        self._alive: list[Any] = []
        self._sent: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._owners: dict[int, Any] = {}

    def dumped(self, graph: Any) -> bytes:
        """The pickle, whose tensors are in `parts`."""
        _Pickler(io.BytesIO(), self, self._noted).dump(graph)
        for where, views in self._views.items():
            content = storage_bytes(self._owners[where])
            public = None if self.twin is None else self.twin.numbers.get(digest_of(content))
            if public is not None:
                self.plan[where] = ("public", content, public)
            else:
                self.plan[where] = ("views" if sum(views.values()) <= len(content) else "whole", content, 0)
        self.opaque.clear()
        file = io.BytesIO()
        _Pickler(file, self, self._told).dump(graph)
        return file.getvalue()

    def _noted(self, rows: Any) -> tuple[Any, ...]:
        where, view, size = view_of(rows)
        self._views.setdefault(where, {})[view] = size
        self._owners.setdefault(where, rows)
        self._alive.append(rows)
        return ("noted",)

    def _told(self, rows: Any) -> tuple[Any, ...]:
        where, view, _ = view_of(rows)
        how, content, number = self.plan[where]
        if how == "public":
            return ("public", number, *view)
        if how == "whole":
            key: tuple[Any, ...] = (where,)
            if key not in self._sent:
                self._sent[key] = ("whole", len(self.parts), len(content))
                self.parts.append(content)
            return (*self._sent[key], *view)
        key = (where, view)
        if key not in self._sent:
            width, low, data = self._field(rows)
            self._sent[key] = ("view", len(self.parts), width, low, *view)
            self.parts.append(data)
        return self._sent[key]

    def _field(self, rows: Any) -> tuple[int, int, bytes]:
        """(bits a number, least number, bytes) of a tensor; 0 bits stand for the bytes of its format."""
        plain = rows if isinstance(rows, np.ndarray) else numbers_of(self.torch, rows)
        raw = np.ascontiguousarray(plain).tobytes()
        integers = plain.dtype.kind in "iub" and is_integer(rows)
        if not (self.packed and integers and plain.size):
            return 0, 0, raw
        low, high = int(plain.min()), int(plain.max())
        width = max(1, (high - low).bit_length())
        if width > _WIDEST or width >= 8 * plain.dtype.itemsize:
            return 0, 0, raw
        writer = BitWriter()
        writer.uints("payload", plain.astype(np.int64).ravel() - low, width=width)
        return width, low, bytes(writer.encoded())


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, writer: _Writer, note: Callable[[Any], tuple[Any, ...]]) -> None:
        super().__init__(file, protocol=5)
        self._writer, self._note = writer, note

    def persistent_id(self, thing: Any) -> Any:
        torch = self._writer.torch
        if type(thing) is np.ndarray and thing.dtype != object and thing.dtype.names is None:
            return self._note(thing)
        plain = type(thing) in (torch.Tensor, torch.nn.Parameter)
        if plain and thing.layout is torch.strided and not (thing.is_meta or thing.is_quantized):
            return self._note(thing)
        if _is_opaque(thing):
            self._writer.opaque.append(thing)
            return ("opaque", len(self._writer.opaque) - 1, type(thing).__name__)
        return None

    def reducer_override(self, thing: Any) -> Any:
        if isinstance(thing, _LOCKS):
            return (threading.Lock if isinstance(thing, _LOCKS[0]) else threading.RLock, ())
        if isinstance(thing, types.ModuleType):
            return (importlib.import_module, (thing.__name__,))
        if isinstance(thing, ctypes.Array) and not hasattr(thing._type_, "contents"):
            return (_buffer, (thing._type_, thing._length_, bytes(thing)))
        if isinstance(thing, weakref.ref):
            return (_reference, (thing(),))
        return NotImplemented


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, torch: Any, twin: Twin, tensors: bytes) -> None:
        super().__init__(file)
        self._torch, self._twin, self._tensors, self.place = torch, twin, tensors, 0
        self._known: dict[int, Any] = {}
        self._buffers: dict[tuple[str, int], bytearray] = {}

    def persistent_load(self, told: Any) -> Any:
        kind, number, *rest = told
        if kind == "opaque":
            if number >= len(self._twin.opaque) or type(self._twin.opaque[number]).__name__ != rest[0]:
                raise CorruptState(f"the object must hold nothing that no message can carry, got a {rest[0]}")
            return self._twin.opaque[number]
        if kind == "public":
            return self._seen(("public", number), self._twin.storages[number], rest)
        if kind == "whole":
            size, *view = rest
            if ("whole", number) not in self._buffers:
                self._buffers["whole", number] = bytearray(self._take(size))
            return self._seen(("whole", number), b"", view)
        if number not in self._known:
            width, low, *view = rest
            self._known[number] = self._field(width, low, view)
        return self._known[number]

    def _field(self, width: int, low: int, view: Sequence[Any]) -> Any:
        what, dtype, _, shape, _ = view
        count = int(np.prod(shape, dtype=np.int64))
        plain = np.dtype(dtype) if what == "array" else format_of(self._torch, dtype)
        if not width:
            data = bytearray(self._take(count * plain.itemsize))
        else:
            numbers = BitReader(self._take(-(-count * width // 8))).uints(count, width=width) + low
            data = bytearray(numbers.astype(plain).tobytes())
        return seen_as(self._torch, data, what, dtype, 0, shape, None)

    def _seen(self, key: tuple[str, int], content: bytes, view: Sequence[Any]) -> Any:
        buffer = self._buffers.setdefault(key, bytearray(content))
        what, dtype, offset, shape, stride = view
        return seen_as(self._torch, buffer, what, dtype, offset, shape, stride)

    def _take(self, size: int) -> bytes:
        data = self._tensors[self.place : self.place + size]
        if size < 0 or len(data) != size:
            raise CorruptState(f"state must hold {size} more bytes of tensors, got {len(data)}")
        self.place += size
        return data


def _is_opaque(thing: Any) -> bool:
    """Whether a thing can only be made by the code that made it: a local function, a generator, a thread, a file."""
    if isinstance(thing, (types.GeneratorType, types.CoroutineType, threading.Thread, io.IOBase)):
        return not isinstance(thing, io.BytesIO)
    if isinstance(thing, types.FunctionType):
        found: Any = sys.modules.get(thing.__module__)
        for name in thing.__qualname__.split("."):
            found = getattr(found, name, None)
        return found is not thing
    return False


def _buffer(kind: Any, length: int, data: bytes) -> Any:
    """An array of ctypes."""
    return (kind * length).from_buffer_copy(data)


def _reference(thing: Any) -> Any:
    """A weak reference, dead if nothing else keeps the thing."""
    return weakref.ref(thing if thing is not None else _Gone())


class _Gone:
    """What a dead reference spoke of."""


def framed(n_scales: int, skeleton: bytes, tensors: bytes) -> list[tuple[str, bytes]]:
    """The parts of a state in order, each with the item of the ledger that it counts as."""
    return [("indices", _HEAD.pack(n_scales) + _HEAD.pack(len(skeleton)) + skeleton), ("payload", tensors)]


def unframed(state: bytes) -> tuple[int, bytes, bytes]:
    """(number of scales, skeleton, tensors) of a state; CorruptState for bytes that end early."""
    head = 2 * _HEAD.size
    if len(state) < head:
        raise CorruptState(f"state must hold {head} bytes of lengths, got {len(state)}")
    n_scales, size = (_HEAD.unpack_from(state, place)[0] for place in (0, _HEAD.size))
    if head + size > len(state):
        raise CorruptState(f"state must hold a skeleton of {size} bytes, got {len(state) - head}")
    return n_scales, state[head : head + size], state[head + size :]
