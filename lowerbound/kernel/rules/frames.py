"""Floors from frames (Theorems F and F'): payload in every direction beside a key's public address.

Token i has a public unit address b and a public orthonormal frame f_1, ..., f_p of the directions beside it. Its key
is c_0 b + y_1 f_1 + ... + y_p f_p + fill, where the word y of the token has letters of one alphabet and is short enough
for a unit key. Bob reads y_l with queries between b and f_l; such a query is open if the others add little there.
"""

from __future__ import annotations

from typing import Any

from flint import arb, ctx

from lowerbound.kernel.codec import Rejected, fields, integer, rational
from lowerbound.kernel.rules.addresses import read_addresses
from lowerbound.kernel.rules.alphabet import MOST_DIGITS, blocks, grid, least_rise
from lowerbound.kernel.rules.floor import FloorClaim, ball, compared, fano, read_floor, require, working_precision
from lowerbound.kernel.rules.isolation import Coherent, Reads
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"F": ("frames",), "F'": ("frames_by_classes",)}
LEMMAS_WITH_FAILURES = {"F": ("frames_with_failures",), "F'": ("frames_by_classes_with_failures",)}
MOST_LEVELS = 2**20
MOST_WORK = 2**20
"""Classes, times bits."""


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the words of the tokens and the symbols of their values can be read.

    Contract: VERIFIED only if there are T distinct addresses, signs in R^(d-1), and with p = d - 2, s = 4 atanh(2 eta),
    cos(phi) and sin(phi) of the half tangent, m_2 and v the mean and variance of a squared letter, and x_0 =
    cos(phi) c_0 - sin(phi) low, g = lambda sin(phi) h:
    the letters are apart, s + ln(1 + tau) < g, on an even grid +-h/2, +-3h/2, ... of 2^B L letters (B = 0 if delta =
    0); at delta > 0 they are 2^B runs of L in which one read shows each: 2 eta + tau / 4 < sinh(g/2) / (cosh(g (L - 2)
    / 2) + cosh(g/2)); Theorem F' has blocks with levels kappa > 2 eta + tau / 4 apart, and gaps > s + ln(1 + tau);
    p m_2 + sqrt(z p v) < 1 - c_0^2, so that a share 1 / (1 + 1/z) of the words are short enough;
    the reference is in reach: x_0 > 0, ln T_N < lambda, lambda (cos(phi) c_0 + sin(phi) top) + s + ln(1 + tau) <
    lambda + ln T_N, and for Theorem F top^2 < 1 - c_0^2;
    (L_V - 1) (2 eta + 2 tau_V) < 1 and T_N exp(-lambda (1 + c_0)) < tau_V / 2;
    and the bits are at most T (p F(L, p_+ + p_- / 2) + (d - 1) F(L_V, p_V) - log2(1 + 1/z)) at delta = 0, and at
    delta > 0 at most T (p (B F(2, q) + F(L, q)) + (d - 1) F(L_V, delta + p_V) - log2(1 + 1/z)), where q is delta +
    max(p_+, p_-).
    F(L, q) = log2 L - H2(q) - q log2(L - 1); p_+, p_- and p_V bound the chance that a query is shut: by the coherence
    of addresses and frames in Theorem F, by exact counts of how they meet in Theorem F'.
    Source: docs/frames.md.
    """
    floor = read_floor(claim, LEMMAS, LEMMAS_WITH_FAILURES)
    with working_precision(payload.get("precision") if isinstance(payload, dict) else None):
        return compared(proved(floor, payload), floor)


def proved(floor: FloorClaim, payload: Any) -> arb:
    """The bits of one head that the payload proves, at the current precision, whatever the claim says of bits.

    Contract: as `check`; raises Rejected or Undecided if an inequality does not certainly hold.
    """
    names = ("precision", "addresses", "c0", "tangent", "tau", "value_tau", "spread", "value_levels", "levels")
    by_classes = floor.theorem == "F'"
    letters = ("digits", *(("kappa", "gap") if by_classes else ("step",))) if floor.delta else ("step",)
    _, described, address, tangent, leak, value_leak, spread, value_count, count, *alphabet = fields(
        payload, "the payload", *names, *letters
    )
    if floor.guarantee != "additive" or 2 * floor.eta >= 1 or floor.d < 3:
        raise Rejected(f"theorem {floor.theorem} speaks of an additive error below 1/2 and of d >= 3")
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
    sure = 2 * ball(floor.eta) + ball(tau) / 4
    digits = integer(alphabet[0], "the digits", 1, MOST_DIGITS) if floor.delta else 0
    if floor.delta and by_classes:
        kappa, gap = ball(rational(alphabet[1], "kappa")), ball(rational(alphabet[2], "the gap"))
        require(sure, kappa, "2 eta + tau / 4 < kappa")
        require(apart, gap, "s + ln(1 + tau) < the gap")
        found = blocks(levels, digits, kappa, gap, slope)
    else:
        step = ball(rational(alphabet[-1], "the step"))
        require(apart, slope * step, "s + ln(1 + tau) < lambda sin(phi) h")
        found = grid(levels << digits, step)
        if floor.delta:
            require(sure, least_rise(levels, slope * step), "2 eta + tau / 4 < the least rise in a run of levels")
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
    if not by_classes:
        require(found.top**2, 1 - c**2, "the largest letter fits into a unit key")
    reads = Reads(classes, addresses.length, n * p, lam, c, found.growth, 1 + 1 / ball(z))
    shut = reads.shut if by_classes else Coherent(reads, n, found.second).shut
    plus, minus = (shut(cosine, sign * sine, x_0 + ball(tau).log() / lam) for sign in (1, -1))
    value = shut(arb(1), arb(0), c + (ball(tau_v) / 2).log() / lam)
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
