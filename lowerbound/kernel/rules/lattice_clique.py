"""Theorem E1: keys over a lattice and values on a grid; the instances that share a state are counted by integers."""

from __future__ import annotations

from typing import Any

from flint import arb

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown
from lowerbound.kernel.rules.floor import ball, compared, read_floor, require, working_precision
from lowerbound.kernel.rules.matching import nearest
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"E1": ("clique_lattice",)}
MOST_LEVELS = 2**20
LARGEST = 2**64
"""Lattice steps, and the numbers of a pair; for the largest d of a claim, their powers have about 260,000 bits."""


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the cliques of lattice keys and grid values are as small as claimed.

    Contract: keys are the unit vectors over the integer points of a ball of `steps` = M lattice steps in R^(d-1), any T
    of them with cosines at most mu; values are a constant 1 and d - 1 channels on a grid of L = `levels` levels. With
    s = 2 ln((1 + 2 eta) / (1 - 2 eta)), turn(x, y) = xy + sqrt(1 - x^2) sqrt(1 - y^2), lambda the multiplier and C =
    `tilt` the cosine of the tilted read, VERIFIED only if these hold, and the bits are at most
    T (d - 1) (log2(2 m/k) + log2 L) - log2 T! - 1:

    * each key of an instance has exactly one key of cosine >= c1 in every instance with the same state;
    * the tilted read brings the two to cosine >= c2 = turn(C, C + (s + ln(1 + tau)) / lambda), and the reference
      reaches down to it;
    * members of a clique have equal values: 2 (eta + leak) (L - 1) < 1;
    * their keys are within k/m of each other, (k, m) = `diameter`, so that the ball has at least (2 m/k)^(d-1) times as
      many points as the keys of one token;
    * the ball has at least (m'/k')^(d-1) >= 2 T^2 times as many points, (k', m') = `cap`, as the cap of cosine mu
      around any key, so that at least half of all lists of keys have cosines at most mu.

    Source: the lemma clique_lattice of the proof book, with c0 = `nearest`; docs/cliques.md, Theorem E1.
    """
    floor = read_floor(claim, LEMMAS)
    names = ("precision", "mu", "tilt", "steps", "diameter", "levels", "cap")
    bits, coherence, cosine, lattice, diameter, count, rim = fields(payload, "the payload", *names)
    steps, levels = integer(lattice, "the steps", 1, LARGEST), integer(count, "the levels", 2, MOST_LEVELS)
    (k, m), (k_cap, m_cap) = _pair(diameter, "diameter"), _pair(rim, "cap")
    limit, tilt_cosine = rational(coherence, "mu"), rational(cosine, "the tilt")
    n, n_free = floor.n_tokens, floor.d - 1
    if floor.guarantee != "additive" or floor.delta != 0 or not 2 * floor.eta < 1:
        raise Rejected("theorem E1 speaks of an additive error in [0, 1/2) at delta = 0")
    if not 0 <= limit < tilt_cosine < 1:
        raise Rejected(f"it must hold that 0 <= mu < tilt < 1, got {shown(coherence)} and {shown(cosine)}")
    if 2 * n**2 * k_cap**n_free > m_cap**n_free:
        raise Rejected("it must hold that 2 T^2 k'^(d-1) <= m'^(d-1), and it does not")
    with working_precision(bits):
        lam, eta, mu, tilt = (ball(each) for each in (floor.multiplier, floor.eta, limit, tilt_cosine))
        others, own, side, one = arb(n - 1), arb(floor.n_own), arb(n_free).sqrt(), arb(1)
        spread = 2 * ((1 + 2 * eta) / (1 - 2 * eta)).log()

        coarse = nearest(n, mu, spread, lam)
        require(mu, coarse, "mu < 1 - (s + ln T) / lambda, or the same by few keys")
        rest = others * (spread - lam * (1 - _turn(coarse, mu))).exp()
        require(rest, one, "other keys do not make up for a missing one")
        match = 1 - (spread - (1 - rest).log()) / lam
        require(mu, 2 * match**2 - 1, "matched keys are a bijection: mu < 2 c1^2 - 1")
        require(tilt, match, "tilt < c1")

        tau = others * (lam * (_turn(tilt, mu) - tilt)).exp()
        turned = tilt + (spread + (1 + tau).log()) / lam
        require(turned, one, "tilt + (s + ln(1 + tau)) / lambda < 1")
        require(own.log() + spread / 2, lam * (1 + tilt), "the reference reaches down: ln T_N + s / 2 < (1 + C) lambda")
        near = _turn(tilt, turned)
        require(tilt, 2 * near**2 - 1, "tilt < 2 c2^2 - 1")

        leak = others * (lam * (_turn(near, mu) - near)).exp() + own * (-lam * (1 + near)).exp()
        require(2 * (eta + leak) * (levels - 1), one, "2 (eta + leak) (L - 1) < 1")
        for scale, part, radius, what in (
            (m, k, steps * (2 - 2 * near).sqrt() + side, "m ((M sqrt(2 - 2 c2) + sqrt(d - 1)) / k + sqrt(d - 1)) <= M"),
            (m_cap, k_cap, steps * (1 - mu**2).sqrt(), "m' (M sqrt(1 - mu^2) / k' + sqrt(d - 1)) <= M"),
        ):
            require(scale * (radius / part + side), arb(steps), what)

        token = n_free * (arb(2 * m).log() - arb(k).log() + arb(levels).log())
        return compared((n * token - arb(n + 1).lgamma()) / arb(2).log() - 1, floor)


def _pair(value: Any, what: str) -> tuple[int, int]:
    """Two positive integers, whose quotient is a length in units."""
    if not isinstance(value, list) or len(value) != 2:
        raise Rejected(f"the {what} must be a pair of integers, got {shown(value)}")
    small, large = (integer(each, f"an integer of the {what}", 1, LARGEST) for each in value)
    return small, large


def _turn(x: arb, y: arb) -> arb:
    """The cosine of the difference of two angles in [0, pi/2] that have the cosines x and y."""
    return x * y + (1 - x**2).sqrt() * (1 - y**2).sqrt()
