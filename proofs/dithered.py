"""Dithered caches: why their errors average out, and what this leaves to be stored at failure probability delta > 0."""

from __future__ import annotations

from fractions import Fraction

from lowerbound.prove.claims import cover_claim
from lowerbound.prove.expression import Expression, Opaque, variable
from lowerbound.prove.lemma import ByCoq, ByKernel, Cited, Lemma, Use

ON_PAPER = "docs/dithered.md, proved on paper, not machine-checked"

ETA, DELTA, MULTIPLIER, DIMENSION_ROOT = Fraction(1, 1000), Fraction(1, 100), 100, 8
SPACING, STEPS, TILT = Fraction(195, 10**7), 750, 12400
"""VAR-256: keys on a grid of this spacing, values on a grid of spacing 1 / 750."""

HALF = Fraction(1, 2 * STEPS)
VARIANCE = (MULTIPLIER * SPACING) ** 2 / 12
FARTHEST = MULTIPLIER * SPACING * DIMENSION_ROOT / 2
WEIGHT = variable("w")
OTHER = 1 - WEIGHT
READER = Opaque()


def _log_sinhc(y: Expression) -> Expression:
    """ln(sinh(y) / y)."""
    return READER.log((READER.exp(y) - READER.exp(-y)) / (2 * y))


def _noise(square: Expression, growth: Expression) -> Expression:
    """C(square, growth) of docs/dithered.md."""
    return VARIANCE * (TILT**2 * square / 2 + growth) / (1 - 2 * VARIANCE * growth)


def _spare(value_terms: Expression, square: Expression, lead: Expression) -> Expression:
    """s eta - ln(2 / delta) - F(w), given bounds on the terms of F that differ between parts of [0, 1]."""
    farthest = READER.number(FARTHEST)
    curvature = 2 * (READER.exp(farthest) - 1 - farthest) / FARTHEST**2
    one = (TILT * HALF * WEIGHT) ** 2 / 6 + TILT * curvature / 2 * WEIGHT * lead
    zero = (TILT * HALF * OTHER) ** 2 / 6
    used = value_terms + _noise(WEIGHT**2 * square, one) + _noise(OTHER**2 * (WEIGHT + ETA) ** 2, zero)
    return TILT * ETA - READER.log(READER.number(2 / DELTA)) - used


SMALL, LARGE = TILT * HALF * WEIGHT, TILT * HALF * OTHER
LEAD = OTHER - ETA + HALF
PARTS = (
    (Fraction(0), Fraction(1, 8), _spare(SMALL**2 / 6 + _log_sinhc(LARGE), LEAD**2, LEAD)),
    (Fraction(1, 8), Fraction(7, 8), _spare(_log_sinhc(SMALL) + _log_sinhc(LARGE), LEAD**2, LEAD)),
    (Fraction(7, 8), Fraction(1), _spare(_log_sinhc(SMALL) + LARGE**2 / 6, OTHER**2 + ETA**2, OTHER)),
)
"""On the first part ln(sinh(y) / y) <= y^2 / 6 is used for small y, and on the last part also m^2 <= (1 - w)^2 + eta^2
and max(1 - w - eta + u, 0) <= 1 - w, since u <= eta."""

LEMMAS = (
    Lemma(
        id="dither_moments",
        words="A dither of b public bits, uniform on 2^b points that are evenly spaced in an interval of length h "
        "around 0, has E exp(t e) <= exp(t^2 h^2 / 24) for every t: its variance is a proxy for all its exponential "
        "moments. With a dither for each coordinate, the error <q, e> of a logit has |q|^2 h^2 / 12 as its proxy, in "
        "every direction and dimension.",
        range="all b, all finite sets of coordinates; all real t, h and q",
        formula=r"E \, e^{t e} \le e^{t^2 h^2 / 24}, \qquad E \, e^{t \langle q, e \rangle} \le e^{t^2 h^2 |q|^2 / "
        r"24}",
        discharges=(
            ByCoq("dither_moment", ("<= INR (expn 2 b) * exp (t ^ 2 * h ^ 2 / 24)",)),
            ByCoq("dither_logit", ("exp (t ^ 2 * h ^ 2 * dot q q / 24)",)),
        ),
    ),
    Lemma(
        id="dither_condition",
        words="For VAR-256 at eta = 1/1000 and delta = 1/100, with keys on a grid of spacing 195/10^7 and values on a "
        "grid of spacing 1/750, the inequality 2 exp(max F - s eta) <= delta of Proposition U holds at s = 12400.",
        range="w in [0, 1], at d = 64, lambda = 100, eta = 1/1000, delta = 1/100; any number of tokens",
        discharges=tuple(ByKernel("cover", cover_claim(spare, {"w": (low, high)})) for low, high, spare in PARTS),
    ),
    Lemma(
        id="dithered_cache",
        words="Proposition U: a cache stores each unit key on a cubic grid of spacing h, and each value in [0, 1] on a "
        "grid of spacing 2 u <= 2 eta, both shifted for each token by public coins. Where 2 exp(max F - s eta) <= "
        "delta for some s > 0, F a function of one variable that depends on eta, u, s, d and lambda h alone, each "
        "entry of each answer is within eta with probability at least 1 - delta, if tokens and query do not depend on "
        "the coins. The cache needs T (log2 of the points of the grid near the sphere + d log2(1/(2 u) + 1)) bits if "
        "1/(2 u) is an integer.",
        range="all T, d, lambda > 0; all further tokens that are stored exactly; eta in (0, 1/2), delta in (0, 1)",
        formula=r"2 e^{\max F - s \eta} \le \delta \;\Rightarrow\; P(|\hat o - o| > \eta) \le \delta",
        discharges=(Cited(ON_PAPER),),
        uses=(Use("dither_moments"), Use("dither_condition")),
    ),
)
