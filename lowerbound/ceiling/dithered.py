"""Dithered codes: rounding errors that public coins make uniform and independent, so that they average out.

Public coins draw a point of a cube for each place of the schedule, and another point for the values of that place. A
key is stored as a point of spacing * (Z^d + its own coins), a value as a multiple of 1/n that is shifted by its coins.
The decoder subtracts no shift from an answer: it places stored tokens on the shifted grids. So each error is uniform in
a cube, whatever the token is, and the errors of all tokens and of keys and values are independent. A question that does
not depend on the coins sees their weighted mean (`lowerbound.ceiling.dither_bound`), and needs no bound for the worst
token. Decoded keys are not normalized and decoded values are not clipped.

Values have n + 1 cells: the grid of spacing 1/n has n + 1 points in the half-open interval of length 1 + 1/n that a
value in [0, 1] may be rounded to. The order of tokens is stored, because coins belong to places.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from flint import arb

from lowerbound.ceiling.code import PRECISION_BITS, ROOM, WIDENING_BITS, Achieved, log_points, rounded_below
from lowerbound.ceiling.dither_bound import DitherBound, roughly
from lowerbound.ceiling.lattices import FloatArray, Integers
from lowerbound.ceiling.sequences import SequenceCode
from lowerbound.core.cache import COUNT_BITS
from lowerbound.core.scalars import precision, upper_fraction
from lowerbound.errors import invalid

DITHERED = "dithered"
MARGIN = 1 - 2.0**-13
"""The share of the largest spacing that floats find: what is left makes the proof short. It costs 0.01 bit a token."""
WEIGHTS = np.linspace(0.0, 1.0, 257)
ROUGH_ROUNDS = 12
RATIOS = tuple(Fraction(k, 20) for k in range(21, 60))
"""The values of 2 eta n that are tried, rounded up to whole n. The best one is between 1.2 and 2."""


@dataclass(frozen=True)
class Dithered(Achieved):
    """Keys on a dithered cubic grid, values on dithered grids of spacing 1/n, and tokens in their order.

    Contract: that of `Achieved`, for failure_prob in (0, 1). The constructor proves with Arb that the failure
    probability of `DitherBound` is at most failure_prob, or raises InvalidArgument.

    Parameters
    ----------
    steps : int
        n, so that a value errs by at most 1 / (2 n).
    tilt : Fraction
        The tilt with which the bound is proved.
    """

    steps: int
    tilt: Fraction

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lattice != Integers(self.d):
            raise invalid("lattice", f"be that of {DITHERED} for d = {self.d}", self.lattice)
        if self.code != DITHERED or not 0 < self.failure_prob < 1:
            raise invalid("failure_prob", f"be in (0, 1) for {DITHERED}", self.failure_prob)
        if not _holds(self.bound, self.failure_prob):
            raise invalid(
                "spacing", f"keep the failure probability below {self.failure_prob}", (self.spacing, self.steps)
            )

    @property
    def bound(self) -> DitherBound:
        """The bound on the failure probability, with room for the rounding of floats."""
        move_squared = (self.multiplier * self.spacing * ROOM) ** 2
        half_width = ROOM / (2 * self.steps)
        return DitherBound(self.eta, half_width, move_squared / 12, move_squared * self.d / 4, self.tilt)

    @property
    def n_cells(self) -> int:
        return self.steps + 1

    @property
    def bits(self) -> int:
        """T log2 N, rounded up: one number for the words of all tokens."""
        with precision(PRECISION_BITS):
            return math.ceil(upper_fraction(self.n_tokens * arb(self.n_words).log() / arb(2).log()))

    @property
    def played_bits(self) -> int:
        return COUNT_BITS + WIDENING_BITS + SequenceCode(self.n_tokens, self.n_words).bits

    @classmethod
    def fit(cls, n_tokens: int, d: int, *, multiplier: Fraction, eta: Fraction, failure_prob: Fraction) -> Dithered:
        """The cheapest of the numbers of cells that are tried, with the largest spacing that is proved for it.

        Contract: a `Dithered` for these arguments; a failure_prob outside (0, 1) raises InvalidArgument.
        """
        if not 0 < failure_prob < 1:
            nearest = "99/100" if failure_prob >= 1 else "1/1000000, or a code without coins"
            rule = f"be in (0, 1) for {DITHERED} keys, whose errors are random"
            raise invalid("failure_prob", rule, str(failure_prob), nearest=nearest)
        steps, deviation, tilt = _search(d, multiplier, eta, failure_prob)
        spacing = rounded_below(MARGIN * math.sqrt(12) * deviation / float(multiplier))
        terms = n_tokens, d, multiplier, eta, failure_prob, Integers(d), spacing
        return cls(DITHERED, *terms, steps, rounded_below(tilt))


@lru_cache(maxsize=1024)
def _holds(bound: DitherBound, failure_prob: Fraction) -> bool:
    return bound.holds(failure_prob)


@lru_cache(maxsize=256)
def _search(d: int, multiplier: Fraction, eta: Fraction, failure_prob: Fraction) -> tuple[int, float, float]:
    """(n, sigma, s) with the fewest bits, in floats: what they prove is decided elsewhere."""
    logarithm = math.log(2 / failure_prob)
    rough_tilts = np.geomspace(1, 8, 24) * logarithm / float(eta)

    def fits(n: int, deviation: float, tilts: FloatArray) -> float | None:
        """A tilt at which the bound holds, if some does."""
        found = roughly(
            tilts,
            WEIGHTS,
            eta=float(eta),
            half_width=1 / (2 * n),
            deviation=deviation,
            farthest=math.sqrt(3 * d) * deviation,
        )
        spare = tilts * float(eta) - logarithm - found
        best = int(spare.argmax())
        return float(tilts[best]) if spare[best] >= 0 else None

    def largest(n: int, tilts: FloatArray, rounds: int) -> tuple[float, float]:
        """(sigma, s): the largest deviation for n steps, by bisection."""
        low, high, tilt = 0.0, 4 * float(eta), float(tilts[0])
        for _ in range(rounds):
            middle = (low + high) / 2
            found = fits(n, middle, tilts)
            if found is None:
                high = middle
            else:
                low, tilt = middle, found
        return low, tilt

    def rough_bits(n: int) -> float:
        deviation, _ = largest(n, rough_tilts, ROUGH_ROUNDS)
        if not deviation:
            return math.inf
        spacing = math.sqrt(12) * deviation / float(multiplier)
        return d * math.log2(n + 1) + log_points(d, spacing * math.sqrt(d), spacing) / math.log(2)

    counts = sorted({math.ceil(ratio / (2 * eta)) for ratio in RATIOS})
    n = min(counts, key=rough_bits)
    _, near = largest(n, rough_tilts, ROUGH_ROUNDS)
    return n, *largest(n, near * np.linspace(0.93, 1.07, 57), 40)
