"""Attention that is read by thresholds: in single precision where that decides, in double where it does not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.oracle.attention import WORTH_STREAMING, attention, check_question
from lowerbound.core.oracle.bounded import LARGEST_SINGLE_LOGIT, bounded_attention
from lowerbound.core.oracle.rounding import rounding_bound, single_rounding_bound
from lowerbound.core.rules import Rule

FloatArray = NDArray[np.float64]

PROBES = 32
WORTH_PROBING = 512
"""Rows that are tried first, where there are so many that it pays."""
LEAST_SINGLE_VALUE, LARGEST_SINGLE_SUM = 1e-10, 1e20
"""With weights exp(+-40), products with such values are normal numbers of float32, and so are their sums."""
WORTH_TRYING = 0.25
"""The share of undecided rows up to which single precision, and double for those, is faster than double for all."""


def deciding_attention(
    queries: FloatArray, keys: FloatArray, values: FloatArray, *, rule: Rule, thresholds: FloatArray
) -> FloatArray:
    """Softmax attention, exact enough to be read by thresholds.

    Contract: every entry is on the same side of every threshold as that of `attention` for the same arguments, or is
    in float64 too, and the two lie on both sides by rounding. In float32 where logits are small and every entry of a
    row is farther from every threshold than both rounding bounds together; the other rows in float64, and all of them
    where a few rows tell that many would be.

    Parameters
    ----------
    queries, keys, values : as of `attention`
    thresholds : array, shape (L - 1,), increasing
    """
    *lengths, _ = check_question(queries, keys, values)
    largest = rule.logit_bound(keys.shape[1], *lengths)
    if len(queries) * len(keys) < WORTH_STREAMING or largest > LARGEST_SINGLE_LOGIT:
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

    if len(across) >= WORTH_PROBING and asked(across[:: -(-len(across) // PROBES)])[1].mean() > WORTH_TRYING:
        return _double(queries, keys, values, rule)
    found, is_open = asked(across)
    if is_open.any():
        found[is_open] = _double(queries[is_open], keys, values, rule)
    return found


def _is_near(found: FloatArray, thresholds: FloatArray, margin: float) -> NDArray[np.bool_]:
    """Which entries are within the margin of a threshold."""
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
