"""The probability that an answer from dithered keys and values errs by more than eta: a bound that Arb decides.

Setting (proved in docs/dithered.md). Softmax weights w_j of all tokens add up to 1. Each stored token has an error
nu_j of its value and an error eps_j of its logit. All are independent. nu_j is uniform on [-u, u], with u <= eta. eps_j
is at most E in size, and E exp(t eps_j) <= exp(t^2 sigma^2 / 2) for all real t. Then, for every tilt s > 0,

    P(|answer - exact| > eta) <= 2 exp(max F(W) - s eta),   0 <= W <= 1,

with x = eta, phi(y) = ln(sinh(y) / y), k = 2 (e^E - 1 - E) / E^2 and

    F(W) = phi(s u W) + phi(s u (1 - W)) + C(W^2 m^2, g) + C((1 - W)^2 (W + x)^2, g'),
    C(a, g) = sigma^2 (s^2 a / 2 + g) / (1 - 2 sigma^2 g),
    m = max(1 - W - x + u, W + x - 1),
    g = s^2 u^2 W^2 / 6 + (s k / 2) W max(1 - W - x + u, 0),   g' = s^2 u^2 (1 - W)^2 / 6,

where both 2 sigma^2 g and 2 sigma^2 g' must be below 1. W is the weight of the tokens of value 1 in the worst case.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

import numpy as np
from flint import arb

from lowerbound.ceiling.lattices import FloatArray
from lowerbound.core.scalars import ball, precision
from lowerbound.errors import invalid

PRECISION_BITS = 128
PIECES = 64
"""[0, 1] is cut into so many intervals first; an interval that is not decided is halved."""
FINEST = Fraction(1, 2**26)


@dataclass(frozen=True)
class DitherBound:
    """The bound above, for one error and one noise.

    Contract: `holds(delta)` is True only if an answer errs by more than eta with probability at most delta.

    Parameters
    ----------
    eta : Fraction in (0, 1/2)
    half_width : Fraction in (0, eta]
        u, the largest error of a value.
    variance : Fraction > 0
        sigma^2, the proxy variance of the error of a logit.
    farthest_squared : Fraction > 0
        E^2.
    tilt : Fraction > 0
        s.
    """

    eta: Fraction
    half_width: Fraction
    variance: Fraction
    farthest_squared: Fraction
    tilt: Fraction

    def __post_init__(self) -> None:
        if not 0 < self.half_width <= self.eta < Fraction(1, 2):
            raise invalid("half_width", "lie in (0, eta], with eta below 1/2", (self.half_width, self.eta))
        if min(self.variance, self.farthest_squared, self.tilt) <= 0:
            raise invalid("variance, farthest_squared and tilt", "be > 0", (self.variance, self.farthest_squared))

    def holds(self, failure_prob: Fraction) -> bool:
        """Whether 2 exp(max F - s eta) <= failure_prob is certain; False also if it is not decided."""
        with precision(PRECISION_BITS):
            allowed = ball(self.tilt * self.eta) + ball(failure_prob / 2).log()
            cuts = [Fraction(k, PIECES) for k in range(PIECES + 1)]
            open_ = list(pairwise(cuts))
            while open_:
                low, high = open_.pop()
                if self.exponent(low, high) <= allowed:
                    continue
                middle = (low + high) / 2
                if high - low <= FINEST or not self.exponent(middle, middle) <= allowed:
                    return False
                open_ += [(low, middle), (middle, high)]
            return True

    def exponent(self, low: Fraction, high: Fraction) -> arb:
        """A ball whose lower end is at least F(W) for low <= W <= high, or a ball that is not finite.

        Contract: at low = high, a ball around F(low). Each factor is taken at the end where it is larger.
        """
        s, u, x = self.tilt, self.half_width, self.eta
        lead = max(1 - low - x + u, Fraction(0))
        one = self._noise((high * max(lead, high + x - 1)) ** 2, (s * u * high) ** 2 / 6, high * lead)
        zero = self._noise(((1 - low) * (high + x)) ** 2, (s * u * (1 - low)) ** 2 / 6, Fraction(0))
        return _log_sinhc(s * u * high) + _log_sinhc(s * u * (1 - low)) + one + zero

    @cached_property
    def _curvature(self) -> arb:
        """k, for which e^y <= 1 + y + k y^2 / 2 if |y| <= E."""
        farthest = ball(self.farthest_squared).sqrt()
        return 2 * (farthest.exp() - 1 - farthest) / ball(self.farthest_squared)

    def _noise(self, square: Fraction, spread: Fraction, lead: Fraction) -> arb:
        """C(square, spread + (s k / 2) lead); not finite unless 2 sigma^2 times the second argument is below 1."""
        growth = ball(spread) + self._curvature * ball(self.tilt * lead / 2)
        left = 1 - 2 * ball(self.variance) * growth
        if not left > 0:
            return arb.nan()
        return ball(self.variance) * (ball(self.tilt**2 * square / 2) + growth) / left


def _log_sinhc(y: Fraction) -> arb:
    """phi(y) = ln(sinh(y) / y) for y >= 0."""
    return (ball(y).sinh() / ball(y)).log() if y else arb(0)


def roughly(
    tilts: FloatArray, weights: FloatArray, *, eta: float, half_width: float, deviation: float, farthest: float
) -> FloatArray:
    """max F over `weights` for each tilt, in floats: for search alone; infinite where F is not defined."""
    s, w = tilts[:, None], weights[None, :]
    k = 2 * (np.expm1(farthest) - farthest) / farthest**2 if farthest > 1e-4 else 1.0
    lead, variance = np.maximum(1 - w - eta + half_width, 0), deviation**2
    g_one = (s * half_width * w) ** 2 / 6 + s * k / 2 * w * lead
    g_zero = (s * half_width * (1 - w)) ** 2 / 6
    left_one, left_zero = 1 - 2 * variance * g_one, 1 - 2 * variance * g_zero
    one = (s * w * np.maximum(lead, w + eta - 1)) ** 2 / 2 + g_one
    zero = (s * (1 - w) * (w + eta)) ** 2 / 2 + g_zero
    y = np.maximum(np.stack([s * half_width * w, s * half_width * (1 - w)]), 1e-6)
    smooth = (y - np.log(2 * y) + np.log(-np.expm1(-2 * y))).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = smooth + variance * (one / left_one + zero / left_zero)
    worst: FloatArray = np.where((left_one > 0) & (left_zero > 0), found, np.inf).max(axis=1)
    return worst
