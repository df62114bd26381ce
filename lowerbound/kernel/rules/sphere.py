"""Uniform points on the sphere, in balls: tails, volumes, and the mean of a capped exponential weight."""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, repeat
from operator import mul

from flint import arb, arb_poly, ctx, fmpq

from lowerbound.errors import Undecided


def tail(t: arb, d: int) -> arb:
    """P(<q, k> > t) for k uniform on the unit sphere of R^d, d >= 2, and a fixed unit q.

    By parts it is (1 - t P(1 - t^2)) / 2 for odd d, and (arccos t - t sqrt(1 - t^2) P(1 - t^2)) / pi for even d. Where
    that loses half of the bits, the incomplete beta function is summed instead, which takes twenty times as long.
    """
    square = 1 - t * t
    total = t * _terms(d, ctx.prec)(square)
    closed = (1 - total) / 2 if d % 2 else (t.acos() - square.sqrt() * total) / arb.pi()
    if 2 * closed.rel_accuracy_bits() > ctx.prec:
        return closed
    half = square.beta_lower(arb(d - 1) / 2, arb(1) / 2, regularized=1) / 2
    if t >= 0 or t < 0:
        return half if t >= 0 else 1 - half
    raise Undecided("the sign of a height")


@lru_cache(maxsize=16)
def _terms(d: int, bits: int) -> arb_poly:
    """P, of degree (d - 3) / 2 rounded down: coefficients C(2k, k) / 4^k for odd d, 4^k (k!)^2 / (2k + 1)! for even."""
    odd, terms = d % 2, [fmpq(1)] * (d > 2)
    for k in range((d - 4 + odd) // 2):
        terms.append(terms[k] * fmpq(2 * k + 2 - odd, 2 * k + 3 - odd))
    return arb_poly([arb(term) for term in terms])


def log_ball_volume(n: int) -> arb:
    """ln of the volume of the unit ball in R^n."""
    return arb(n) / 2 * arb.pi().log() - (arb(n) / 2 + 1).lgamma()


def mean_weight(height: arb, limit: arb, d: int, multiplier: arb, steps: int, reach: arb) -> arb:
    """An upper bound on E min(exp(lambda (x - height)) / limit, 1), x = <q, k> for k uniform on the sphere of R^d.

    The weight is bounded by a step function, by this many steps down to `reach` below the height at which it is 1.
    """
    top = (height + limit.log() / multiplier).mid()
    width = reach / steps
    if not top - steps * width > arb(-9) / 10:
        return arb(1)
    tails = [tail(top - width * k, d) for k in range(steps + 1)]
    first, ratio = (multiplier * (top - height)).exp() / limit, (-multiplier * width).exp()
    weights = list(accumulate(repeat(ratio, steps), mul, initial=first))
    summed = sum(((tails[k + 1] - tails[k]) * weights[k] for k in range(steps)), arb(0))
    return (tails[0] + summed + weights[steps]).abs_upper()
