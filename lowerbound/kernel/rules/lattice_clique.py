"""Theorem E1: keys over a lattice and values on a grid; the instances that share a state are counted by integers."""

from __future__ import annotations

from typing import Any

from flint import arb

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown
from lowerbound.kernel.rules.floor import ball, compared, read_floor, require, working_precision
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"E1": ("clique_lattice",)}
MOST_STEPS = 2**64
MOST_PARTS = 2**32
MOST_LEVELS = 2**20
LARGEST_SHRINK = 2**20
"""Its power d - 1 is an exact integer, of less than 86,000 bits for the largest d of a claim."""


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the cliques of lattice keys and grid values are as small as claimed.

    Contract: keys are the unit vectors over the integer points of a ball of `steps` = M lattice steps in R^(d-1), any T
    of them with cosines at most mu; values are a constant 1 and d - 1 channels on a grid of L = `levels` levels. With
    s = 2 ln((1 + 2 eta) / (1 - 2 eta)), turn(x, y) = xy + sqrt(1 - x^2) sqrt(1 - y^2), lambda the multiplier and C =
    `tilt` the cosine of the tilted read, VERIFIED only if
    (1) each key of an instance has exactly one key of cosine >= c1 in every instance with the same state;
    (2) the tilted read brings the two to cosine >= c2 = turn(C, C + (s + ln(1 + tau)) / lambda), with every logit that
        is asked for within the reference's reach;
    (3) the keys of a clique lie within 1/m of each other, so that the ball has at least (2 m)^(d-1) times as many;
    (4) members of a clique have equal values: 2 (eta + clean) (L - 1) < 1;
    (5) the ball has at least (k'/k)^(d-1) >= 2 T^2 times as many points as the cap of cosine mu around any key, so that
        at least half of all lists of keys have cosines at most mu;
    and the bits are at most T (d - 1) (log2(2 m) + log2 L) - log2 T! - 1.
    Source: the lemma clique_lattice of the proof book; docs/cliques.md, Theorem E1.
    """
    floor = read_floor(claim, LEMMAS)
    names = ("precision", "mu", "tilt", "steps", "parts", "levels", "shrink")
    bits, coherence, cosine, lattice, parts, count, shrink = fields(payload, "the payload", *names)
    steps, m = integer(lattice, "the steps", 1, MOST_STEPS), integer(parts, "the parts", 1, MOST_PARTS)
    levels = integer(count, "the levels", 2, MOST_LEVELS)
    small, large = _shrink(shrink)
    limit, tilt_cosine = rational(coherence, "mu"), rational(cosine, "the tilt")
    n, n_free = floor.n_tokens, floor.d - 1
    if floor.guarantee != "additive" or floor.delta != 0 or not 2 * floor.eta < 1:
        raise Rejected("theorem E1 speaks of an additive error in [0, 1/2) at delta = 0")
    if not 0 <= limit < tilt_cosine < 1:
        raise Rejected(f"it must hold that 0 <= mu < tilt < 1, got {shown(coherence)} and {shown(cosine)}")
    if 2 * n**2 * small**n_free > large**n_free:
        raise Rejected("it must hold that 2 T^2 k^(d-1) <= k'^(d-1), and it does not")
    with working_precision(bits):
        lam, eta, mu, tilt = (ball(each) for each in (floor.multiplier, floor.eta, limit, tilt_cosine))
        others, own, side, one = arb(n - 1), arb(floor.n_own), arb(n_free).sqrt(), arb(1)
        spread = 2 * ((1 + 2 * eta) / (1 - 2 * eta)).log()

        coarse = 1 - (spread + arb(n).log()) / lam
        require(mu, coarse, "mu < 1 - (s + ln T) / lambda")
        missing = others * (spread - lam * (1 - _turn(coarse, mu))).exp()
        require(missing, one, "other keys do not make up for a missing one")
        match = 1 - (spread - (1 - missing).log()) / lam
        require(arb(0), match, "c1 > 0")
        require(mu, 2 * match**2 - 1, "matched keys are a bijection: mu < 2 c1^2 - 1")
        require(tilt, match, "tilt < c1")

        tau = others * (lam * (_turn(tilt, mu) - tilt)).exp()
        turned = tilt + (spread + (1 + tau).log()) / lam
        require(turned, one, "tilt + (s + ln(1 + tau)) / lambda < 1")
        low = own.log() + spread / 2
        require(low, lam * (1 + tilt), "the reference reaches down: ln T_N + s / 2 < (1 + tilt) lambda")
        near = _turn(tilt, turned)
        require(tilt, 2 * near**2 - 1, "tilt < 2 c2^2 - 1")
        require(mu, near, "mu < c2")

        apart = (2 - 2 * near).sqrt()
        require(m * (steps * apart + 2 * side), arb(steps), "m (M sqrt(2 - 2 c2) + 2 sqrt(d - 1)) <= M")
        clean = others * (lam * (_turn(near, mu) - near)).exp() + own * (-lam * (1 + near)).exp()
        require(2 * (eta + clean) * (levels - 1), one, "2 (eta + clean) (L - 1) < 1")
        cap = steps * (1 - mu**2).sqrt() / small
        require(large * (cap + side), arb(steps), "k' (M sqrt(1 - mu^2) / k + sqrt(d - 1)) <= M")

        token = n_free * (arb(2 * m).log() + arb(levels).log())
        return compared((n * token - arb(n + 1).lgamma()) / arb(2).log() - 1, floor)


def _shrink(value: Any) -> tuple[int, int]:
    """The pair (k, k') whose quotient bounds the radius of a cap by that of the ball."""
    if not isinstance(value, list) or len(value) != 2:
        raise Rejected(f"shrink must be a pair [k, k'], got {shown(value)}")
    small, large = (integer(each, "a shrink", 1, LARGEST_SHRINK) for each in value)
    return small, large


def _turn(x: arb, y: arb) -> arb:
    """The cosine of the difference of two angles in [0, pi/2] that have the cosines x and y."""
    return x * y + (1 - x**2).sqrt() * (1 - y**2).sqrt()
