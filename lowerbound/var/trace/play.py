"""Caches on a trace: the bits they keep, the errors of their answers, and the bits that the worst case forces.

Errors are on the scale of the floors: additive, for values in [0, 1]. Attention commutes with x -> (x - low) / range,
so that caches get every head's values scaled this way, and RANGE_BITS per head are counted for low and range. The bits
that a trace needs are measured, never proved: another image may need more, up to the worst case's floor and above.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.registry import find_cache
from lowerbound.ceiling.achieved import cheapest
from lowerbound.certify.certified import LOGIT_CAP, strongest
from lowerbound.core.bits import state_bits
from lowerbound.core.cache import Memory, Public
from lowerbound.core.oracle.attention import attention
from lowerbound.core.scalars import Rational, rational
from lowerbound.core.threads import one_thread
from lowerbound.errors import InvalidArgument
from lowerbound.var.simulator.plugged import PluggedCache
from lowerbound.var.trace.file import RecordedLayer, Trace

FloatArray = NDArray[np.float64]
Asked = tuple[str, Fraction | None]
"""A cache's name and its nominal budget."""

DEFAULT_CACHES: tuple[tuple[str, str | None], ...] = (
    ("full-fp16", None),
    *(("uniform", budget) for budget in ("1/2", "3/8", "1/4", "1/8", "1/16")),
    *(("turboquant", budget) for budget in ("1/2", "5/16", "3/16")),
    *(("h2o", budget) for budget in ("1/2", "1/4")),
    ("lorc", "1/2"),
)
"""Quantizers at several widths, evictions, a low-rank cache, and the nearly lossless fp16 cache."""
RANGE_BITS = 128
"""The bits of both ends of the range of a head's values, in float64."""
DEFAULT_ETAS = ("0.1", "0.01", "0.001")


@dataclass(frozen=True)
class PlayedTrace:
    """The result of a cache on the whole trace, with one state per branch for all layers and heads.

    Parameters
    ----------
    state_bytes : int
        Bytes of the states before the last scale, with the ranges of values.
    fp16_bytes : int
        Bytes of the keys and values of the same tokens in fp16.
    mean_error, worst_error : float
        Errors of the last scale's answers over the range of the head's values: the mean of all entries, and the
        largest.
    worst_layer, worst_head : int
        The place of the largest error.
    """

    cache: str
    budget: str | None
    state_bytes: int
    fp16_bytes: int
    mean_error: float
    worst_error: float
    worst_layer: int
    worst_head: int
    worst_branch: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def play(trace: Trace, cache: str, budget: Fraction | None = None, *, seed: int = 0) -> PlayedTrace:
    """Play one cache as the KV cache of the trace's network.

    Contract: a scale knows of earlier ones only the cache's bytes, and the last scale's recorded queries are asked. A
    cache that breaks its contract raises CacheContractBroken; an unknown name raises UnknownName.
    """
    layers = [_scaled(trace.layer(number)) for number in range(trace.n_layers)]
    kind = find_cache(cache)
    public = _public(trace, kind, budget, seed, stack=(trace.n_layers, trace.n_heads))
    memory = PluggedCache(kind, public, trace.n_branches)
    answers = _run(trace, memory, layers)
    errors = np.stack([_errors(trace, layer, answer) for layer, answer in zip(layers, answers, strict=True)])
    at = np.unravel_index(int(errors.argmax()), errors.shape)
    return PlayedTrace(
        cache=cache,
        budget=memory.told_budget,
        state_bytes=(sum(map(state_bits, memory.states)) + trace.n_streams * RANGE_BITS) // 8,
        fp16_bytes=trace.geometry.cache_bits * trace.n_streams // 8,
        mean_error=float(errors.mean()),
        worst_error=float(errors.max()),
        worst_layer=int(at[0]),
        worst_branch=trace.branches[int(at[1])],
        worst_head=int(at[2]),
    )


@dataclass(frozen=True)
class Point:
    """One cache on one head: bits of its state, RANGE_BITS included, and errors as in `PlayedTrace`."""

    layer: int
    head: int
    branch: str
    cache: str
    budget: str | None
    bits: int
    mean_error: float
    worst_error: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Distance:
    """How far one head is from the worst case at one error.

    Parameters
    ----------
    floor_bits : int or None
        Certified bits that every cache needs whose answers are within eta for all keys and values. None if no theorem
        gives a floor.
    played_bits : int or None
        Bits of the smallest state among the played caches whose worst answer on this trace is within eta; None if there
        is no such cache.
    """

    layer: int
    head: int
    branch: str
    eta: str
    floor_bits: int | None
    played_bits: int | None
    cache: str | None

    @property
    def ratio(self) -> float | None:
        """`played_bits / floor_bits`, or None; below 1, this head is easier than the worst case."""
        return None if not self.floor_bits or self.played_bits is None else self.played_bits / self.floor_bits

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "ratio": self.ratio}


@dataclass(frozen=True)
class HeadFloor:
    """The worst case of one head of the trace's geometry, for answers that are never wrong by more than eta.

    Parameters
    ----------
    bits : int or None
        Certified bits that every cache needs, by `theorem`, whose proof was checked as `proof` says. None if no theorem
        gives a floor.
    achieved_bits : int
        The best proved upper bound, for all keys and values: some fixed-length code of this size exists.
    """

    eta: str
    bits: int | None
    theorem: str | None
    proof: str | None
    achieved_bits: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def floors(trace: Trace, etas: Sequence[Rational]) -> list[HeadFloor]:
    """The floor of one head at every error; it depends on the geometry alone, and hence is the same for all heads."""
    if not trace.schedule.n_tokens_cached:
        raise InvalidArgument("trace must cache tokens before its last scale, got one scale alone")
    told = []
    for eta in etas:
        exact = rational(eta, name="eta")
        if not 0 < exact < Fraction(1, 2):
            raise InvalidArgument(f"eta must lie strictly between 0 and 1/2, got {eta}")
        enough = cheapest(trace.schedule.n_tokens_cached, trace.d, multiplier=LOGIT_CAP, eta=exact).bits
        found = strongest(trace, eta=exact, delta=0)
        told.append(
            HeadFloor(str(eta), None, None, None, enough)
            if found is None
            else HeadFloor(str(eta), found.bits, found.theorem.name, found.theorem.proof, enough)
        )
    return told


