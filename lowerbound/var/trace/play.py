"""Caches on a trace: the bits they keep, the errors of their answers, and the bits that the worst case forces.

Errors are on the scale of the floors: additive, for values in [0, 1]. Attention commutes with x -> (x - low) / range,
so that caches get every head's values scaled this way, and RANGE_BITS per head are counted for low and range. The bits
that a trace needs are measured, never proved: another image may need more, up to the worst case's floor and above.
Heads that share keys and values are one stream: a cache holds it once, answers all their queries, and is counted once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.registry import target_of
from lowerbound.ceiling.achieved import cheapest
from lowerbound.certify.certified import LOGIT_CAP, strongest
from lowerbound.core.bits import state_bits
from lowerbound.core.cache import CacheFacts
from lowerbound.core.oracle.attention import attention
from lowerbound.core.scalars import Rational, rational
from lowerbound.core.threads import one_thread
from lowerbound.errors import InvalidArgument, LowerBoundError
from lowerbound.game.channel import Isolation
from lowerbound.game.channel import strongest as strongest_isolation
from lowerbound.game.duel import describe
from lowerbound.game.question import Terms
from lowerbound.var.simulator.plugged import Plugged
from lowerbound.var.simulator.plugging import plug
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


def play(
    trace: Trace, cache: str, budget: Fraction | None = None, *, seed: int = 0, isolation: Isolation | None = None
) -> PlayedTrace:
    """Play one cache as the KV cache of the trace's network.

    Contract: a scale knows of earlier ones only the cache's bytes, and the last scale's recorded queries are asked. A
    cache that breaks its contract raises CacheContractBroken; an unknown name raises UnknownName. A cache of another
    package runs in a process of its own, at the level of `isolation`; None takes the strongest.
    """
    check_cached(trace)
    target_of(cache)
    layers = [_by_stream(trace, _scaled(trace.layer(number)), trace.streams) for number in range(trace.n_layers)]
    with _named(cache, budget), plug(cache, isolation) as plugged:
        terms = _terms(trace, budget, seed, stack=(trace.n_layers, len(trace.streams)))
        memory = plugged.into(terms, trace.n_branches)
        answers = _run(trace, memory, layers)
    errors = np.stack([_errors(trace, layer, answer) for layer, answer in zip(layers, answers, strict=True)])
    order, places = _readers(trace.streams)
    errors = errors[:, :, places]
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
        worst_head=order[int(at[2])],
    )


@dataclass(frozen=True)
class Point:
    """One cache on one head: bits of its state, RANGE_BITS included, and errors as in `PlayedTrace`.

    `head` is the first of the heads that share the keys and values, and errors are those of all of them.
    """

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
    check_cached(trace)
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
            else HeadFloor(str(eta), found.bits, found.theorem.name, found.proof, enough)
        )
    return told


def check_cached(trace: Trace) -> None:
    """Raise InvalidArgument unless tokens are cached before the trace's last scale."""
    if not trace.schedule.n_tokens_cached:
        raise InvalidArgument("trace must cache tokens before its last scale, got one scale alone")


@contextmanager
def _named(cache: str, budget: Fraction | None) -> Iterator[None]:
    """Let an error of a cache begin with the cache's label, so that a reader knows whose row is missing."""
    try:
        yield
    except LowerBoundError as error:
        raise type(error)(f"{label(cache, None if budget is None else str(budget))}: {error}") from error


def compare_layer(
    trace: Trace,
    number: int,
    caches: Sequence[Asked],
    *,
    heads: Sequence[int] | None = None,
    seed: int = 0,
    on_play: Callable[[str], None] = lambda name: None,
    refusals: MutableMapping[Asked, LowerBoundError] | None = None,
    isolation: Isolation | None = None,
) -> list[Point]:
    """Play every cache on every head of one layer, each head alone with its own state.

    Contract: as `play`, with a stack of one layer and one head; heads that share keys and values are played as one. A
    cache that divides one budget among heads or layers raises InvalidArgument: it has no state of one head.

    Parameters
    ----------
    refusals : mapping of caches to errors, or None
        Where it is given, the error of a cache is added to it instead of being raised; that cache has no points, here
        and in later calls with the same mapping.
    """
    check_one_headed(caches, isolation)
    check_cached(trace)
    layer = _scaled(trace.layer(number))
    chosen = set(range(trace.n_heads) if heads is None else heads)
    streams = [tuple(head for head in stream if head in chosen) for stream in trace.streams]
    points: list[Point] = []
    for asked in caches:
        on_play(f"layer {number}: {asked[0]}")
        if refusals is not None and asked in refusals:
            continue
        try:
            points += _points(trace, number, layer, asked, [stream for stream in streams if stream], seed, isolation)
        except LowerBoundError as error:
            if refusals is None:
                raise
            refusals[asked] = error
    return points


def facts_of(cache: str, isolation: Isolation | None) -> CacheFacts:
    """What a cache class says of itself; a foreign one is asked once in a process of its own."""
    return _facts(target_of(cache), strongest_isolation() if isolation is None else isolation, os.getcwd())


