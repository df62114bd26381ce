"""Uniform points on the sphere, in balls: tails, caps, volumes, and the mean of a capped exponential weight."""

from __future__ import annotations

from functools import lru_cache

from flint import arb, arb_poly, ctx, fmpq

from lowerbound.errors import Undecided

STEPS = 120
REACH = 6
"""How far down the steps go, in tenths of the radius; everything lower is given the weight of the last step."""


def tail(t: arb, d: int) -> arb:
    """P(<q, k> > t) for k uniform on the unit sphere of R^d and a fixed unit q.

    The density is proportional to (1 - x^2)^((d-3)/2), and integrating by parts from d to d + 2 adds one term to
    (1 - t P(1 - t^2)) / 2 for odd d, and to (arccos t - t sqrt(1 - t^2) P(1 - t^2)) / pi for even d. Where little is
    left of that difference, the incomplete beta function is summed instead, which takes twenty times as long.
    """
    square = 1 - t * t
    sum_ = t * _terms(d, ctx.prec)(square)
    closed = (1 - sum_) / 2 if d % 2 else (t.acos() - square.sqrt() * sum_) / arb.pi()
    return closed if 2 * closed.rel_accuracy_bits() > ctx.prec else _series(t, d)


@lru_cache(maxsize=16)
def _terms(d: int, bits: int) -> arb_poly:
    """P: coefficient k is C(2k, k) / 4^k for odd d, and 4^k (k!)^2 / (2k + 1)! for even d, up to (d - 3) / 2."""
    terms = [fmpq(1)]
    for k in range((d - 3) // 2 if d % 2 else (d - 4) // 2):
        terms.append(terms[k] * (fmpq(2 * k + 1, 2 * k + 2) if d % 2 else fmpq(2 * k + 2, 2 * k + 3)))
    return arb_poly([arb(term) for term in terms]) if d > 2 else arb_poly()


def _series(t: arb, d: int) -> arb:
    half = (1 - t * t).beta_lower(arb(d - 1) / 2, arb(1) / 2, regularized=1) / 2
    if t >= 0:
        return half
    if t < 0:
        return 1 - half
    raise Undecided("the sign of a height")


def cap(angle: arb, d: int) -> arb:
    """The probability that a uniform k lies within `angle` of a fixed unit q, for angles up to pi / 2."""
    return (angle.sin() ** 2).beta_lower(arb(d - 1) / 2, arb(1) / 2, regularized=1) / 2


def log_ball_volume(n: int) -> arb:
    """ln of the volume of the unit ball in R^n."""
    return arb(n) / 2 * arb.pi().log() - (arb(n) / 2 + 1).lgamma()


def mean_weight(tilt: arb, limit: arb, d: int, multiplier: arb) -> arb:
    """An upper bound on E min(exp(lambda (x - cos tilt)) / limit, 1), x = <q, k> for k uniform on the sphere of R^d.

    Contract: the result is at least the mean, for every tilt in (0, pi / 2) and 0 < limit < 1. The weight is bounded by
    a step function on heights that go down from the height at which it is 1.
    """
    return mean_weight_at(tilt.cos(), limit, d, multiplier, STEPS, arb(REACH) / 10)


def mean_weight_at(height: arb, limit: arb, d: int, multiplier: arb, steps: int, reach: arb) -> arb:
    """The same relative to any height, by this many steps down to `reach` below the height at which the weight is 1."""
    top = (height + limit.log() / multiplier).mid()
    width = reach / steps
    if not top - steps * width > arb(-9) / 10:
        return arb(1)
    heights = [top - width * k for k in range(steps + 1)]
    tails = [tail(x, d) for x in heights]
    weights = [(multiplier * (x - height)).exp() / limit for x in heights]
    summed = sum(((tails[k + 1] - tails[k]) * weights[k] for k in range(steps)), arb(0))
    return (tails[0] + summed + weights[steps]).abs_upper()
