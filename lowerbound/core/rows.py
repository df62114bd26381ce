"""Rows of vectors, in any array library: their directions and their largest norm, whatever the size of the entries."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lowerbound.core.arrays import is_tensor, namespace
from lowerbound.core.threads import blocks

ROWS_PER_BLOCK = 2**14
LEAST_SQUARE = 2.0**-900
"""If a sum of squares is smaller than this, its terms may have lost digits or underflowed to 0."""


def unit_rows(rows: Any) -> Any:
    """Rows divided by their Euclidean norms; a zero row stays zero."""
    # A row whose squares overflow or underflow is first divided by its largest entry, so that every finite row works.
    xp = namespace(rows)
    squares = _squares(xp, rows)
    fits = (squares >= LEAST_SQUARE) & (squares < math.inf)
    if rows.shape[-1] and not bool(xp.all(fits)):
        peaks = xp.max(xp.abs(rows), axis=-1, keepdims=True)
        rows = rows / xp.where(fits | (peaks == 0), xp.ones_like(peaks), peaks)
        squares = _squares(xp, rows)
    return rows / xp.where(squares > 0, xp.sqrt(squares), xp.ones_like(squares))


def _squares(xp: Any, rows: Any) -> Any:
    with np.errstate(over="ignore"):
        return xp.sum(rows * rows, axis=-1, keepdims=True)


def longest(rows: Any) -> float:
    """The largest Euclidean norm of a row, but at least 2^-450; infinity if a squared norm overflows or is NaN."""
    xp = namespace(rows)
    rows = rows.detach() if is_tensor(rows) else rows  # a bound has no gradient
    square = LEAST_SQUARE
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks(rows.shape[0], ROWS_PER_BLOCK):
            part = rows[block, :]
            largest = float(xp.max(xp.matmul(part[:, None, :], part[:, :, None])))
            square = max(square, largest) if largest < math.inf else math.inf
    return math.sqrt(square)
