"""Attention rules, which define the logit of a query and a key.

* `Scaled(scale)`: logit = scale * <q, k>; `Scaled()` means 1/sqrt(d), as in the paper.
* `L2Norm(multiplier)`: logit = multiplier * <q/|q|, k/|k|>, multiplier <= 100, as in VAR and Infinity.

A rule splits the computation of a logit: it is the inner product of a query after `scaled` with a key after
`directions`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import array_api_compat
import numpy as np

from lowerbound.core.threads import blocks
from lowerbound.errors import invalid

RuleName = Literal["l2norm", "1/sqrt(d)", "0.25/sqrt(d)"]
"""The rules that models use, as the catalogue, traces and claims name them."""

MULTIPLIER_CAP = Fraction(100)
"""The largest multiplier: VAR and Infinity clamp the learned log-multiplier of a head at ln 100."""

ROWS_PER_BLOCK = 2**14
LEAST_SQUARE = 2.0**-900
"""If a sum of squares is smaller than this, its terms may have lost digits or underflowed to 0."""


def unit_rows(rows: Any) -> Any:
    """Rows divided by their Euclidean norms; a zero row stays zero."""
    # A row whose squares overflow or underflow is first divided by its largest entry, so that every finite row works.
    xp = array_api_compat.array_namespace(rows)
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

    def scaled(self, queries: Any) -> Any:
        """Queries times the factor."""
        return queries * self.factor(queries.shape[-1])

    def directions(self, keys: Any) -> Any:
        """The keys as they are."""
        return keys

    def logit_bound(self, d: int, query_length: float, key_length: float) -> float:
        """A Cauchy-Schwarz upper bound on |logit| and on its sum of absolute products, for rows of these norms."""
        return self.factor(d) * query_length * key_length


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

    def scaled(self, queries: Any) -> Any:
        """Unit queries times the multiplier."""
        return unit_rows(queries) * self.multiplier

    def directions(self, keys: Any) -> Any:
        """Unit keys."""
        return unit_rows(keys)

    def logit_bound(self, d: int, query_length: float, key_length: float) -> float:
        """An upper bound on |logit|, which is the multiplier for rows of any norm."""
        return self.multiplier


Rule = Scaled | L2Norm


def longest(rows: Any) -> float:
    """The largest Euclidean norm of a row, but at least 2^-450; infinity if a squared norm overflows or is NaN."""
    xp = array_api_compat.array_namespace(rows)
    rows = rows.detach() if array_api_compat.is_torch_array(rows) else rows  # a bound has no gradient
    square = LEAST_SQUARE
    with np.errstate(over="ignore", invalid="ignore"):
        for block in blocks(rows.shape[0], ROWS_PER_BLOCK):
            part = rows[block, :]
            largest = float(xp.max(xp.matmul(part[:, None, :], part[:, :, None])))
            square = max(square, largest) if largest < math.inf else math.inf
    return math.sqrt(square)
