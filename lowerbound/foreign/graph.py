"""What an object holds: every byte of tensors, arrays, texts and numbers that can be reached from it.

A storage counts once and whole, however many tensors are views of it, in the format in which it is held. The walk goes
through attributes, slots, containers, closures, bound methods, weak references and whatever Python's collector knows of
other objects. It also starts at the classes and the modules of the package, since state may be kept there.
"""

from __future__ import annotations

import array
import collections
import ctypes
import functools
import gc
import mmap
import sys
import threading
import types
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.foreign.storage import digest_of, owner_of, storage_bytes

MOST_OBJECTS = 2_000_000
"""Objects that a walk visits at most."""
NUMBER_BYTES = 8
"""The bytes of a number that Python holds: those of a machine word; a longer integer has those of its digits."""
LONGEST_PATH = 200
_QUIET = (
    type(None),
    type(Ellipsis),
    type(NotImplemented),
    types.ModuleType,
    types.BuiltinFunctionType,
    types.CodeType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.MethodWrapperType,
    property,
)
_FLEETING = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, types.FrameType)
_LIBRARIES = ("torch", "numpy", "transformers", "kvpress", "lowerbound", "scipy", "triton", "builtins")
"""Packages whose classes and functions hold no state of a cache of somebody else's."""


@dataclass(frozen=True)
class Leaf:
    """One storage, text or number that was found.

    `size` is what the storage occupies, in bytes, `digest` that of its content, `views` how many of its bytes the
    tensors that were found see, `value` the tensor or array found first, and `shared` whether it hangs outside the
    object: on a class, in a module, in a closure or on a weak reference.
    """

    path: str
    kind: str
    dtype: str
    shape: tuple[int, ...]
    size: int
    digest: bytes
    views: int = 0
    value: Any = None
    shared: bool = False


