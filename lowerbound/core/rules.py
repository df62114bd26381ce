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

from lowerbound.errors import invalid

RuleName = Literal["l2norm", "1/sqrt(d)", "0.25/sqrt(d)"]
"""The rules that models use, as the catalogue, traces and claims name them."""

MULTIPLIER_CAP = Fraction(100)
"""The largest multiplier: VAR and Infinity clamp the learned log-multiplier of a head at ln 100."""


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
        from lowerbound.core.rows import unit_rows

        return unit_rows(queries) * self.multiplier

    def directions(self, keys: Any) -> Any:
        """Unit keys."""
        from lowerbound.core.rows import unit_rows

        return unit_rows(keys)

    def logit_bound(self, d: int, query_length: float, key_length: float) -> float:
        """An upper bound on |logit|, which is the multiplier for rows of any norm."""
        return self.multiplier


Rule = Scaled | L2Norm
