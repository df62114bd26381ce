"""Attention whose outputs are only compared with thresholds: float32 where that is enough, float64 elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.oracle.attention import WORTH_BLOCKS, attention, check_question
from lowerbound.core.oracle.bounded import LARGEST_SINGLE_LOGIT, bounded_attention
from lowerbound.core.oracle.rounding import rounding_bound, single_rounding_bound
from lowerbound.core.rules import Rule

FloatArray = NDArray[np.float64]

PROBES = 32
WORTH_PROBING = 512
"""With at least WORTH_PROBING queries, about PROBES of them are tried in float32 before all are."""
LEAST_SINGLE_VALUE, LARGEST_SINGLE_SUM = 1e-10, 1e20
"""Bounds on |value| and on t |value| within which products with weights in [exp(-40), exp(40)], and sums of t of them,
are normal float32 numbers."""
WORTH_TRYING = 0.25
"""The largest fraction of rows that may need float64 for the float32 attempt to be faster than float64 for all rows."""


def deciding_attention(
    queries: FloatArray, keys: FloatArray, values: FloatArray, *, rule: Rule, thresholds: FloatArray
) -> FloatArray:
    """Softmax attention, exact enough to decide on which side of each threshold an output lies.

    Contract: every entry lies on the same side of every threshold as the entry of `attention` for the same arguments,
    unless both were computed in float64 and differ by rounding; arguments that `attention` refuses raise
    InvalidArgument. A row comes from float32 if logits are small and each of its entries is farther from every
    threshold than the two rounding bounds together. The other rows come from float64.

    Parameters
    ----------
    queries, keys, values : as in `attention`
    thresholds : array, shape (L - 1,), increasing
    """
    *lengths, _ = check_question(queries, keys, values)
    largest = rule.logit_bound(keys.shape[1], *lengths)
    if len(queries) * len(keys) < WORTH_BLOCKS or largest > LARGEST_SINGLE_LOGIT:
        return _double(queries, keys, values, rule)
    sizes: dict[str, Any] = {"d": keys.shape[1], "n_tokens": len(keys), "max_logit": largest}
    sizes["max_value"] = float(np.abs(values).max(initial=0.0))
    if not LEAST_SINGLE_VALUE <= sizes["max_value"] <= LARGEST_SINGLE_SUM / len(keys):
        return _double(queries, keys, values, rule)
    margin = 1.01 * (single_rounding_bound(**sizes) + rounding_bound(**sizes))
    across, along, single = (
        np.asarray(rows, dtype=np.float32) for rows in (rule.scaled(queries), rule.directions(keys), values)
    )

    def asked(rows: NDArray[np.float32]) -> tuple[FloatArray, NDArray[np.bool_]]:
        found = bounded_attention(rows, lambda block: along[block], single, len(keys)).astype(np.float64)
        return found, np.asarray(_is_near(found, thresholds, margin).any(axis=1))

    # Float32 is faster than float64, and most outputs of a played game are far from every threshold, so few rows need
    # float64 as well. Where many would, a small sample of the queries shows it, and float64 computes all rows at once.
    if len(across) >= WORTH_PROBING and asked(across[:: -(-len(across) // PROBES)])[1].mean() > WORTH_TRYING:
        return _double(queries, keys, values, rule)
    found, is_open = asked(across)
    if is_open.any():
        found[is_open] = _double(queries[is_open], keys, values, rule)
    return found


def _is_near(found: FloatArray, thresholds: FloatArray, margin: float) -> NDArray[np.bool_]:
    """Which entries lie within `margin` of a threshold."""
    if len(thresholds) == 1:
        near: NDArray[np.bool_] = np.abs(found - thresholds[0]) <= margin
    else:
        near = np.searchsorted(thresholds, found - margin, side="right") != np.searchsorted(
            thresholds, found + margin, side="right"
        )
    return near


def _double(queries: FloatArray, keys: FloatArray, values: FloatArray, rule: Rule) -> FloatArray:
    outputs: FloatArray = attention(queries, keys, values, rule=rule)
    return outputs