@dataclass
class Walk:
    """One walk; `leaves` are in the order found, and `strange` names what no walk can see into."""

    torch: Any
    package: str
    leaves: list[Leaf] = field(default_factory=list)
    strange: list[tuple[str, str]] = field(default_factory=list)
    _seen: dict[int, Any] = field(default_factory=dict)
    _storages: dict[int, int] = field(default_factory=dict)
    _outside: list[tuple[Any, str]] = field(default_factory=list)
    """What hangs on classes, in closures and on weak references: visited once all that the object holds is known."""

    @classmethod
    def of(cls, root: Any, torch: Any, package: str) -> Walk:
        """Everything reachable from an object, and from the classes and modules of its package.

        Contract: each storage has one leaf. More than MOST_OBJECTS objects are not walked: the rest is `strange`.
        """
        walk = cls(torch, package)
        walk._from(root, "", shared=False)
        while walk._outside:
            walk._from(*walk._outside.pop(0), shared=True)
        for name, module in sorted(sys.modules.items()):
            if name.partition(".")[0] == package and isinstance(module, types.ModuleType):
                for attribute, value in list(vars(module).items()):
                    if not attribute.startswith("__") and not isinstance(value, types.ModuleType):
                        walk._from(value, f"{name}.{attribute}", shared=True)
        return walk

    def _from(self, root: Any, path: str, *, shared: bool) -> None:
        waiting = [(root, path)]
        while waiting:
            thing, place = waiting.pop()
            if isinstance(thing, _QUIET) or id(thing) in self._seen:
                continue
            if len(self._seen) >= MOST_OBJECTS:
                self.strange.append((place, f"more than {MOST_OBJECTS:,} objects"))
                return
            if not isinstance(thing, (bool, int, float, complex, str)):
                self._seen[id(thing)] = thing  # held, so that no other object gets its number meanwhile
            below = list(self._visit(thing, place[:LONGEST_PATH], shared))
            waiting += reversed(below)

    def _visit(self, thing: Any, path: str, shared: bool) -> Iterator[tuple[Any, str]]:
        """Note a leaf, and yield what hangs on a thing."""
        if self.torch is not None and isinstance(thing, self.torch.Tensor):
            self._tensor(thing, path, shared)
            yield from _attributes(thing, path)
            if hasattr(thing, "__tensor_flatten__"):
                yield from ((getattr(thing, name), f"{path}.{name}") for name in thing.__tensor_flatten__()[0])
        elif isinstance(thing, np.ndarray):
            if thing.dtype == object:
                yield from ((each, f"{path}[{n}]") for n, each in enumerate(thing.ravel().tolist()))
            else:
                self._array(thing, path, shared)
        elif isinstance(thing, (bool, int, float, complex, np.generic, Fraction)):
            self._number(thing, path, shared)
        elif isinstance(thing, str):
            self._note(path, "text", "str", thing.encode("utf-8", "surrogatepass"), shared)
        elif isinstance(thing, (bytes, bytearray, memoryview, array.array, mmap.mmap, ctypes.Array, ctypes.Structure)):
            self._note(path, "bytes", type(thing).__name__, bytes(memoryview(thing)), shared)
        elif isinstance(thing, (np.random.Generator, np.random.RandomState)):
            self.strange.append((path, f"a random generator ({type(thing).__name__})"))
            held = thing.get_state() if isinstance(thing, np.random.RandomState) else thing.bit_generator.state
            yield held, f"{path}.state"
        elif self.torch is not None and isinstance(thing, self.torch.Generator):
            self.strange.append((path, "a random generator (torch.Generator)"))
            yield thing.get_state(), f"{path}.state"
        elif isinstance(thing, threading.Thread):
            self.strange.append((path, "a thread"))
            yield from _attributes(thing, path)
        elif isinstance(thing, _FLEETING):
            self.strange.append((path, type(thing).__name__))
            yield from ((each, f"{path}.<frame>") for each in gc.get_referents(thing))
        elif isinstance(thing, dict):
            for key, value in list(thing.items()):
                told = f"[{key!r}]" if isinstance(key, (str, int, tuple)) else "[...]"
                yield key, f"{path}.<key>"
                yield value, path + told
        elif isinstance(thing, (list, tuple, collections.deque)):
            yield from ((each, f"{path}[{number}]") for number, each in enumerate(thing))
            yield from _attributes(thing, path)
        elif isinstance(thing, (set, frozenset)):
            yield from ((each, f"{path}{{...}}") for each in thing)
        elif isinstance(thing, weakref.ref):
            self._outside.append((thing(), f"{path}()"))
        elif isinstance(thing, type):
            if self._is_theirs(thing):
                place = f"{thing.__module__}.{thing.__qualname__}"
                own = [(name, value) for name, value in list(vars(thing).items()) if not name.startswith("__")]
                self._outside += [(value, f"{place}.{name}") for name, value in own]
        elif isinstance(thing, types.FunctionType):
            if self._is_theirs(thing):
                inside = zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=False)
                for name, cell in inside:
                    self._outside += [(each, f"{path}.<closure {name}>") for each in gc.get_referents(cell)]
                defaults = [(thing.__defaults__, f"{path}.<defaults>"), (thing.__kwdefaults__, f"{path}.<defaults>")]
                self._outside += [*defaults, (vars(thing), f"{path}.<attributes>")]
        elif isinstance(thing, types.MethodType):
            yield thing.__self__, f"{path}.__self__"
            yield thing.__func__, path
        elif isinstance(thing, (staticmethod, classmethod)):
            yield thing.__func__, path
        elif isinstance(thing, functools.partial):
            yield thing.func, f"{path}.func"
            yield thing.args, f"{path}.args"
            yield thing.keywords, f"{path}.keywords"
        else:
            yield from _attributes(thing, path)
            if self._is_theirs(type(thing)):
                yield type(thing), type(thing).__qualname__
            if type(thing).__module__.partition(".")[0] not in _LIBRARIES[:4] and not hasattr(thing, "__dict__"):
                yield from ((each, f"{path}.<inside>") for each in gc.get_referents(thing))

    def _is_theirs(self, thing: Any) -> bool:
        """Whether a class or function may keep state: it is not of Python's library, of torch or of this package."""
        top = str(getattr(thing, "__module__", None) or "").partition(".")[0]
        return top == self.package or not (top in _LIBRARIES or top in sys.stdlib_module_names)

    def _number(self, number: Any, path: str, shared: bool) -> None:
        size = NUMBER_BYTES
        if isinstance(number, int) and not isinstance(number, bool):
            size = max(NUMBER_BYTES, -(-number.bit_length() // 8))
        told = repr(number) if size == NUMBER_BYTES else hex(number)
        digest = digest_of(told.encode())
        self.leaves.append(Leaf(path, "number", type(number).__name__, (), size, digest, size, None, shared))

    def _note(self, path: str, kind: str, dtype: str, content: bytes, shared: bool) -> None:
        if content:
            size = len(content)
            digest = digest_of(content)
            self.leaves.append(Leaf(path, kind, dtype, (size,), size, digest, size, None, shared))

    def _tensor(self, tensor: Any, path: str, shared: bool) -> None:
        if tensor.is_meta or tensor.layout is not self.torch.strided:
            parts = [] if tensor.is_meta else [tensor.indices(), tensor.values()] if tensor.is_sparse else []
            if not parts and not tensor.is_meta:
                self.strange.append((path, f"a tensor of layout {tensor.layout}"))
            for part in parts:
                self._tensor(part, path, shared)
            return
        try:
            storage = tensor.untyped_storage()
            where, size = storage.data_ptr(), storage.nbytes()
        except (RuntimeError, NotImplementedError):  # a wrapper has no storage; its parts do
            return
        if size:
            seen = min(size, tensor.numel() * tensor.element_size())
            self._stored(where, size, seen, path, "tensor", str(tensor.dtype), tuple(tensor.shape), tensor, shared)

    def _array(self, rows: np.ndarray[Any, Any], path: str, shared: bool) -> None:
        owner = owner_of(rows)
        where = owner.__array_interface__["data"][0]
        if owner.nbytes:
            seen = min(owner.nbytes, rows.nbytes)
            self._stored(where, owner.nbytes, seen, path, "array", str(rows.dtype), rows.shape, rows, shared)

    def _stored(
        self,
        where: int,
        size: int,
        seen: int,
        path: str,
        kind: str,
        dtype: str,
        shape: tuple[int, ...],
        value: Any,
        shared: bool,
    ) -> None:
        number = self._storages.setdefault(where, len(self.leaves))
        if number < len(self.leaves):
            first = self.leaves[number]
            views = min(first.size, first.views + seen)
            self.leaves[number] = replace(first, views=views)
            return
        digest = digest_of(storage_bytes(value))
        self.leaves.append(Leaf(path, kind, dtype, shape, size, digest, seen, value, shared))


def _attributes(thing: Any, path: str) -> Iterator[tuple[Any, str]]:
    """The attributes of a thing, of its dictionary and of the slots of its classes."""
    held = getattr(thing, "__dict__", None)
    if isinstance(held, dict):
        yield from ((value, f"{path}.{name}".lstrip(".")) for name, value in list(held.items()))
    for cls in type(thing).__mro__:
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__"):
                mangled = f"_{cls.__name__.lstrip('_')}{name}" if name.startswith("__") and name[-2:] != "__" else name
                if hasattr(thing, mangled):
                    yield getattr(thing, mangled), f"{path}.{name}".lstrip(".")
