"""The adapter: a foreign object played as a cache of this package, whose state is the object itself, written down."""

from __future__ import annotations

import contextlib
import random
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from lowerbound.caches.thirdparty.torch_tokens import Tensor, answered, asked_as, foreign
from lowerbound.core.bits import EncodedState
from lowerbound.core.cache import FloatArray, Public, check_pairs
from lowerbound.core.layered import LayeredCache
from lowerbound.core.scalars import counted
from lowerbound.errors import CacheContractBroken, CorruptState, InvalidArgument
from lowerbound.foreign.defendant import Defendant
from lowerbound.foreign.message import Twin, framed, restored, unframed, written

STACK = (2, 2)
"""Layers and heads of a layer that a foreign cache is played on: some treat the first layer in another way."""


class Adapted(LayeredCache):
    """A foreign object as a cache.

    Contract: the state is all that the object holds and its public twin does not; the answers are softmax attention
    over the keys and values that the object gives back. Whatever foreign code raises becomes CacheContractBroken, which
    names the object and the call.

    A final class says how an object is made (`made`), fed (`put`) and read (`held_rows`).
    """

    family: ClassVar[str] = "audited"
    stack: ClassVar[tuple[int, int] | None] = STACK
    feeding: ClassVar[str] = "update(keys, values, layer)"
    """The call by which rows are handed over, as errors name it."""
    into_fresh: ClassVar[bool] = False
    """Whether a state is always restored into a freshly made object."""
    target: ClassVar[Defendant]
    _twins: ClassVar[dict[tuple[Any, ...], Twin]]

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.torch = foreign("torch")
        self.torch.set_num_threads(1)
        self.n_scales = self.n_tokens = 0
        self.object = self._new()
        self._given: dict[int, tuple[Tensor, Tensor]] = {}

    @classmethod
    @abstractmethod
    def checked(cls, target: Defendant) -> str:
        """The first line of what the foreign code says of itself; InvalidArgument if it is not what the kind wants."""

    @abstractmethod
    def made(self) -> Any:
        """A new, empty foreign object for `public`."""

    @abstractmethod
    def put(self, thing: Any, layer: int, keys: Tensor, values: Tensor, queries: Tensor, n_before: int) -> Any:
        """Hand the (1, n_heads, n, d) rows of one scale to the object; what it returns is what `held_rows` gets."""

    @abstractmethod
    def held_rows(self, thing: Any, layer: int, returned: Any) -> tuple[Tensor, Tensor]:
        """All keys and values, (1, n_heads, N, d), that a query of this layer attends to after `put`."""

    def settled(self, thing: Any, returned: dict[int, Any]) -> None:
        """What the method does after a scale has passed through all layers; by default nothing."""

    def _new(self) -> Any:
        with self.coins():
            return self.calling("the constructor", self.made)

    @contextlib.contextmanager
    def coins(self) -> Iterator[None]:
        """A context in which every generator that a library takes by default starts from the public seed."""
        # One generator of torch is seeded by hand: torch.manual_seed asks for every device, and costs a millisecond.
        seed, of_torch = self.public.seed % 2**32, self.torch.default_generator
        before = of_torch.get_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
        of_torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        random.seed(seed)
        try:
            with self.torch.no_grad():
                yield
        finally:
            of_torch.set_state(before[0])
            np.random.set_state(before[1])  # noqa: NPY002
            random.setstate(before[2])

    def calling(self, what: str, action: Callable[[], Any]) -> Any:
        """The result of foreign code; anything that it raises names the target and the call."""
        try:
            return action()
        except (InvalidArgument, CorruptState, CacheContractBroken):
            raise
        except (Exception, SystemExit) as error:
            said = " ".join(str(error).split())[:300]
            raise CacheContractBroken(
                f"{self.target.name}: {what} raised {type(error).__name__}: {said}{hint(error)}"
            ) from error

    def rows_as(self, rows: FloatArray) -> Tensor:
        """Rows in the format in which a model hands them over, shape (1, n_heads, n, d)."""
        return self.torch.tensor(np.asarray(rows), dtype=getattr(self.torch, self.target.dtype))[None]

    def append(
        self, layer: int, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None
    ) -> None:
        check_pairs(self.public, keys, values, queries)
        asked = self.asked(keys if queries is None else queries)
        self._feed(
            self.object,
            layer,
            self.rows_as(self.public.rule.directions(keys)),
            self.rows_as(values),
            asked,
            self._given,
        )

    def _feed(self, thing: Any, layer: int, keys: Tensor, values: Tensor, asked: Tensor, given: dict[int, Any]) -> None:
        with self.coins():
            given[layer] = self.calling(
                self.feeding, lambda: self.put(thing, layer, keys, values, asked, self.n_tokens)
            )

    def asked(self, queries: FloatArray) -> Tensor:
        """Queries as torch's attention takes them, shape (n_heads, m, d)."""
        return asked_as(self.torch, self.public, queries)

    def attend(self, layer: int, queries: FloatArray) -> list[FloatArray]:
        if layer not in self._given and not self.n_tokens:
            return [np.zeros(rows.shape) for rows in queries]
        keys, values = self.rows_at(layer)
        asked = self.asked(queries)
        return [
            answered(self.torch, asked[head], keys[0, head].float(), values[0, head].float())
            for head in range(self.public.n_heads)
        ]

    def rows_at(self, layer: int) -> tuple[Tensor, Tensor]:
        """The keys and values that a query of a layer attends to now.

        If no rows came since the state was read, a row of zeros is handed to a copy of the object, and dropped again.
        """
        if layer not in self._given:
            return self.read_of(self.copied(), layer)
        return self._checked(*self._read(self.object, layer, self._given[layer]), 0)

    def read_of(self, thing: Any, layer: int) -> tuple[Tensor, Tensor]:
        """The keys and values that an object remembers: it is handed a row of zeros, which is dropped again."""
        with self.coins():
            blank = self.rows_as(np.zeros((self.public.n_heads, 1, self.public.d)))
            returned = self.calling(
                self.feeding,
                lambda: self.put(thing, layer, blank, blank, blank[0].float(), self.n_tokens),
            )
            return self._checked(*self._read(thing, layer, returned), 1)

    def _read(self, thing: Any, layer: int, returned: Any) -> tuple[Tensor, Tensor]:
        def read() -> Any:
            if self.target.read is not None:
                with self.coins():
                    return _named(self.target.read)(thing, layer)
            return self.held_rows(thing, layer, returned)

        found = self.calling("reading keys and values back", read)
        if not (isinstance(found, (tuple, list)) and len(found) == 2):
            raise CacheContractBroken(
                f"{self.target.name}: keys and values must come back as a pair, got {type(found).__name__}; "
                "--read MODULE:FUNCTION says how to read them"
            )
        return found[0], found[1]

    def _checked(self, keys: Any, values: Any, n_blank: int) -> tuple[Tensor, Tensor]:
        pair = []
        for name, rows in (("keys", keys), ("values", values)):
            rows = self.torch.as_tensor(rows)
            if rows.dim() == 3:
                rows = rows[None]
            wanted = (1, self.public.n_heads, int(rows.shape[2]) if rows.dim() == 4 else -1, self.public.d)
            if tuple(rows.shape) != wanted:
                raise CacheContractBroken(
                    f"{self.target.name}: {name} must come back with shape (1, {wanted[1]}, tokens, {wanted[3]}), "
                    f"got {tuple(rows.shape)}"
                )
            pair.append(rows[:, :, : rows.shape[2] - n_blank])
        if pair[0].shape != pair[1].shape:
            raise CacheContractBroken(
                f"{self.target.name}: keys and values must come back with one shape, got {tuple(pair[0].shape)} and "
                f"{tuple(pair[1].shape)}"
            )
        return pair[0], pair[1]

    def copied(self) -> Any:
        """A copy of the object, by way of a message."""
        twin = self._twin(self.n_scales)
        return self._restored(*written(self.object, twin, self.torch, packed=False), twin)

    def _restored(self, skeleton: bytes, tensors: bytes, twin: Twin) -> Any:
        """The object of a message.

        Local functions and the like cannot travel. If an object has some, a fresh one is made, which has its own, and
        takes over the rest of the state.
        """
        if not (twin.opaque or self.into_fresh):
            return restored(skeleton, tensors, twin, self.torch)
        fresh = self._new()
        own = Twin.of(fresh, self.torch).opaque
        fits = list(map(type, own)) == list(map(type, twin.opaque))
        found = restored(skeleton, tensors, replace(twin, opaque=own) if fits else twin, self.torch)
        if type(found) is not type(fresh) or not hasattr(fresh, "__dict__"):
            return found
        vars(fresh).clear()
        vars(fresh).update(vars(found))
        return fresh

    def settle(self) -> None:
        """End a scale: what the method does after it, and what --after asks for."""
        with self.coins():
            self._settle(self.object, self._given)
        self.n_tokens += self.public.schedule.tokens_at(self.n_scales)
        self.n_scales += 1
        self._given = {}

    def _settle(self, thing: Any, given: dict[int, Any]) -> None:
        self.calling("what follows a scale", lambda: self.settled(thing, given))
        if self.target.after is not None:
            after = self.target.after
            self.calling(f"--after {after}", lambda: _named(after)(thing))

    def _twin(self, n_scales: int) -> Twin:
        """The public twin after so many scales; it is the same in both parties' processes."""
        public = self.public
        shapes = (public.schedule, public.d, public.n_layers, public.n_heads)
        key = (*shapes, public.rule, public.seed, public.budget, n_scales)
        if key not in self._twins:
            if len(self._twins) > 64:
                self._twins.clear()
            self._twins[key] = Twin.of(self.twin_object(n_scales), self.torch)
        return self._twins[key]

    def twin_object(self, n_scales: int) -> Any:
        """A fresh object that got public rows: zeros, or rows of the public coins where it fails on zeros."""
        try:
            return self._fed(n_scales, zeros=True)
        except CacheContractBroken:
            return self._fed(n_scales, zeros=False)

    def _fed(self, n_scales: int, *, zeros: bool) -> Any:
        thing, before = self._new(), self.n_tokens
        coins = np.random.default_rng(self.public.seed % 2**32)
        self.n_tokens = 0
        try:
            for scale in range(n_scales):
                count = self.public.schedule.tokens_at(scale)
                shape = (self.public.n_heads, count, self.public.d)
                given: dict[int, Any] = {}
                for layer in range(self.public.n_layers):
                    rows = np.zeros(shape) if zeros else coins.standard_normal(shape) / self.public.d**0.5
                    self._feed(thing, layer, self.rows_as(rows), self.rows_as(rows), self.asked(rows), given)
                with self.coins():
                    self._settle(thing, given)
                self.n_tokens += count
        finally:
            self.n_tokens = before
        return thing

    def encode(self) -> EncodedState:
        self.settle()
        twin = self._twin(self.n_scales)
        skeleton, tensors = written(self.object, twin, self.torch, packed=self.target.packed)
        parts = framed(self.n_scales, skeleton, tensors)
        ledger: Counter[Any] = Counter({item: 8 * len(part) for item, part in parts})
        state = EncodedState(b"".join(part for _, part in parts), ledger)
        self.decode(state)
        return state

    def decode(self, data: bytes) -> None:
        n_scales, skeleton, tensors = unframed(bytes(data))
        if n_scales > self.public.schedule.n_scales:
            raise CorruptState(
                f"state must speak of at most {counted(self.public.schedule.n_scales, 'scale')}, got {n_scales}"
            )
        with self.coins():
            self.object = self._restored(skeleton, tensors, self._twin(n_scales))
        self.n_scales = n_scales
        self.n_tokens = sum(self.public.schedule.tokens_at(scale) for scale in range(n_scales))
        self._given = {}

    @property
    def claimed_ratio(self) -> Fraction | None:
        return None


