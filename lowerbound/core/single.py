"""Attention that is read by thresholds: in single precision where that decides, in double where it does not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.attention import (
    WORTH_STREAMING,
    L2Norm,
    Rule,
    attention,
    check_question,
    logit_bound,
    rounding_bound,
    unit_rows,
)
from lowerbound.core.streaming import LARGEST_SINGLE_LOGIT, bounded_attention

FloatArray = NDArray[np.float64]

SINGLE_UNIT_ROUNDOFF = Fraction(1, 2**24)
EXPONENTIAL_ROUNDOFFS = 8
"""NumPy's exponential in float32 is good to 2.52 units in the last place, under 6 unit roundoffs."""

PROBES = 32
WORTH_PROBING = 512
"""Rows that are tried first, where there are so many that it pays."""
WORTH_TRYING = 0.25
"""The share of undecided rows up to which single precision, and double for those, is faster than double for all."""


def single_rounding_bound(*, d: int, n_tokens: int, max_logit: float, max_value: float) -> float:
    """How far an output entry in float32 may lie from its true value, for inputs in float64.

    Derivation. That of `rounding_bound` with u = 2^-24 and an exponential good to 8 u: rows are normalised and scaled
    in float64, so that rounding them to float32 is 2 u of the 3 d + 20 that a logit is allowed. An entry under 2^-126
    may lose 2^-149, which moves a logit by less than d 2^-140 and is far under the one percent to spare. Rounded values
    move the mean by u max_value. Logits of at most 40 leave all weights and their sums normal.
    """
    u = float(SINGLE_UNIT_ROUNDOFF)
    inside = rounding_bound(
        d=d,
        n_tokens=n_tokens,
        max_logit=max_logit,
        max_value=max_value,
        keys_per_block=n_tokens,
        unit_roundoff=SINGLE_UNIT_ROUNDOFF,
        exponential_roundoffs=EXPONENTIAL_ROUNDOFFS,
    )
    return inside + 2 * u * max_value


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
    check_question(queries, keys, values)
    largest = logit_bound(queries, keys, rule)
    if len(queries) * len(keys) < WORTH_STREAMING or largest > LARGEST_SINGLE_LOGIT:
        return _double(queries, keys, values, rule)
    sizes: dict[str, Any] = {"d": keys.shape[1], "n_tokens": len(keys), "max_logit": largest}
    sizes["max_value"] = float(np.abs(values).max())
    margin = 1.01 * (single_rounding_bound(**sizes) + rounding_bound(**sizes))
    is_l2 = isinstance(rule, L2Norm)
    scaled = (unit_rows(queries) if is_l2 else queries) * rule.factor(keys.shape[1])
    across, along, single = (
        np.asarray(rows, dtype=np.float32) for rows in (scaled, unit_rows(keys) if is_l2 else keys, values)
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
