"""The oracle: softmax attention of one head in float64, where every query attends to every key that it is given.

It runs on every array library that follows the array API, on that library's device, and processes keys in blocks.
Where logits are bounded, NumPy arrays take the fast path of `bounded`, and torch tensors on the CPU that of
`bounded_torch`. `rounding` bounds the distance of computed outputs from exact ones, and `enclosure` encloses the exact
ones.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lowerbound.core.arrays import device_of, namespace
from lowerbound.core.oracle.bounded import LARGEST_LOGIT, BoundedAttention, bounded_attention
from lowerbound.core.oracle.bounded_torch import are_plain_tensors, torch_attention
from lowerbound.core.rows import ROWS_PER_BLOCK, longest
from lowerbound.core.rules import Rule
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.threads import blocks
from lowerbound.errors import InvalidArgument

KEYS_PER_BLOCK = 4096
QUERIES_PER_BLOCK = 1024
MASS_QUERIES_PER_BLOCK = 64
LARGEST_VALUE, SHRUNK = 2.0**500, 2.0**-600
"""Values of norm up to LARGEST_VALUE cannot overflow: a sum of 10^20 of them, each of weight exp(300), is finite.

Larger values are multiplied by SHRUNK first, a power of two, and the outputs are divided by it.
"""
WORTH_BLOCKS = 2**16
"""The number of logits (queries times keys) from which on the fast paths pay off.