def hint(error: BaseException) -> str:
    """What a person can do about an error of foreign code, where its text tells; otherwise nothing."""
    text = str(error)
    if "CUDA" in text or "NVIDIA" in text or "cuda" in text:
        return "; it asks for a CUDA device, and the audit runs on the CPU"
    return ""


def _named(place: str) -> Any:
    module, _, name = place.partition(":")
    return found_in(module, name)


def found_in(module: str, name: str) -> Any:
    """The thing that a dotted name of a module means; InvalidArgument with the nearest names, or what to install."""
    from importlib import import_module

    from lowerbound.errors import raised_at, unknown

    package = module.partition(".")[0]
    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        install = package.replace("_", "-") if missing.partition(".")[0] == package else missing.replace("_", "-")
        raise InvalidArgument(
            f"module {module!r} must be installed, and {missing!r} is not: pip install {install}"
        ) from error
    except (Exception, SystemExit) as error:
        raise InvalidArgument(
            f"module {module!r} must be importable, got {type(error).__name__}: {error}{hint(error)}{raised_at(error)}"
        ) from error
    for part in name.split("."):
        held = found
        found = getattr(held, part, None)
        if found is None:
            raise unknown(f"name of {module}", name, [each for each in dir(held) if each[0] != "_"])
    return found