def compare_layer(
    trace: Trace,
    number: int,
    caches: Sequence[Asked],
    *,
    heads: Sequence[int] | None = None,
    seed: int = 0,
    on_play: Callable[[str], None] = lambda name: None,
) -> list[Point]:
    """Play every cache on every head of one layer, each head alone with its own state.

    Contract: as `play`, with a stack of one layer and one head. A cache that divides one budget among heads or layers
    raises InvalidArgument: it has no state of one head.
    """
    check_one_headed(caches)
    layer = _scaled(trace.layer(number))
    return list(_points(trace, number, layer, caches, heads or range(trace.n_heads), seed, on_play))


def check_one_headed(caches: Sequence[Asked]) -> None:
    """Raise InvalidArgument unless every cache has a state of one head."""
    for name, _ in caches:
        if find_cache(name).stack is not None:
            raise InvalidArgument(
                f"cache must have a state of one head to be compared head by head, got {name}, which divides one "
                "budget among many; `lowerbound trace play` plays it on the whole trace"
            )


def _points(
    trace: Trace,
    number: int,
    layer: RecordedLayer,
    caches: Sequence[Asked],
    heads: Sequence[int],
    seed: int,
    on_play: Callable[[str], None],
) -> Iterator[Point]:
    for name, budget in caches:
        on_play(f"layer {number}: {name}")
        kind = find_cache(name)
        public = _public(trace, kind, budget, seed, stack=(1, 1))
        for head in heads:
            own = RecordedLayer(*(part[:, head : head + 1] for part in _parts(layer)))
            memory = PluggedCache(kind, public, trace.n_branches)
            (answers,) = _run(trace, memory, [own])
            errors = _errors(trace, own, answers)
            for branch, state in enumerate(memory.states):
                yield Point(
                    number,
                    head,
                    trace.branches[branch],
                    name,
                    memory.told_budget,
                    state_bits(state) + RANGE_BITS,
                    float(errors[branch].mean()),
                    float(errors[branch].max()),
                )


def distances(points: Sequence[Point], told: Sequence[HeadFloor]) -> list[Distance]:
    """For every head and error, the smallest state that sufficed beside the floor."""
    found = []
    for layer, head, branch in dict.fromkeys((point.layer, point.head, point.branch) for point in points):
        own = [point for point in points if (point.layer, point.head, point.branch) == (layer, head, branch)]
        for floor in told:
            good = [point for point in own if Fraction(point.worst_error) <= rational(floor.eta)]
            least = min(good, key=lambda point: point.bits, default=None)
            found.append(
                Distance(
                    layer,
                    head,
                    branch,
                    floor.eta,
                    floor.bits,
                    None if least is None else least.bits,
                    None if least is None else label(least.cache, least.budget),
                )
            )
    return found


def label(cache: str, budget: str | None) -> str:
    """A cache with its budget, as the command line takes it."""
    return cache if budget is None else f"{cache}@{budget}"


def _public(trace: Trace, kind: type[Memory], budget: Fraction | None, seed: int, *, stack: tuple[int, int]) -> Public:
    """What a cache of this kind may know; one without a nominal budget is told none, so that its label tells all."""
    budget = budget if kind.budget_meaning else None
    return Public(trace.schedule, trace.d, trace.logits, seed=seed, budget=budget, n_layers=stack[0], n_heads=stack[1])


def _parts(layer: RecordedLayer) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    return layer.queries, layer.keys, layer.values, layer.outputs


def _run(trace: Trace, memory: PluggedCache, layers: Sequence[RecordedLayer]) -> list[FloatArray]:
    """The last scale's answers of every layer, (branches, heads, n, d) each."""
    last = trace.schedule.n_scales - 1
    answers: list[FloatArray] = []
    for scale in range(last + 1):
        rows = trace.schedule.rows_of(scale)
        with one_thread():
            answers = [
                memory.attend(number, scale, *(part[:, :, rows] for part in _parts(layer)[:3]))
                for number, layer in enumerate(layers)
            ]
            if scale < last:
                memory.end_scale(scale)
    return answers


def _scaled(layer: RecordedLayer) -> RecordedLayer:
    """The layer with every head's values in [0, 1]; values that are all equal become 0."""
    low, high = (of(layer.values, axis=(2, 3), keepdims=True) for of in (np.min, np.max))
    return replace(layer, values=(layer.values - low) / np.where(high > low, high - low, 1))


def _errors(trace: Trace, layer: RecordedLayer, answers: FloatArray) -> FloatArray:
    """|answer - truth| of the last scale, (branches, heads, n, d)."""
    rows = trace.schedule.rows_of(trace.schedule.n_scales - 1)
    truth = np.empty_like(answers)
    for at in np.ndindex(truth.shape[:2]):
        truth[at] = attention(layer.queries[at][rows], layer.keys[at], layer.values[at], rule=trace.logits)
    errors: FloatArray = np.abs(answers - truth)
    return errors