@lru_cache
def _facts(target: str, isolation: Isolation, _working_directory: str) -> CacheFacts:
    return describe(target, isolation)


def check_one_headed(caches: Sequence[Asked], isolation: Isolation | None = None) -> None:
    """Raise InvalidArgument unless every cache has a state of one head."""
    for name, _ in caches:
        if facts_of(name, isolation).stack is not None:
            raise InvalidArgument(
                f"cache must have a state of one head to be compared head by head, got {name}, which divides one "
                "budget among many; `lowerbound trace play` plays it on the whole trace"
            )


def _points(
    trace: Trace,
    number: int,
    layer: RecordedLayer,
    asked: Asked,
    streams: Sequence[tuple[int, ...]],
    seed: int,
    isolation: Isolation | None,
) -> list[Point]:
    """One cache on some streams of a layer, each with the heads that read it."""
    name, budget = asked
    points = []
    with _named(name, budget), plug(name, isolation) as plugged:
        for heads in streams:
            own = _by_stream(trace, layer, [heads])
            memory = plugged.into(_terms(trace, budget, seed, stack=(1, 1)), trace.n_branches)
            (answers,) = _run(trace, memory, [own])
            errors = _errors(trace, own, answers)
            points += [
                Point(
                    number,
                    heads[0],
                    trace.branches[branch],
                    name,
                    memory.told_budget,
                    state_bits(state) + RANGE_BITS,
                    float(errors[branch].mean()),
                    float(errors[branch].max()),
                )
                for branch, state in enumerate(memory.states)
            ]
    return points


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


def without(points: Sequence[Point], refused: Collection[Asked], isolation: Isolation | None = None) -> list[Point]:
    """The points of all caches but the refused ones, which may have played some heads before they met another."""
    gone = {(name, _told(facts_of(name, isolation), budget)) for name, budget in refused}
    return [point for point in points if (point.cache, point.budget) not in gone]


def _told(facts: CacheFacts, budget: Fraction | None) -> str | None:
    """The budget in force, as a row tells it (`Memory.told_at`)."""
    if not facts.budget_meaning:
        return None
    return facts.default_budget if budget is None else str(budget)


def label(cache: str, budget: str | None) -> str:
    """A cache with its budget, as the command line takes it."""
    return cache if budget is None else f"{cache}@{budget}"


def _terms(trace: Trace, budget: Fraction | None, seed: int, *, stack: tuple[int, int]) -> Terms:
    """What a cache may know of the trace."""
    return Terms(trace.schedule, trace.d, trace.logits, budget=budget, seed=seed, stack=stack)


def _parts(layer: RecordedLayer) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    return layer.queries, layer.keys, layer.values, layer.outputs


def _run(trace: Trace, memory: Plugged, layers: Sequence[RecordedLayer]) -> list[FloatArray]:
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


def _readers(streams: Sequence[tuple[int, ...]]) -> tuple[list[int], list[int]]:
    """(the heads that read the streams, in order; their places among the heads of `_by_stream`)."""
    width = max(map(len, streams))
    order = [head for heads in streams for head in heads]
    return order, [number * width + place for number, heads in enumerate(streams) for place in range(len(heads))]


def _by_stream(trace: Trace, layer: RecordedLayer, streams: Sequence[tuple[int, ...]]) -> RecordedLayer:
    """The layer with one head of keys and values per stream, and as many heads of queries for each stream.

    Where fewer heads read a stream than another, its last head is repeated; `_readers` tells the heads apart.
    """
    width = max(map(len, streams))
    readers = [heads[min(place, len(heads) - 1)] for heads in streams for place in range(width)]
    held = [trace.key_head_of(heads[0]) for heads in streams]
    return RecordedLayer(
        layer.queries[:, readers], layer.keys[:, held], layer.values[:, held], layer.outputs[:, readers]
    )


def _scaled(layer: RecordedLayer) -> RecordedLayer:
    """The layer with every head's values in [0, 1]; values that are all equal become 0."""
    # The range of values near the largest floats is not finite, that of their halves is.
    halves = layer.values / 2
    low, high = (of(halves, axis=(2, 3), keepdims=True) for of in (np.min, np.max))
    return replace(layer, values=(halves - low) / np.where(high > low, high - low, 1))


def _errors(trace: Trace, layer: RecordedLayer, answers: FloatArray) -> FloatArray:
    """|answer - truth| of the last scale, (branches, heads, n, d)."""
    rows = trace.schedule.rows_of(trace.schedule.n_scales - 1)
    truth = np.empty_like(answers)
    for branch, head in np.ndindex(truth.shape[:2]):
        read = branch, head * layer.keys.shape[1] // layer.queries.shape[1]
        asked = layer.queries[branch, head][rows]
        truth[branch, head] = attention(asked, layer.keys[read], layer.values[read], rule=trace.logits)
    errors: FloatArray = np.abs(answers - truth)
    return errors
