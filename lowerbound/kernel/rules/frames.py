"""Floors from frames (Theorem F): payload in every direction beside a key's public address, for delta = 0 and above.

Token i has a public unit address b and a public orthonormal frame f_1, ..., f_p of the directions beside it. Its key
is c_0 b + y_1 f_1 + ... + y_p f_p + fill, where the word y of the token has letters of one alphabet and is short enough
for a unit key. Bob reads y_l with queries between b and f_l; such a query is open if the others add little there.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from flint import arb, ctx

from lowerbound.kernel.codec import Rejected, fields, integer, rational
from lowerbound.kernel.rules.addresses import Class, read_addresses
from lowerbound.kernel.rules.alphabet import MOST_DIGITS, blocks, grid
from lowerbound.kernel.rules.floor import FloorClaim, ball, compared, fano, read_floor, require, working_precision
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"F": ("frames_by_classes",)}
LEMMAS_WITH_FAILURES = {"F": ("frames_with_failures",)}
MOST_LEVELS = 2**20
MOST_WORK = 2**20
"""Classes, times bits."""
ROUNDS = 5
"""Steps of Newton's method that choose the exponent of a Chernoff bound; every exponent gives a bound."""


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the words of the tokens and the symbols of their values can be read.

    Contract: VERIFIED only if there are T distinct addresses, signs in R^(d-1), and with p = d - 2, s = 4 atanh(2 eta),
    cos(phi) and sin(phi) of the half tangent, m_2 and v the mean and variance of a squared letter, and x_0 =
    cos(phi) c_0 - sin(phi) low:
    the letters are apart: lambda sin(phi) h > s + ln(1 + tau) for an even number of letters +-h/2, +-3h/2, ... at
    delta = 0; at delta > 0 for 2^B blocks of L letters (levels kappa > 2 eta + tau / 4 apart) with gaps in between;
    p m_2 + sqrt(z p v) < 1 - c_0^2, so that a share 1 / (1 + 1/z) of the words are short enough;
    the reference is in reach: x_0 > 0, ln T_N < lambda, lambda (cos(phi) c_0 + sin(phi) top) + s + ln(1 + tau) <
    lambda + ln T_N;
    (L_V - 1) (2 eta + 2 tau_V) < 1 and T_N exp(-lambda (1 + c_0)) < tau_V / 2;
    and the bits are at most T (p F(L, p_+ + p_- / 2) + (d - 1) F(L_V, p_V) - log2(1 + 1/z)) at delta = 0, and at
    delta > 0 at most T (p (B F(2, q) + F(L, q)) + (d - 1) F(L_V, delta + p_V) - log2(1 + 1/z)), where q is delta +
    max(p_+, p_-).
    F(L, q) = log2 L - H2(q) - q log2(L - 1); p_+, p_- and p_V bound the chance that a query is shut.
    Source: docs/frames.md, Theorem F.
    """
    floor = read_floor(claim, LEMMAS, LEMMAS_WITH_FAILURES)
    with working_precision(payload.get("precision") if isinstance(payload, dict) else None):
        return compared(proved(floor, payload), floor)


def proved(floor: FloorClaim, payload: Any) -> arb:
    """The bits of one head that the payload proves, at the current precision, whatever the claim says of bits.

    Contract: as `check`; raises Rejected or Undecided if an inequality does not certainly hold.
    """
    names = ("precision", "addresses", "c0", "tangent", "tau", "value_tau", "spread", "value_levels", "levels")
    letters = ("digits", "kappa", "gap") if floor.delta else ("step",)
    _, described, address, tangent, leak, value_leak, spread, value_count, count, *alphabet = fields(
        payload, "the payload", *names, *letters
    )
    if floor.guarantee != "additive" or 2 * floor.eta >= 1 or floor.d < 3:
        raise Rejected("theorem F speaks of an additive error below 1/2 and of d >= 3")
    c_0, half, z = rational(address, "c_0"), rational(tangent, "the half tangent"), rational(spread, "the spread")
    tau, tau_v = rational(leak, "tau"), rational(value_leak, "tau_V")
    if not (0 < c_0 < 1 and 0 < half < 1 and z > 0 and 0 < tau < 1 and 0 < tau_v < 1):
        raise Rejected("c_0, the half tangent, tau and tau_V must lie in (0, 1), and the spread be > 0")
    value_levels = integer(value_count, "the value levels", 2, MOST_LEVELS)
    levels = integer(count, "the levels", 2, MOST_LEVELS)
    n, d, p = floor.n_tokens, floor.d, floor.d - 2
    apart = 4 * (2 * ball(floor.eta)).atanh() + (1 + ball(tau)).log()
    cosine, sine = ball((1 - half**2) / (1 + half**2)), ball(2 * half / (1 + half**2))
    slope, lam, c = ball(floor.multiplier) * sine, ball(floor.multiplier), ball(c_0)
    if floor.delta:
        digits = integer(alphabet[0], "the digits", 1, MOST_DIGITS)
        kappa, gap = ball(rational(alphabet[1], "kappa")), ball(rational(alphabet[2], "the gap"))
        require(2 * ball(floor.eta) + ball(tau) / 4, kappa, "2 eta + tau / 4 < kappa")
        require(apart, gap, "s + ln(1 + tau) < the gap")
        found = blocks(levels, digits, kappa, gap, slope)
    else:
        step = ball(rational(alphabet[0], "the step"))
        require(apart, slope * step, "s + ln(1 + tau) < lambda sin(phi) h")
        found = grid(levels, step)
    norm = p * found.second + (ball(z) * p * found.variance).sqrt()
    require(norm, 1 - c**2, "p m_2 + sqrt(z p v) < 1 - c_0^2")
    x_0, own = cosine * c - sine * found.low, arb(floor.n_own).log()
    require(arb(0), x_0, "x_0 > 0")
    require(own, lam, "ln T_N < lambda")
    require(cosine * c * lam + slope * found.top + apart, lam + own, "the reference reaches up")
    require((value_levels - 1) * (2 * ball(floor.eta) + 2 * ball(tau_v)), arb(1), "(L_V - 1)(2 eta + 2 tau_V) < 1")
    require(floor.n_own * (-lam * (1 + c)).exp(), ball(tau_v) / 2, "T_N exp(-lambda (1 + c_0)) < tau_V / 2")
    addresses = read_addresses(described, n, d - 1)
    classes = addresses.classes(d - 1)
    if len(classes) * ctx.prec > MOST_WORK:
        raise Rejected(f"{len(classes)} classes at {ctx.prec} bits exceed the limit of work")
    reads = Reads(classes, addresses.length, n * p, lam, c, found.growth, 1 + 1 / ball(z))
    plus, minus = (reads.shut(cosine, sign * sine, x_0 + ball(tau).log() / lam) for sign in (1, -1))
    value = reads.shut(arb(1), arb(0), c + (ball(tau_v) / 2).log() / lam)
    if floor.delta:
        wrong = ball(floor.delta) + plus.max(minus)
        payload_bits = digits * _fano(2, wrong) + _fano(levels, wrong)
    else:
        payload_bits = _fano(levels, plus + minus / 2)
    value_bits = _fano(value_levels, ball(floor.delta) + value)
    return n * (p * payload_bits + (d - 1) * value_bits - reads.density.log() / arb(2).log())


def _fano(levels: int, wrong: arb) -> arb:
    require(wrong, 1 - 1 / arb(levels), "a symbol is wrong with probability below 1 - 1/L")
    return fano(levels, wrong)


class Reads:
    """The chance that a query is shut, as a mean over `n_reads` tokens and directions: a Chernoff bound a class."""

    def __init__(
        self, classes: Counter[Class], length: int, n_reads: int, multiplier: arb, c_0: arb, growth: arb, density: arb
    ) -> None:
        self.multiplier, self.c_0, self.growth, self.density = multiplier, c_0, growth, density
        unit = 1 / arb(length).sqrt()
        self.classes = []
        for (product, il, jl, i0, j0), count in classes.items():
            g, entry, other, first, last = arb(product) / length, il * unit, jl * unit, i0 * unit, j0 * unit
            own, his = entry / (1 - first), other / (1 - last)
            across, back = other + own * (last - g), entry + his * (first - g)
            both = 1 - his * other - own * entry + own * his * (1 - first - last + g)
            self.classes.append((g, across, back, both, count))
        self.reads = n_reads

    def shut(self, cosine: arb, sine: arb, height: arb) -> arb:
        """An upper bound for the query cos b_i + sin f_il, at which the others may weigh exp(lambda height)."""
        total = arb(0)
        for g, across, back, both, count in self.classes:
            along, xi = cosine * g + sine * across, cosine * back + sine * both
            rest, drop, edge = 1 - along**2 - xi**2, height - self.c_0 * along, xi * self.growth
            if not drop > 0:
                total += count
                continue
            t = self._exponent(drop, rest, edge)
            bound = (t * t * self.growth**2 * rest / 6 - t * drop).exp() * _mean_exponential(t * edge)
            total += count * bound.min(arb(1))
        return self.density * total / self.reads

    def _exponent(self, drop: arb, rest: arb, edge: arb) -> arb:
        """Nearly the best t in (0, lambda]: any is sound."""
        drop, edge, curve = drop.mid(), abs(edge).mid(), (self.growth**2 * rest / 3).mid()
        t = (drop / (curve + edge**2 / 3)).mid()
        for _ in range(ROUNDS):
            u = t * edge
            if u < 1:
                break
            coth = u.coth()
            t = (t - (t * curve + edge * (coth - 1 / u) - drop) / (curve + edge**2 * (1 / u**2 - coth**2 + 1))).mid()
        return t if 0 < t < self.multiplier else self.multiplier


def _mean_exponential(u: arb) -> arb:
    """The mean of exp(u x) for x uniform on [-1, 1], or a bound on it near 0."""
    return (u.exp() - (-u).exp()) / (2 * u) if abs(u) > 1 else (u**2 / 6).exp()
