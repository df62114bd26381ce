"""Natural keys: the recorded keys of a head, and which of its tokens a query could address among them.

A query along the key of a cached token, at multiplier lambda, gives that token its *own weight*: its share of the
softmax over all keys of the head, those of the last map included, whose queries ask. A token is *addressable* at
lambda if that is more than one half. Then this query tells its value 0 from 1 whatever the other values are, if the
error of the answer is small enough; and otherwise some other values hide it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.family import Keys
from lowerbound.core.keys.recorded import exact_keys, own_weights
from lowerbound.core.rows import unit_rows
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.threads import one_thread
from lowerbound.errors import InvalidArgument, invalid, unknown
from lowerbound.var.trace.file import Trace

FloatArray = NDArray[np.float64]

MULTIPLIERS = (5, 20, 50, 100)
"""The multipliers at which every head is read, besides its own; the last is the cap of VAR and Infinity."""

HALF = 0.5
"""The own weight above which a token is addressable."""


@dataclass(frozen=True)
class OwnWeights:
    """The own weights of the cached tokens of a head at one multiplier: how many exceed one half, least and median.

    `maps` counts the addressable tokens of each cached map, prompt tokens with the first.
    """

    multiplier: float
    addressable: int
    maps: tuple[int, ...]
    least: float
    median: float


@dataclass(frozen=True)
class KeyFacts:
    """The keys of one head of one layer and branch.

    Parameters
    ----------
    learned : float
        The multiplier of the head's own queries: the largest norm of one.
    coherence, mean_cosine : float
        Largest and mean cosine of a cached key with any other key, those of the last map included.
    cached : int
        The number of cached tokens.
    at_learned : OwnWeights
    readings : tuple of OwnWeights
        At each of MULTIPLIERS.
    """

    layer: int
    head: int
    branch: str
    learned: float
    coherence: float
    mean_cosine: float
    cached: int
    at_learned: OwnWeights
    readings: tuple[OwnWeights, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class RecordedHead:
    """One head of a trace as public keys of a game.

    Parameters
    ----------
    rows : array, shape (n_tokens, d)
        The recorded keys of all tokens.
    """

    trace: Trace
    layer: int
    head: int
    branch: str
    rows: FloatArray
    learned: float

    @cached_property
    def keys(self) -> Keys:
        """The keys, exactly."""
        return exact_keys(self.rows)

    @cached_property
    def geometry(self) -> Geometry:
        """The head of the trace, named by its place there."""
        where = f"layer {self.layer}, head {self.head}, {self.branch}"
        return replace(self.trace.geometry, name=f"trace of {self.trace.model_name}, {where}")

    @cached_property
    def facts(self) -> KeyFacts:
        """What is measured of these keys."""
        return _facts(self.rows, self.trace.schedule, self.layer, self.head, self.branch, self.learned)


def by_map(schedule: ScaleSchedule, tokens: Sequence[int]) -> tuple[int, ...]:
    """How many of these tokens are on each cached map, prompt tokens counted with the first."""
    scales = [schedule.scale_of(int(token)) for token in tokens]
    return tuple(scales.count(scale) for scale in range(schedule.n_scales - 1))


def recorded_head(trace: Trace, layer: int, head: int, branch: str | None = None) -> RecordedHead:
    """The keys of one head of a trace; None takes its first branch.

    Contract: layer, head or branch that the trace does not have, a rule other than l2norm, and a trace of one map raise
    InvalidArgument or ImpossibleReduction in one sentence.
    """
    _check(trace)
    if branch is not None and branch not in trace.branches:
        raise unknown("branch", branch, trace.branches)
    if not 0 <= head < trace.n_heads:
        raise invalid("head", f"lie in [0, {trace.n_heads - 1}]", head, nearest=min(max(head, 0), trace.n_heads - 1))
    number = 0 if branch is None else trace.branches.index(branch)
    recorded = trace.layer(layer)
    rows = recorded.keys[number, trace.key_head_of(head)]
    return RecordedHead(trace, layer, head, trace.branches[number], rows, _longest(recorded.queries[number, head]))


def keys_of_layer(trace: Trace, number: int) -> list[KeyFacts]:
    """Every head of one layer, branch after branch; a rule other than l2norm raises InvalidArgument."""
    _check(trace)
    layer = trace.layer(number)
    with one_thread():
        return [
            _facts(
                layer.keys[branch, trace.key_head_of(head)],
                trace.schedule,
                number,
                head,
                name,
                _longest(layer.queries[branch, head]),
            )
            for branch, name in enumerate(trace.branches)
            for head in range(trace.n_heads)
        ]


def _check(trace: Trace) -> None:
    """Refuse a trace with nothing to cache, which has no geometry, and one whose queries are no directions."""
    if trace.geometry.rule_name != "l2norm":
        raise InvalidArgument(
            f"keys that are played must be of a trace with logit_rule l2norm, whose queries are directions times a "
            f"multiplier, got {trace.rule} in {trace.path.name}"
        )


def _longest(queries: FloatArray) -> float:
    return float(np.sqrt(np.vecdot(queries, queries).max()))


def _facts(rows: FloatArray, schedule: ScaleSchedule, layer: int, head: int, branch: str, learned: float) -> KeyFacts:
    cached = schedule.n_tokens_cached
    unit = unit_rows(rows)
    cosines = np.clip(unit[:cached] @ unit.T, -1, 1)
    others = cosines[~np.eye(cached, len(unit), dtype=bool)]
    return KeyFacts(
        layer=layer,
        head=head,
        branch=branch,
        learned=learned,
        coherence=float(others.max()),
        mean_cosine=float(others.mean()),
        cached=cached,
        at_learned=_weights_at(rows, schedule, learned),
        readings=tuple(_weights_at(rows, schedule, multiplier) for multiplier in MULTIPLIERS),
    )


def _weights_at(rows: FloatArray, schedule: ScaleSchedule, multiplier: float) -> OwnWeights:
    weights = own_weights(rows, schedule.n_tokens_cached, multiplier)
    maps = by_map(schedule, np.flatnonzero(weights > HALF).tolist())
    return OwnWeights(float(multiplier), sum(maps), maps, float(weights.min()), float(np.median(weights)))
