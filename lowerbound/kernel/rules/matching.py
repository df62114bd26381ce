"""What Theorems D and E share: two instances that share a state have matching keys, each key close to its partner.

Keys are independent and uniform on the sphere. Two instances that share a state are indistinguishable: no admissible
query makes their outputs differ by more than 2 eta. Value coordinate 0 is the constant 1. With T_N >= 1 copies of one
reference token, the output there is sigma(F(q) - z), where F(q) = ln sum_j exp(lambda <q, k_j>) and z is any number
that the reference can reach. So F >= a implies F' >= a - s, s = 4 atanh(2 eta), where a - s / 2 is in reach. It is not
too high, as each a is the logit of a key, at most lambda. Hence every key of one instance has a key of the other next
to it, and tilting the query by theta_0 bounds their angle.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flint import arb, ctx

from lowerbound.kernel.codec import Rejected, rational, typed
from lowerbound.kernel.rules.floor import FloorClaim, ball, require
from lowerbound.kernel.rules.sphere import mean_weight, tail

LONGEST_CHAIN = 256
MOST_WORK = 96 * 192 * 128**2
"""Tilts, times bits, times the square of the dimension: the tails of a tilt cost about as much."""
STEPS, REACH = 120, 6
"""Of the bound on what other keys weigh; the steps go down by so many tenths of the radius."""
LOWEST_READ = 10
"""A read puts the logit of its reference less than this below the logit of the key that is read."""


@dataclass(frozen=True)
class Matching:
    """Balls that hold for any two coherent instances with one state.

    `apart` is the least angle between two keys of an instance, and `near` the largest angle between matched keys.
    `gap` = s + ln(1 + tau) is the largest change of a logit at an open tilt, and `limit` the leak up to which a tilt is
    open for every instance that matches a given one. `blur` bounds the error of a value that is read. `good` is a lower
    bound on the probability of the instances that count, and `slack` the factor A of Markov's inequality.
    """

    apart: arb
    near: arb
    gap: arb
    limit: arb
    blur: arb
    good: arb
    slack: arb
    chain: tuple[arb, ...]

    def radius(self, tilt: arb, multiplier: arb) -> arb:
        """How far apart two matched keys may lie in a direction in which this tilt is open; it must be steep enough."""
        steepness = tilt.sin() - tilt.cos() * self.near.tan()
        require(arb(0), steepness, "a tilt is steep enough: sin(theta) > cos(theta) tan(a)")
        return self.gap / (multiplier * steepness)

    def closed(self, tilt: arb, floor: FloorClaim) -> arb:
        """An upper bound on the probability that a tilt is closed to both signs of the query, on coherent instances."""
        n, multiplier = floor.n_tokens - 1, ball(floor.multiplier)
        apart = n * mean_weight(tilt.cos(), self.limit, floor.d, multiplier, STEPS, arb(REACH) / 10)
        same = n * (-2 * multiplier * tilt.cos() * (1 - self.apart.cos())).exp() / self.limit**2
        return apart**2 + same


def leak(tilt: arb, apart: arb, floor: FloorClaim) -> arb:
    """The most that a coherent instance's other keys weigh, relative to the key from which the query is tilted."""
    multiplier = ball(floor.multiplier)
    return (floor.n_tokens - 1) * (multiplier * ((apart - tilt).cos() - tilt.cos())).exp()


def nearest(n: int, mu: arb, spread: arb, multiplier: arb) -> arb:
    """A cosine that one of n keys has with a key: those below the edge weigh less than half, and few are above it."""
    coarse = 1 - (spread + arb(n).log()) / multiplier
    edge = coarse - arb(2).log() / multiplier
    few = (1 - mu) / (edge**2 - mu) if edge > 0 and mu < edge**2 else arb(n)
    return coarse.max(1 - (spread + (2 * few).log()) / multiplier)


