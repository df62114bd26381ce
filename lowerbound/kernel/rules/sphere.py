"""Uniform points on the sphere, in balls: tails, caps, volumes, and the mean of a capped exponential weight."""

from __future__ import annotations

from flint import arb

from lowerbound.errors import Undecided

STEPS = 120
REACH = 6
"""How far down the steps go, in tenths of the radius; everything lower is given the weight of the last step."""


def tail(t: arb, d: int) -> arb:
    """P(<q, k> > t) for k uniform on the unit sphere of R^d and a fixed unit q."""
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
