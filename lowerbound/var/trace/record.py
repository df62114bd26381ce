"""Recording traces: from the simulator, and from any code that calls one function for attention."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound import __version__
from lowerbound.core.models import Model
from lowerbound.core.rules import RuleName
from lowerbound.core.scalars import counted
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument, invalid, unknown
from lowerbound.var.simulator.network import Precision, threads_for
from lowerbound.var.simulator.pipeline import FullCache, generate
from lowerbound.var.simulator.sampling import Sampling
from lowerbound.var.simulator.weights import source_of
from lowerbound.var.trace.file import PARTS, ROUNDOFF, Trace, check_output, write_trace
from lowerbound.var.trace.images import IMAGES, Encoded, encode_image

Array = NDArray[Any]

BRANCHES = ("cond", "uncond")


@dataclass(eq=False)
class RecordingCache(FullCache):
    """The full cache, which also keeps all queries and outputs."""

    asked: dict[int, list[Array]] = field(default_factory=dict)
    answered: dict[int, list[Array]] = field(default_factory=dict)

    def attend(self, layer: int, scale: int, queries: Array, keys: Array, values: Array) -> Array:
        outputs = super().attend(layer, scale, queries, keys, values)
        self.asked.setdefault(layer, []).append(queries)
        self.answered.setdefault(layer, []).append(outputs.copy())
        return outputs

    def layers(self) -> list[tuple[Array, Array, Array, Array]]:
        """q, k, v, o of every layer, (branches, heads, T, d)."""
        return [
            (np.concatenate(asked, 2), self.keys[layer], self.values[layer], np.concatenate(self.answered[layer], 2))
            for layer, asked in sorted(self.asked.items())
        ]


@dataclass(frozen=True)
class Recorded:
    """A trace that the simulator made; `missed` is `Encoded.missed` of a structured image, or None for random ids."""

    trace: Trace
    image: str
    missed: float | None


def record(
    path: str | Path,
    *,
    model: str,
    image: str = "random",
    seed: int = 0,
    condition: int = 0,
    guidance: float = 1.5,
    precision: Precision = "float32",
    overwrite: bool = False,
) -> Recorded:
    """Record one image of a network, which `model` names as in `source_of`, as a trace.

    Contract: the seed is that of the draws, and of random weights. With image "random" the ids are those that the
    network draws; with one of IMAGES they are the ids of that image, whatever the network would draw. Unusable
    arguments raise InvalidArgument before any work.
    """
    if image != "random" and image not in IMAGES:
        raise unknown("image", image, ("random", *IMAGES))
    check_output(Path(path), overwrite=overwrite)
    source = source_of(model)
    found = source.model
    _check_memory(found, precision)
    network = source.network(seed=seed, precision=precision)
    memory = RecordingCache()
    encoded: Encoded | None = None if image == "random" else encode_image(network, image, seed=seed)
    with threads_for(found):
        made = generate(
            network,
            memory,
            condition=condition,
            sampling=Sampling(seed, guidance),
            given=None if encoded is None else encoded.ids,
        )
    trace = write_trace(
        path,
        memory.layers(),
        found.schedule,
        rule="l2norm",
        dtype=precision,
        branches=BRANCHES,
        tokens=np.concatenate([_numbers(ids) for ids in (made.ids if encoded is None else encoded.ids)]),
        f_hat=made.f_hat,
        about={
            "model": found.name,
            "codebook_size": str(found.codebook_size),
            "weights": network.origin.name,
            "digest": network.origin.digest,
            "commit": f"lowerbound {__version__}",
            "image": image,
            "condition": str(condition),
            "seed": str(seed),
        },
        overwrite=overwrite,
    )
    return Recorded(trace, image, None if encoded is None else encoded.missed)


def trace_bytes(model: Model, precision: Precision) -> int:
    """The bytes of q, k, v and o of a whole image."""
    numbers = model.cfg_branches * model.n_layers * model.n_heads * model.n_tokens * model.head_dim
    return len(PARTS) * numbers * np.dtype(precision).itemsize


def _check_memory(model: Model, precision: Precision) -> None:
    """Raise InvalidArgument unless memory holds the trace twice.

    That is the peak, because keys and values grow by copying, and arrays are joined before they are written.
    """
    needed, there = 2 * trace_bytes(model, precision), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise InvalidArgument(
            f"model must have a trace that fits twice in {there / 1e9:.1f} GB of memory, got {needed / 2e9:.1f} GB of "
            f"{model.name} in {precision}"
        )


def _numbers(ids: Array) -> Array:
    """One number per token: its index in the codebook, or the number with the token's bits, lowest first."""
    if ids.shape[1] == 1:
        return ids[:, 0]
    numbers: Array = ids @ (1 << np.arange(ids.shape[1], dtype=np.int64))
    return numbers