def read_chain(value: Any) -> tuple[arb, ...]:
    """The tilts of a chain, in radians: positive, increasing, and below 9 pi / 20; raises Rejected otherwise."""
    if not 1 <= len(typed(value, list, "the chain")) <= LONGEST_CHAIN:
        raise Rejected(f"a chain must have 1 to {LONGEST_CHAIN} tilts, got {len(value)}")
    tilts = [rational(each, "a tilt") for each in value]
    if tilts[0] <= 0 or any(low >= high for low, high in pairwise(tilts)):
        raise Rejected("the tilts of a chain must be positive and increase")
    require(ball(tilts[-1]), arb.pi() * 9 / 20, "the tilts of a chain are below 9 pi / 20")
    return tuple(ball(tilt) for tilt in tilts)


def match(floor: FloorClaim, coherence: Any, slack: Any, tau: Any, first_tilt: arb, chain: tuple[arb, ...]) -> Matching:
    """The matching of instances with coherence <= mu_0, or Rejected: every step is an inequality between balls.

    Contract: with s = 4 atanh(2 eta), psi = arccos mu_0, T tokens and multiplier lambda,
    (1) a key of one instance has exactly one key of the other within the angle a_1, and this is a bijection;
    (2) at tilt theta_0 the leak is at most tau, so that matched keys are within a_2 = near of each other, 3 a_2 < psi;
    (3) the reference reaches down to every logit that is asked for;
    (4) instances that are coherent and stay under A times a mean have probability at least `good` > 0.
    """
    limit_cosine, factor, share = rational(coherence, "mu_0"), rational(slack, "A"), rational(tau, "tau")
    if floor.guarantee != "additive" or floor.delta != 0 or not 0 < 2 * floor.eta < 1:
        raise Rejected(f"theorem {floor.theorem} speaks of an additive error in (0, 1/2) at delta = 0")
    if floor.d < 3:
        raise Rejected(f"theorem {floor.theorem} speaks of keys in R^d with d >= 3, got d = {floor.d}")
    if not (0 < limit_cosine < 1 and factor > 1 and 0 < share < 1):
        raise Rejected("mu_0 and tau must lie in (0, 1), and A must be > 1")
    if len(chain) * max(ctx.prec, 192) * max(floor.d, 128) ** 2 > MOST_WORK:
        raise Rejected(f"{len(chain)} tilts at {ctx.prec} bits in R^{floor.d} exceed the limit of work")
    n, d, multiplier = floor.n_tokens, floor.d, ball(floor.multiplier)
    spread, mu, small = 4 * (2 * ball(floor.eta)).atanh(), ball(limit_cosine), ball(share)
    apart, zero = mu.acos(), arb(0)
    good = 1 - arb(n) * (n - 1) / 2 * tail(mu, d) - 1 / ball(factor)
    require(zero, good, "coherent instances are likely")
    coarse = nearest(n, mu, spread, multiplier)
    require(zero, coarse, "(s + ln T) / lambda < 1")
    rest = apart - coarse.acos()
    require(zero, rest, "the coarse angle is below arccos mu_0")
    share_left = 1 - n * (spread - multiplier * (1 - rest.cos())).exp()
    require(zero, share_left, "other keys do not make up for a missing one")
    first = (1 - (spread - share_left.log()) / multiplier).acos()
    require(2 * first, apart, "matched keys are a bijection: 2 a_1 < arccos mu_0")
    require(first, first_tilt, "a_1 < theta_0")
    require(first_tilt, apart, "theta_0 < arccos mu_0")
    require(leak(first_tilt, apart, floor), small, "the leak at theta_0 is below tau")
    gap = spread + (1 + small).log()
    require(first_tilt.cos() + gap / multiplier, arb(1), "cos(theta_0) + (s + ln(1 + tau)) / lambda < 1")
    near = first_tilt - (first_tilt.cos() + gap / multiplier).acos()
    require(zero, near, "a_2 > 0")
    require(3 * near, apart, "3 a_2 < arccos mu_0")
    own = arb(floor.n_own).log()
    lowest = multiplier * (1 + chain[-1].cos() - near)
    require(own + spread / 2 + LOWEST_READ, lowest, "the reference reaches down to every logit that is asked for")
    blur = n * (-multiplier * (near.cos() - (apart - near).cos())).exp()
    blur += floor.n_own * (-multiplier * (1 + near.cos())).exp()
    limit = small * (-2 * multiplier * near).exp()
    return Matching(apart, near, gap, limit, blur, good, ball(factor), chain)
