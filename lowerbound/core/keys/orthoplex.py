"""The cross-polytope: the 2d keys +-e_i, whose one-sided coherence 0 is the smallest that 2d vectors can have."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.core.keys.family import IntRows, KeyFamily, with_negatives


class Orthoplex(KeyFamily):
    """The standard basis of R^d and its negatives, with one-sided coherence at most 0."""

    name: ClassVar[str] = "orthoplex"
    source: ClassVar[str] = "Rankin 1955"

    def capacity(self, d: int) -> int:
        return 2 * d

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        return Fraction(0)

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        return with_negatives(np.eye(d, dtype=np.int64), n)
