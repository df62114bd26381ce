"""Which structure priors one head's keys and values obey within a tolerance: an empirical finding, in floats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.oracle.attention import attention
from lowerbound.core.priors.basis import basis, order_of
from lowerbound.core.priors.columns import LiveColumnsPrior
from lowerbound.core.priors.groups import BlocksPrior, ClustersPrior, block_of
from lowerbound.core.priors.plain import (
    ScaleWindowPrior,
    SparseAttentionPrior,
    SpatialLocalityPrior,
    TokenWindowPrior,
    cells_above,
)
from lowerbound.core.priors.prior import Prior
from lowerbound.core.priors.pyramid import PyramidDetailPrior, most_changes, repeated
from lowerbound.core.priors.rows import LowRankPrior, SparseRowsPrior
from lowerbound.core.rules import Rule
from lowerbound.core.scalars import Rational, rational
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import invalid

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Obedience:
    """How far one head obeys one prior.

    `parameter` (a rank, a number of columns, tokens, centers, ...) is the smallest one found whose class contains the
    head within the tolerance, in units of max V - min V. At `vacuous` the class excludes nothing, and `obeyed` says
    whether `parameter` is below it. `floor_bits` is log2 of the size of the class, which is what a cache that relies on
    this prior alone must keep at error 0; None if the tolerance is too large to tell the members apart.
    """

    prior: str
    parameter: int
    vacuous: int
    meaning: str
    obeyed: bool
    floor_bits: float | None
    tolerance: float
    status: str = "empirical, of this head alone; never proved"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def obeyed(
    schedule: ScaleSchedule,
    keys: FloatArray,
    values: FloatArray,
    *,
    tolerance: Rational = Fraction(1, 100),
    queries: FloatArray | None = None,
    rule: Rule | None = None,
) -> list[Obedience]:
    """One entry per prior, for one head.

    Contract: the head obeys each prior at the parameter given, within rounding; it may also obey a smaller one that was
    not found. Priors on attention are tested only if the queries of the last map and a rule are given.

    Parameters
    ----------
    keys, values : array, shape (n, d), n >= T
        Rows of the tokens in order; those of the last map, if given, are used for attention only.
    queries : array, shape (T_N, d)
        Queries of the last map; they need keys and values of all tokens.
    """
    eta = rational(tolerance, name="tolerance")
    if not 0 < eta < Fraction(1, 2):
        raise invalid("tolerance", "lie strictly between 0 and 1/2", str(eta))
    n_cached, d = schedule.n_tokens_cached, values.shape[-1]
    if keys.shape != values.shape or keys.ndim != 2 or len(keys) < n_cached:
        raise invalid("keys and values", f"have one shape (n, d), n >= {n_cached}", (keys.shape, values.shape))
    if not (np.isfinite(keys).all() and np.isfinite(values).all()):
        raise invalid("keys and values", "be finite", "NaN or infinity")
    cached = values[:n_cached]
    spread = float(cached.max() - cached.min())
    scaled = (cached - cached.min()) / spread if spread else np.full(cached.shape, 0.5)
    found = [*_of_values(schedule, scaled, float(eta)), _of_keys(schedule, keys[:n_cached], float(eta))]
    if queries is not None and rule is not None:
        if len(keys) != schedule.n_tokens or queries.shape != (schedule.tokens_at(schedule.n_scales - 1), d):
            raise invalid("queries", "be those of the last map, with keys of all tokens", queries.shape)
        weights = attention(queries, keys, np.eye(len(keys)), rule=rule)
        found += _of_attention(schedule, d, weights, float(eta))
    return [
        Obedience(
            prior=prior.name,
            parameter=parameter,
            vacuous=vacuous,
            meaning=meaning,
            obeyed=parameter < vacuous,
            floor_bits=prior.size_bits if eta < prior.margin else None,
            tolerance=float(eta),
        )
        for prior, parameter, vacuous, meaning in found
    ]


Found = tuple[Prior, int, int, str]


def _of_values(schedule: ScaleSchedule, values: FloatArray, eta: float) -> Iterator[Found]:
    """Priors on values in [0, 1] of shape (T, d)."""
    d = values.shape[1]
    left, sizes, right = np.linalg.svd(values - 0.5, full_matrices=False)

    def truncated(rank: int) -> FloatArray:
        product: FloatArray = (left[:, :rank] * sizes[:rank]) @ right[:rank]
        return product

    rank = _first(truncated, values - 0.5, eta, min(values.shape))
    yield LowRankPrior(schedule, d, max(1, rank)), rank, min(values.shape), "rank of V - 1/2"
    letters = (values - 0.5) @ basis(d).T / order_of(d)
    order = np.argsort(-np.abs(letters), axis=1, kind="stable")

    def sparse(most: int) -> FloatArray:
        kept = letters.copy()
        np.put_along_axis(kept, order[:, most:], 0.0, axis=1)
        restored: FloatArray = kept @ basis(d)
        return restored

    most = _first(sparse, values - 0.5, eta, d)
    yield SparseRowsPrior(schedule, d, max(1, most)), most, d, "nonzero coefficients of a row in the public basis"
    live = int((np.ptp(values, axis=0) > 2 * eta).sum())
    yield LiveColumnsPrior(schedule, d, max(1, live)), live, d, "columns that are not constant"
    side = 1
    while side < max(max(shape[-2:]) for shape in schedule.shapes[:-1]) and _blocky(schedule, values, eta, side + 1):
        side += 1
    blocks = BlocksPrior(schedule, d, side)
    yield blocks, blocks.n_blocks, len(values), f"blocks with one row, of {side} x {side} cells"
    above = repeated(schedule)[: len(values)]
    changed = np.abs(values - values[above]) > 2 * eta
    counts = [int(changed[part].sum(axis=0).max()) for part in _maps(schedule)[1:]]
    one_in = max((n for n in range(1, len(values) + 1) if _spare(schedule, counts, n)), default=1)
    words = "details of a channel, all maps but the first, in the channel that has most of each"
    yield PyramidDetailPrior(schedule, d, one_in), sum(counts), sum(map(schedule.tokens_at, _later(schedule))), words


def _first(approximate: Callable[[int], FloatArray], exact: FloatArray, eta: float, largest: int) -> int:
    """The smallest parameter whose approximation is within eta of `exact` everywhere, or `largest` if none is."""
    for parameter in range(largest):
        if np.abs(approximate(parameter) - exact).max() <= eta:
            return parameter
    return largest


def _blocky(schedule: ScaleSchedule, values: FloatArray, eta: float, side: int) -> bool:
    block = block_of(schedule, side)[: len(values)]
    high, low = (
        np.full((block.max() + 1, values.shape[1]), -np.inf),
        np.full((block.max() + 1, values.shape[1]), np.inf),
    )
    np.maximum.at(high, block, values)
    np.minimum.at(low, block, values)
    return bool((high - low).max() <= 2 * eta)


def _later(schedule: ScaleSchedule) -> range:
    return range(1, schedule.n_scales - 1)


def _maps(schedule: ScaleSchedule) -> list[slice]:
    return [schedule.rows_of(scale) for scale in range(schedule.n_scales - 1)]


def _spare(schedule: ScaleSchedule, counts: list[int], one_in: int) -> bool:
    """Whether at most one cell in `one_in` of each map, and at least one, changes."""
    share = Fraction(1, one_in)
    return all(
        count <= most_changes(share, schedule.tokens_at(scale))
        for scale, count in zip(_later(schedule), counts, strict=True)
    )


def _of_keys(schedule: ScaleSchedule, keys: FloatArray, eta: float) -> Found:
    """The number of centers that a greedy choice needs until every key is within eta, times the longest key, of one."""
    radius = eta * float(np.linalg.norm(keys, axis=1).max())
    distance, centres = np.full(len(keys), np.inf), 0
    while float(distance.max()) > radius or not centres:
        centre = int(distance.argmax())
        distance = np.minimum(distance, np.linalg.norm(keys - keys[centre], axis=1))
        centres += 1
        if centres == len(keys):
            break
    return ClustersPrior(schedule, keys.shape[1], centres), centres, len(keys), "centres of keys"


def _of_attention(schedule: ScaleSchedule, d: int, weights: FloatArray, eta: float) -> Iterator[Found]:
    """Priors on the weights of the last map's queries, shape (T_N, n_tokens)."""
    n_cached = schedule.n_tokens_cached
    lost = np.concatenate([[0.0], np.cumsum(weights[:, :n_cached], axis=1).max(axis=0)])
    unseen = int(np.flatnonzero(lost <= eta).max())
    yield (
        TokenWindowPrior(schedule, d, max(1, n_cached - unseen)),
        n_cached - unseen,
        n_cached,
        "last tokens that are seen",
    )
    maps = _maps(schedule)
    n_maps = sum(part.stop > unseen for part in maps)
    yield ScaleWindowPrior(schedule, d, max(1, n_maps)), n_maps, len(maps), "last maps that are seen"
    ordered = np.sort(weights, axis=1)[:, ::-1]
    held = int((np.cumsum(ordered, axis=1) < 1 - eta).sum(axis=1).max()) + 1
    yield SparseAttentionPrior(schedule, d), held, weights.shape[1], "tokens that hold all but the tolerance of any row"
    inside = weights[:, n_cached:].sum(axis=1) + weights[:, : schedule.n_context].sum(axis=1)
    for scale in range(schedule.n_scales - 1):
        inside = inside + weights[np.arange(len(weights)), cells_above(schedule, schedule.n_scales - 1, scale)]
    outside = int(((1 - inside) > eta).sum())
    yield SpatialLocalityPrior(schedule, d), outside, 1, "queries that look beyond the cells above them"
