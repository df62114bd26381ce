"""The oracle: exact softmax attention, with a derived bound on its own rounding error, and two slower twins.

One head; a query row sees every key row that it is given. Two rules say what a logit is:

* `Scaled(scale)`: logit = scale * <q, k>; `Scaled()` means 1/sqrt(d), as in the paper.
* `L2Norm(multiplier)`: logit = multiplier * <q/|q|, k/|k|>, multiplier <= 100, as in VAR and Infinity.

`attention` is the production path (float64, any array library of the array API, keys streamed in blocks, and NumPy
by the fast path of `streaming` where logits are bounded),
`attention_naive` the same formula in plain Python, `attention_ball` in Arb balls: an enclosure of the true value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import array_api_compat
import numpy as np
from flint import arb

from lowerbound.core.scalars import ball, precision
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.streaming import LARGEST_LOGIT, bounded_attention
from lowerbound.core.threads import blocks
from lowerbound.errors import InvalidArgument, invalid

MULTIPLIER_CAP = Fraction(100)
"""VAR and Infinity clamp the learned multiplier of a head at exp(ln 100)."""

UNIT_ROUNDOFF = Fraction(1, 2**53)
KEYS_PER_BLOCK = 4096
QUERIES_PER_BLOCK = 1024
MASS_QUERIES_PER_BLOCK = 64
ROWS_PER_CHECK = 2**14
WORTH_STREAMING = 2**16
"""Logits from which on the fast path is fast; below, a token of all the weight answers with its very value."""


@dataclass(frozen=True)
class Scaled:
    """logit = scale * <q, k>; `scale=None` means 1/sqrt(d)."""

    scale: float | None = None

    def __post_init__(self) -> None:
        if self.scale is not None and not (math.isfinite(self.scale) and self.scale > 0):
            raise invalid("scale", "be a finite number > 0", self.scale)

    def factor(self, d: int) -> float:
        """The number that multiplies the inner product."""
        return 1 / math.sqrt(d) if self.scale is None else self.scale


@dataclass(frozen=True)
class L2Norm:
    """logit = multiplier * <q/|q|, k/|k|>; a zero row has logit 0 with everything."""

    multiplier: float = float(MULTIPLIER_CAP)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.multiplier) and 0 < self.multiplier <= MULTIPLIER_CAP):
            raise invalid("multiplier", "lie in (0, 100]", self.multiplier, nearest=float(MULTIPLIER_CAP))

    def factor(self, d: int) -> float:
        """The number that multiplies the cosine."""
        return self.multiplier


Rule = Scaled | L2Norm


def _checked(xp: Any, name: str, array: Any, shape: tuple[int | None, ...]) -> Any:
    if array.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        wanted = "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"
        raise InvalidArgument(f"{name} must have shape {wanted}, got {tuple(array.shape)}")
    if array.dtype != xp.float64:
        raise InvalidArgument(f"{name} must be float64, got {array.dtype}")
    if not all(bool(xp.all(xp.isfinite(array[rows, ...]))) for rows in blocks(array.shape[0], ROWS_PER_CHECK)):
        raise InvalidArgument(f"{name} must be finite, got NaN or infinity")
    return array


def check_question(queries: Any, keys: Any, values: Any) -> None:
    """Raise InvalidArgument unless queries (m, d), keys (t, d) and values (t, h), t >= 1, are finite float64."""
    xp = array_api_compat.array_namespace(queries, keys, values)
    _checked(xp, "queries", queries, (None, None))
    _checked(xp, "keys", keys, (None, queries.shape[1]))
    _checked(xp, "values", values, (keys.shape[0], None))
    if keys.shape[0] == 0:
        raise InvalidArgument("keys must have at least one row, got none: attention over nothing is undefined")


def unit_rows(rows: Any) -> Any:
    """Rows divided by their norms; a zero row stays zero."""
    xp = array_api_compat.array_namespace(rows)
    norms = xp.sqrt(xp.sum(rows * rows, axis=-1, keepdims=True))
    return rows / xp.where(norms > 0, norms, xp.ones_like(norms))


def attention(queries: Any, keys: Any, values: Any, *, rule: Rule, keys_per_block: int = KEYS_PER_BLOCK) -> Any:
    """Softmax attention of every query over all the keys.

    Contract: for finite float64 arrays of the stated shapes, returns the exact outputs up to
    `rounding_bound(...)` in every entry; other shapes, dtypes, NaN or infinity raise InvalidArgument.
    Paper: Definition of Attn [arXiv:2503.14881]. Differs: the scale is explicit in `rule`.

    Parameters
    ----------
    queries : array, shape (m, d)
    keys : array, shape (t, d), t >= 1
    values : array, shape (t, h)
    rule : Scaled or L2Norm
    keys_per_block : int
        Keys held as logits at once where peaks are needed; memory beyond the output is
        O(1024 * (keys_per_block + d + h)), and that of `bounded_attention` elsewhere.

    Returns
    -------
    outputs : array, shape (m, h), of the same array library

    Notes
    -----
    No m x t matrix is formed. Cost O(m t (d + h)).
    """
    check_question(queries, keys, values)
    is_large = queries.shape[0] * keys.shape[0] >= WORTH_STREAMING
    if not is_large or logit_bound(queries, keys, rule) > LARGEST_LOGIT:
        return attention_by_peaks(queries, keys, values, rule=rule, keys_per_block=keys_per_block)
    if isinstance(queries, np.ndarray):
        return _bounded(queries, keys, values, rule)
    return _by_blocks(_attend_bounded_block, queries, keys, values, rule, keys_per_block)


def attention_by_peaks(queries: Any, keys: Any, values: Any, *, rule: Rule, keys_per_block: int) -> Any:
    """What `attention` computes where logits have no bound, or arrays are not NumPy's: weights relative to a peak.

    Running maximum m, sum of weights and sum of weighted values are carried over blocks and rescaled by
    exp(m_old - m_new): no m x t matrix is formed.
    """
    return _by_blocks(_attend_block, queries, keys, values, rule, keys_per_block)


def _by_blocks(attend: Any, queries: Any, keys: Any, values: Any, rule: Rule, keys_per_block: int) -> Any:
    xp = array_api_compat.array_namespace(queries, keys, values)
    if isinstance(rule, L2Norm):
        queries, keys = unit_rows(queries), unit_rows(keys)
    queries = queries * rule.factor(queries.shape[1])
    parts = [
        attend(xp, queries[rows, :], keys, values, keys_per_block)
        for rows in blocks(queries.shape[0], QUERIES_PER_BLOCK)
    ]
    return xp.concat(parts, axis=0) if parts else _zeros(values, 0, values.shape[1])


def _zeros(like: Any, *shape: int) -> Any:
    """Zeros in the library, and on the device, of another array."""
    xp = array_api_compat.array_namespace(like)
    return xp.zeros(shape, dtype=xp.float64, device=array_api_compat.device(like))


def _bounded(queries: Any, keys: Any, values: Any, rule: Rule) -> Any:
    if isinstance(rule, Scaled):
        scaled = queries * rule.factor(queries.shape[1])
        return bounded_attention(scaled, lambda rows: keys[rows], values, len(keys))
    scaled = unit_rows(queries) * rule.factor(queries.shape[1])
    return bounded_attention(scaled, lambda rows: unit_rows(keys[rows]), values, len(keys))


def logit_bound(queries: Any, keys: Any, rule: Rule) -> float:
    """A bound on the size of every logit, by Cauchy and Schwarz."""
    if isinstance(rule, L2Norm):
        return rule.multiplier
    return 1.01 * rule.factor(queries.shape[1]) * math.sqrt(_longest(queries)) * math.sqrt(_longest(keys))


def _longest(rows: Any) -> float:
    """The largest squared norm of a row."""
    xp = array_api_compat.array_namespace(rows)
    parts = (rows[block, :] for block in blocks(rows.shape[0], ROWS_PER_CHECK))
    return max((float(xp.max(xp.vecdot(part, part))) for part in parts), default=0.0)


def _attend_bounded_block(xp: Any, scaled_queries: Any, keys: Any, values: Any, keys_per_block: int) -> Any:
    weights_sum = _zeros(values, scaled_queries.shape[0], 1)
    weighted_values = _zeros(values, scaled_queries.shape[0], values.shape[1])
    for block in blocks(keys.shape[0], keys_per_block):
        weights = xp.exp(xp.matmul(scaled_queries, xp.permute_dims(keys[block, :], (1, 0))))
        weights_sum = weights_sum + xp.sum(weights, axis=1, keepdims=True)
        weighted_values = weighted_values + xp.matmul(weights, values[block, :])
    return weighted_values / weights_sum


def _attend_block(xp: Any, scaled_queries: Any, keys: Any, values: Any, keys_per_block: int) -> Any:
    n_queries = scaled_queries.shape[0]
    weights_sum, weighted_values = _zeros(values, n_queries, 1), _zeros(values, n_queries, values.shape[1])
    peak = weights_sum - xp.inf
    for block in blocks(keys.shape[0], keys_per_block):
        logits = xp.matmul(scaled_queries, xp.permute_dims(keys[block, :], (1, 0)))
        new_peak = xp.maximum(peak, xp.max(logits, axis=1, keepdims=True))
        weights = xp.exp(logits - new_peak)
        fade = xp.exp(peak - new_peak)
        weights_sum = fade * weights_sum + xp.sum(weights, axis=1, keepdims=True)
        weighted_values = fade * weighted_values + xp.matmul(weights, values[block, :])
        peak = new_peak
    return weighted_values / weights_sum


def attention_logits(queries: Any, keys: Any, *, rule: Rule) -> Any:
    """The logit of every query with every key, shape (m, t)."""
    scaled, along = _scaled(queries, keys, rule)
    return array_api_compat.array_namespace(queries, keys).matmul(scaled, along)


def _scaled(queries: Any, keys: Any, rule: Rule) -> tuple[Any, Any]:
    """(m, d) and (d, t) rows whose product is the logits."""
    if isinstance(rule, L2Norm):
        queries, keys = unit_rows(queries), unit_rows(keys)
    xp = array_api_compat.array_namespace(queries, keys)
    return queries * rule.factor(queries.shape[1]), xp.permute_dims(keys, (1, 0))


def attention_weights(queries: Any, keys: Any, *, rule: Rule) -> Any:
    """Softmax weights, shape (m, t): how much each of m queries attends to each of t keys.

    Contract: rows are the weights that `attention` gives to values, up to rounding; all m t of them are held at once.
    """
    return _softmax(attention_logits(queries, keys, rule=rule))


def _softmax(logits: Any) -> Any:
    xp = array_api_compat.array_namespace(logits)
    weights = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    return weights / xp.sum(weights, axis=1, keepdims=True)


def attention_mass(queries: Any, keys: Any, *, rule: Rule) -> Any:
    """Softmax weight that each key receives, summed over the queries: the score of heavy-hitter caches.

    Contract: entry j is the sum over i of the weight of key j for query i; shape (t,), up to rounding.
    """
    xp = array_api_compat.array_namespace(queries, keys)
    mass = _zeros(keys, keys.shape[0])
    scaled, along = _scaled(queries, keys, rule)
    for rows in blocks(queries.shape[0], MASS_QUERIES_PER_BLOCK):
        mass = mass + xp.sum(_softmax(xp.matmul(scaled[rows, :], along)), axis=0)
    return mass


def block_causal_attention(queries: Any, keys: Any, values: Any, schedule: ScaleSchedule, *, rule: Rule) -> Any:
    """Attention of a whole generation: queries of scale k see all keys of scales 0..k.

    Contract: for arrays with one row a token of `schedule`, row t of the output is `attention` of query t over
    the rows of every scale up to its own; other shapes raise InvalidArgument.

    Parameters
    ----------
    queries, keys : array, shape (schedule.n_tokens, d)
    values : array, shape (schedule.n_tokens, h)

    Returns
    -------
    outputs : array, shape (schedule.n_tokens, h)
    """
    xp = array_api_compat.array_namespace(queries, keys, values)
    for name, array in (("queries", queries), ("keys", keys), ("values", values)):
        _checked(xp, name, array, (schedule.n_tokens, None))
    outputs = []
    for scale in range(schedule.n_scales):
        rows = schedule.rows_of(scale)
        outputs.append(attention(queries[rows, :], keys[: rows.stop, :], values[: rows.stop, :], rule=rule))
    return xp.concat(outputs, axis=0)


def rounding_bound(
    *,
    d: int,
    n_tokens: int,
    max_logit: float,
    max_value: float,
    keys_per_block: int = KEYS_PER_BLOCK,
    unit_roundoff: Fraction = UNIT_ROUNDOFF,
    exponential_roundoffs: int = 4,
) -> float:
    """How far an output entry of `attention` in float64, or in another precision, may lie from its true value.

    Contract: for every input whose true logits are sums of d products with sum of absolute products at most
    `max_logit`, and |values| <= `max_value`, each entry is within the returned bound of the exact one.

    Derivation. With unit roundoff u, a logit (normalise two rows, scale, d products in any order) carries a
    relative error of at most (3d + 20) u on its sum of absolute products; subtracting the peak, which is at most
    2 max_logit away, adds 2 u max_logit. So a weight, computed with an exponential good to 4u, is off by a factor
    within exp(+-e), e = ((3d + 20) + 4) u max_logit + 4u, and each of the b - 1 rescalings adds such an e. Sums of
    n terms in any order add n u. All in all each weight is (1 + a_i) times the true one in the numerator and
    (1 + b_i) in the denominator, |a_i|, |b_i| <= theta = expm1(b e + (n + 2b + 4) u), and a weighted mean moves by
    at most 2 theta / (1 - theta) max_value. Weights under 2^-1022 of the largest vanish: n 2^-1021 max_value.
    Without peaks there are neither shifts nor rescalings, and no weight vanishes: the bound holds the more.
    """
    u = float(unit_roundoff)
    n_blocks = -(-n_tokens // keys_per_block)
    per_weight = (3 * d + 24) * u * max_logit + exponential_roundoffs * u
    theta = math.expm1(n_blocks * per_weight + (n_tokens + 2 * n_blocks + 4) * u)
    if theta >= 0.5:
        return math.inf
    return 1.01 * (2 * theta / (1 - theta) + n_tokens * 2.0**-1021) * max_value


def attention_naive(
    queries: Sequence[Sequence[float]],
    keys: Sequence[Sequence[float]],
    values: Sequence[Sequence[float]],
    *,
    rule: Rule,
) -> list[list[float]]:
    """The same outputs as `attention`, from the formula read aloud: plain Python, no blocks, no shift of logits
    but by their maximum. For tests and for reading."""

    def unit(row: Sequence[float]) -> list[float]:
        norm = math.sqrt(math.fsum(x * x for x in row))
        return [x / norm for x in row] if norm and isinstance(rule, L2Norm) else list(row)

    outputs = []
    for query in map(unit, queries):
        logits = [
            rule.factor(len(query)) * math.fsum(a * b for a, b in zip(query, unit(key), strict=True)) for key in keys
        ]
        weights = [math.exp(logit - max(logits)) for logit in logits]
        total = math.fsum(weights)
        outputs.append(
            [
                math.fsum(w * row[column] for w, row in zip(weights, values, strict=True)) / total
                for column in range(len(values[0]))
            ]
        )
    return outputs


def attention_ball(
    query: Sequence[float],
    keys: Sequence[Sequence[float]],
    values: Sequence[Sequence[float]],
    *,
    rule: Rule,
    precision_bits: int = 128,
) -> list[arb]:
    """An enclosure of the output row of one query; the inputs are taken as the exact binary numbers they are.

    Contract: every returned ball contains the true value of the formula; its width shrinks with the precision.
    """
    with precision(precision_bits):

        def exact(row: Sequence[float]) -> list[arb]:
            return [arb(float(x)) for x in row]

        def unit(row: list[arb]) -> list[arb]:
            if not isinstance(rule, L2Norm) or not any(x != 0 for x in row):
                return row
            norm = sum((x * x for x in row), arb(0)).sqrt()
            return [x / norm for x in row]

        if isinstance(rule, Scaled) and rule.scale is None:
            factor = 1 / arb(len(query)).sqrt()
        else:
            factor = ball(Fraction(rule.factor(len(query))))
        row = unit(exact(query))
        weights = [
            (factor * sum((a * b for a, b in zip(row, unit(exact(key)), strict=True)), arb(0))).exp() for key in keys
        ]
        total = sum(weights, arb(0))
        columns = zip(*(exact(value) for value in values), strict=True)
        return [sum((w * v for w, v in zip(weights, column, strict=True)), arb(0)) / total for column in columns]