@contextmanager
def recorder(module: ModuleType | Any, name: str = "slow_attn") -> Iterator[Recorder]:
    """Record every call of a module's attention function, such as `slow_attn` of the official `models.basic_var`.

    Contract: within the block the function answers as before, and its arguments and outputs are kept; afterwards the
    module is restored. A module without that function raises UnknownName.
    """
    original = getattr(module, name, None)
    if original is None:
        raise unknown("function", name, [each for each in dir(module) if "attn" in each or "attention" in each])
    listening = Recorder(original)
    setattr(module, name, listening)
    try:
        yield listening
    finally:
        setattr(module, name, original)


class Recorder:
    """Stands in for `attend(query, key, value, scale, ...)` of one image, layer after layer and scale after scale.

    Contract: `write` writes the calls of exactly one image (batch 1, with its branches), or raises InvalidArgument.
    Arrays of shape (branches, heads, n, d) are copied at each call, keys and values being those of all tokens so far.
    bfloat16 is stored as float32, which holds it exactly.
    """

    def __init__(self, attend: Callable[..., Any]) -> None:
        self._attend = attend
        self.calls: list[tuple[Array, Array, Array, Array]] = []
        self._scale: float | None = None
        self._dtype = "float64"

    def __call__(self, query: Any, key: Any, value: Any, scale: float, *rest: Any, **more: Any) -> Any:
        """The function's own answer; arguments and answer are recorded."""
        out = (
            self._attend(query=query, key=key, value=value, scale=scale, **more)
            if not rest
            else self._attend(query, key, value, scale, *rest, **more)
        )
        if self._scale not in (None, scale):
            raise invalid("scale", f"be that of the first call, {self._scale}", scale)
        self._scale = scale
        kinds = [str(array.dtype).rpartition(".")[2] for array in (query, key, value, out)]
        self._dtype = max([self._dtype, *kinds], key=lambda kind: ROUNDOFF.get(kind, math.inf))
        self.calls.append((_copied(query), _copied(key), _copied(value), _copied(out)))
        return out

    def clear(self) -> None:
        """Forget all calls, before the next image."""
        self.calls, self._scale, self._dtype = [], None, "float64"

    def write(
        self,
        path: str | Path,
        patch_nums: Sequence[int] | ScaleSchedule,
        *,
        model: str,
        tokens: Any = None,
        branches: Sequence[str] = BRANCHES,
        commit: str = "unknown",
        image: str = "unknown",
        about: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> Trace:
        """The trace of the image that was recorded; `patch_nums` are the sides of its maps, or its schedule.

        `about` may tell `codebook_size`, and `weights` and `digest`, the name and SHA-256 of their file.
        """
        schedule = patch_nums if isinstance(patch_nums, ScaleSchedule) else ScaleSchedule.square(patch_nums)
        n_scales, n_calls = schedule.n_scales, len(self.calls)
        if not n_calls or n_calls % n_scales:
            raise invalid("calls", f"be layers x {counted(n_scales, 'scale')} of one image", n_calls)
        n_layers = n_calls // n_scales
        layers = []
        for layer in range(n_layers):
            calls = self.calls[layer::n_layers]
            for scale, (query, key, _, _) in enumerate(calls):
                wanted = schedule.tokens_at(scale), schedule.rows_of(scale).stop
                if query.ndim != 4 or (query.shape[-2], key.shape[-2]) != wanted:
                    raise InvalidArgument(
                        f"call {scale * n_layers + layer} must have {wanted[0]} queries and {wanted[1]} keys, "
                        f"(branches, heads, n, d), got {query.shape} and {key.shape}"
                    )
                if len(query) != len(branches):
                    raise invalid("batch", f"be one image's {counted(len(branches), 'branch', 'branches')}", len(query))
            _, keys, values, _ = calls[-1]
            asked, answered = (np.concatenate([call[part] for call in calls], axis=2) for part in (0, 3))
            layers.append((asked, keys, values, answered))
        return write_trace(
            path,
            layers,
            schedule,
            rule=self._rule(layers[0][0].shape[-1]),
            dtype=self._dtype,
            branches=branches,
            tokens=None if tokens is None else _copied(tokens),
            about={"model": model, "commit": commit, "image": image, **(about or {})},
            overwrite=overwrite,
        )

    def _rule(self, d: int) -> RuleName:
        known: dict[RuleName, float] = {"l2norm": 1.0, "1/sqrt(d)": d**-0.5, "0.25/sqrt(d)": 0.25 * d**-0.5}
        for rule, factor in known.items():
            if self._scale is not None and math.isclose(self._scale, factor, rel_tol=1e-9):
                return rule
        raise invalid("scale", f"be 1 (unit keys), 1/sqrt({d}) or 0.25/sqrt({d})", self._scale)


def _copied(array: Any) -> Array:
    """A NumPy copy of an array or tensor."""
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        array = array.float() if str(array.dtype) == "torch.bfloat16" else array
        array = array.numpy()
    return np.array(array)