With fewer logits, weights are relative to the largest one, so a token that has all the weight is answered by exactly
its value.
"""


def _checked(xp: Any, name: str, array: Any, shape: tuple[int | None, ...]) -> float:
    if array.ndim != len(shape) or any(want not in (None, got) for want, got in zip(shape, array.shape, strict=True)):
        wanted = "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"
        raise InvalidArgument(f"{name} must have shape {wanted}, got {tuple(array.shape)}")
    if array.dtype != xp.float64:
        raise InvalidArgument(f"{name} must be float64, got {array.dtype}")
    length = longest(array)
    if not length < math.inf and not _is_finite(xp, array):  # rows of a finite length have finite entries
        raise InvalidArgument(f"{name} must be finite, got NaN or infinity")
    return length


def _is_finite(xp: Any, array: Any) -> bool:
    return all(bool(xp.all(xp.isfinite(array[rows, :]))) for rows in blocks(array.shape[0], ROWS_PER_BLOCK))


def one_library(**arrays: Any) -> Any:
    """The array library of all these arrays; InvalidArgument if they are of several, or one is no array."""
    try:
        return namespace(*arrays.values())
    except TypeError:
        told = ", ".join(f"{name} of {type(array).__module__.partition('.')[0]}" for name, array in arrays.items())
        raise InvalidArgument(f"{' and '.join(arrays)} must be arrays of one library, got {told}") from None


def check_question(queries: Any, keys: Any, values: Any) -> tuple[float, float, float]:
    """The largest Euclidean norms (of a query, of a key, of a row of values), after checking the arrays.

    Contract: InvalidArgument unless queries (m, d), keys (t, d) and values (t, h), t >= 1, are finite float64.
    """
    xp = one_library(queries=queries, keys=keys, values=values)
    lengths = (
        _checked(xp, "queries", queries, (None, None)),
        _checked(xp, "keys", keys, (None, queries.shape[1])),
        _checked(xp, "values", values, (keys.shape[0], None)),
    )
    if keys.shape[0] == 0:
        raise InvalidArgument("keys must have at least one row, got none: attention over nothing is undefined")
    return lengths


def attention(queries: Any, keys: Any, values: Any, *, rule: Rule, keys_per_block: int = KEYS_PER_BLOCK) -> Any:
    """Softmax attention of every query over all keys.

    Contract: for finite float64 arrays of the stated shapes, returns the exact outputs up to
    `rounding_bound(...)` in every entry; other shapes, dtypes, NaN, infinity or logits too large for float64 raise
    InvalidArgument.
    Paper: Definition of Attn [arXiv:2503.14881]. Differs: the scale is explicit in `rule`.

    Parameters
    ----------
    queries : array, shape (m, d)
    keys : array, shape (t, d), t >= 1
    values : array, shape (t, h)
    rule : Scaled or L2Norm
    keys_per_block : int
        How many keys `attention_by_peaks` takes at once. Its memory beyond the output is
        O(1024 * (keys_per_block + d + h)); the fast paths use the memory that `bounded_attention` states.

    Returns
    -------
    outputs : array, shape (m, h), of the same array library

    Notes
    -----
    No m x t matrix is formed. Cost O(m t (d + h)).
    """
    if are_plain_tensors(queries, keys, values):
        import torch

        # In NumPy's hands from here on: torch's threads spin for a while after every operation, and slow the next one.
        asked, held, kept = (tensor.resolve_neg().numpy() for tensor in (queries, keys, values))
        return torch.from_numpy(_attention(asked, held, kept, rule, keys_per_block, torch_attention))
    return _attention(queries, keys, values, rule, keys_per_block, bounded_attention)


def _attention(queries: Any, keys: Any, values: Any, rule: Rule, keys_per_block: int, fast: BoundedAttention) -> Any:
    *lengths, value_length = check_question(queries, keys, values)
    if value_length > LARGEST_VALUE:
        return _attention(queries, keys, values * SHRUNK, rule, keys_per_block, fast) / SHRUNK
    is_large = queries.shape[0] * keys.shape[0] >= WORTH_BLOCKS
    largest_logit = rule.logit_bound(queries.shape[1], *lengths)
    if largest_logit == math.inf:
        return _attention_of_the_longest(queries, keys, values, rule, keys_per_block)
    if not is_large or largest_logit > LARGEST_LOGIT:
        return attention_by_peaks(queries, keys, values, rule=rule, keys_per_block=keys_per_block)
    if isinstance(queries, np.ndarray):
        return fast(rule.scaled(queries), lambda rows: rule.directions(keys[rows]), values, keys.shape[0])
    return _by_blocks(_attend_bounded_block, queries, keys, values, rule, keys_per_block)


def attention_by_peaks(queries: Any, keys: Any, values: Any, *, rule: Rule, keys_per_block: int) -> Any:
    """The slower path of `attention`, for logits that are unbounded or few: weights are relative to the largest logit.

    For each query, the running maximum m, the sum of weights and the sum of weighted values are carried from block to
    block and rescaled by exp(m_old - m_new). No m x t matrix is formed.
    """
    return _by_blocks(_attend_block, queries, keys, values, rule, keys_per_block)


def _attention_of_the_longest(queries: Any, keys: Any, values: Any, rule: Rule, keys_per_block: int) -> Any:
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = attention_by_peaks(queries, keys, values, rule=rule, keys_per_block=keys_per_block)
    if not _is_finite(namespace(outputs), outputs):
        raise InvalidArgument("queries and keys must have logits under 2^1024 in size, got some that overflow")
    return outputs


def _by_blocks(attend: Any, queries: Any, keys: Any, values: Any, rule: Rule, keys_per_block: int) -> Any:
    xp = one_library(queries=queries, keys=keys, values=values)
    scaled, directions = rule.scaled(queries), rule.directions(keys)
    parts = [
        attend(xp, scaled[rows, :], directions, values, keys_per_block)
        for rows in blocks(queries.shape[0], QUERIES_PER_BLOCK)
    ]
    return xp.concat(parts, axis=0) if parts else _zeros(values, 0, values.shape[1])


def _zeros(like: Any, *shape: int) -> Any:
    """Float64 zeros of this shape, in the array library and on the device of `like`."""
    xp = namespace(like)
    return xp.zeros(shape, dtype=xp.float64, device=device_of(like))


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
    """The logits of all pairs of a query and a key, shape (m, t)."""
    xp = one_library(queries=queries, keys=keys)
    return xp.matmul(rule.scaled(queries), xp.permute_dims(rule.directions(keys), (1, 0)))


def attention_weights(queries: Any, keys: Any, *, rule: Rule) -> Any:
    """Softmax weights, shape (m, t): how much each of m queries attends to each of t keys.

    Contract: row i holds the weights that `attention` gives to the values for query i, up to rounding. Memory is
    O(m t), because the whole matrix is returned.
    """
    return _softmax(attention_logits(queries, keys, rule=rule))


def _softmax(logits: Any) -> Any:
    xp = namespace(logits)
    weights = xp.exp(logits - xp.max(logits, axis=1, keepdims=True))
    return weights / xp.sum(weights, axis=1, keepdims=True)


def attention_mass(queries: Any, keys: Any, *, rule: Rule) -> Any:
    """The softmax weight of each key, summed over all queries: the score that heavy-hitter eviction uses.

    Contract: entry j is the sum over i of the weight of key j for query i; shape (t,), up to rounding.
    """
    xp = one_library(queries=queries, keys=keys)
    mass = _zeros(keys, keys.shape[0])
    scaled, along = rule.scaled(queries), xp.permute_dims(rule.directions(keys), (1, 0))
    for rows in blocks(queries.shape[0], MASS_QUERIES_PER_BLOCK):
        mass = mass + xp.sum(_softmax(xp.matmul(scaled[rows, :], along)), axis=0)
    return mass


def block_causal_attention(queries: Any, keys: Any, values: Any, schedule: ScaleSchedule, *, rule: Rule) -> Any:
    """Attention of a whole generation, where queries of scale k attend to all keys of scales 0..k.

    Contract: for arrays with one row per token of `schedule`, row t of the output is `attention` of query t over
    the rows of every scale up to its own; other shapes raise InvalidArgument.

    Parameters
    ----------
    queries, keys : array, shape (schedule.n_tokens, d)
    values : array, shape (schedule.n_tokens, h)

    Returns
    -------
    outputs : array, shape (schedule.n_tokens, h)
    """
    xp = one_library(queries=queries, keys=keys, values=values)
    for name, array in (("queries", queries), ("keys", keys), ("values", values)):
        _checked(xp, name, array, (schedule.n_tokens, None))
    outputs = []
    for scale in range(schedule.n_scales):
        rows = schedule.rows_of(scale)
        outputs.append(attention(queries[rows, :], keys[: rows.stop, :], values[: rows.stop, :], rule=rule))
    return xp.concat(outputs, axis=0)
