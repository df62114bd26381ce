"""Grids: the levels that a value may take, and the thresholds by which an answer is decoded to a level.

A grid states the guarantee under which it decodes, and its constructor proves that it does: the interval of answers
that each level allows, in exact rationals, lies strictly between the two thresholds around that level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bounds import GEOMETRIC_RATIO, additive_levels
from lowerbound.core.scalars import plainly
from lowerbound.errors import ImpossibleReduction, invalid

Guarantee = Literal["relative", "additive"]

MOST_LEVELS = 4096
"""The largest number of levels of a grid. Without this limit, eta = 0 without leakage would allow infinitely many."""


def highest_answer(level: Fraction, guarantee: Guarantee, eta: Fraction, leakage: Fraction) -> Fraction:
    """The largest answer that the guarantee allows when the query asks for a token of this level."""
    output = level + leakage
    return output * (1 + eta) if guarantee == "relative" else output + eta


def lowest_answer(level: Fraction, guarantee: Guarantee, eta: Fraction, leakage: Fraction) -> Fraction:
    """The smallest answer that the guarantee allows when the query asks for a token of this level."""
    output = level - leakage
    return output * (1 - eta) if guarantee == "relative" else output - eta


def _middle(below: Fraction, above: Fraction, guarantee: Guarantee, eta: Fraction, leakage: Fraction) -> Fraction:
    if guarantee == "additive":  # both intervals reach as far
        return (below + above) / 2
    promise = guarantee, eta, leakage
    return (highest_answer(below, *promise) + lowest_answer(above, *promise)) / 2


@dataclass(frozen=True)
class Grid:
    """L levels in [0, 1] and the L - 1 thresholds between them.

    Contract: if a cache answers within `eta` (in the sense of `guarantee`) of an exact attention output, and that
    output is within `leakage` of the level, then `decode` returns the level's number; levels and thresholds for which
    this is false raise ImpossibleReduction. `leakage` covers both the weight on other tokens and rounding.
    Paper: Theorem A uses the grid {0, 1}; Theorem B uses longer grids.

    Parameters
    ----------
    levels, thresholds : tuple of Fraction, increasing
    guarantee : "relative" (|o^ - o| <= eta |o|) or "additive" (|o^ - o| <= eta)
    eta, leakage : Fraction in [0, 1)
    """

    levels: tuple[Fraction, ...]
    thresholds: tuple[Fraction, ...]
    guarantee: Guarantee
    eta: Fraction
    leakage: Fraction

    def __post_init__(self) -> None:
        if len(self.levels) < 2 or len(self.thresholds) != len(self.levels) - 1:
            raise invalid("grid", "have at least 2 levels and one threshold between neighbours", self.levels)
        if not all(0 <= level <= 1 for level in self.levels):
            raise invalid("levels", "lie in [0, 1]", self.levels)
        promise = self.guarantee, self.eta, self.leakage
        blur = self.eta + self.leakage
        for (below, above), threshold in zip(pairwise(self.levels), self.thresholds, strict=True):
            if self.guarantee == "additive":
                is_between = min(threshold - below, above - threshold) > blur  # as below, with few long fractions
            else:
                is_between = highest_answer(below, *promise) < threshold < lowest_answer(above, *promise)
            if not is_between:
                raise ImpossibleReduction(
                    f"levels {float(below):.6g} and {float(above):.6g} cannot be told apart with "
                    f"{self.guarantee} eta {plainly(self.eta)} and leakage {plainly(self.leakage)}"
                )

    @classmethod
    def through_middles(
        cls, levels: tuple[Fraction, ...], guarantee: Guarantee, eta: Fraction, leakage: Fraction
    ) -> Grid:
        """The grid with the given levels, whose thresholds are the midpoints between neighboring answer intervals."""
        promise = guarantee, eta, leakage
        middles = tuple(_middle(below, above, *promise) for below, above in pairwise(levels))
        return cls(levels, middles, *promise)

    @classmethod
    def binary(cls, guarantee: Guarantee, eta: Fraction, leakage: Fraction) -> Grid:
        """The grid {0, 1} of Theorem A. Under a relative guarantee it exists if and only if 2 leakage < 1 - eta."""
        return cls.through_middles((Fraction(0), Fraction(1)), guarantee, eta, leakage)

    @classmethod
    def additive(cls, eta: Fraction, leakage: Fraction, n_levels: int | None = None) -> Grid:
        """The uniform grid of Theorem B under an additive guarantee.

        Contract: n_levels = None takes the largest number of levels that decodes, but at most 4096; a number outside
        [2, that maximum] raises ImpossibleReduction.
        """
        most = min(MOST_LEVELS, additive_levels(eta, leakage))
        count = most if n_levels is None else n_levels
        if not 2 <= count <= most:
            raise ImpossibleReduction(
                f"levels must be between 2 and {most} at additive eta {plainly(eta)}, got {count}; "
                f"the nearest possible value is {min(max(count, 2), most) if most >= 2 else 'none'}"
            )
        levels = tuple(Fraction(j, count - 1) for j in range(count))
        return cls.through_middles(levels, "additive", eta, leakage)

    @classmethod
    def geometric(cls, eta: Fraction, leakage: Fraction, smallest: Fraction) -> Grid:
        """The grid of Theorem B under a relative guarantee: levels 1, 1/ratio, 1/ratio^2, ..., all >= smallest.

        The ratio is that of GEOMETRIC_RATIO times 1 + 2^-40, and every level is rounded down to a multiple of 2^-50;
        the constructor then proves that the levels decode. There are at most 4096 levels.
        """
        if not 0 < smallest < 1:
            raise invalid("smallest", "lie strictly between 0 and 1", smallest)
        ratio = GEOMETRIC_RATIO.at_most(eta, leakage, smallest) * (1 + Fraction(1, 2**40))
        levels: list[Fraction] = []
        level = Fraction(1)
        while level >= smallest and len(levels) < MOST_LEVELS:
            levels.append(level)
            level = Fraction(math.floor(level / ratio * 2**50), 2**50)
        return cls.through_middles(tuple(reversed(levels)), "relative", eta, leakage)

    @property
    def n_levels(self) -> int:
        """L, the size of the alphabet."""
        return len(self.levels)

    @cached_property
    def level_array(self) -> NDArray[np.float64]:
        """The levels as floats, shape (L,)."""
        return np.array([float(level) for level in self.levels])

    @cached_property
    def threshold_array(self) -> NDArray[np.float64]:
        """The thresholds as floats, shape (L - 1,)."""
        return np.array([float(threshold) for threshold in self.thresholds])

    def decode(self, outputs: NDArray[np.float64]) -> NDArray[np.int64]:
        """The level number of each output, which is the number of thresholds that the output reaches."""
        if self.n_levels == 2:
            reached: NDArray[np.int64] = (outputs >= self.threshold_array[0]).astype(np.int64)
            return reached
        return np.searchsorted(self.threshold_array, outputs, side="right")
