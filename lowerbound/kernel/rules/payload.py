"""Floors from keys and values: Theorem C (every symbol read once) and Theorem C' (zoom, delta = 0)."""

from __future__ import annotations

from typing import Any

from flint import arb

from lowerbound.kernel.codec import Rejected, fields, integer, rational
from lowerbound.kernel.rules.floor import ball, check_error, compared, fano, read_floor, require, working_precision
from lowerbound.kernel.rules.separated import check_separated
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"C": ("keys_and_values_sharp",), "C'": ("zoom",)}
MOST_LEVELS = 2**20


def check(claim: Any, payload: Any) -> Verdict:
    """Whether addresses, payloads in the keys and symbols in the values can all be read.

    Contract: VERIFIED only if T unit addresses of one-sided coherence mu exist in R^d_a, and with p = d - d_a - 1
    payload coordinates, h = d - 1 value channels, a = sqrt(1 - rho^2), l = lambda / sqrt(1 + gamma^2),
    c = gamma l rho / sqrt(p), and leaks
    tau_V = (T + T_N - 1) exp(-lambda a (1 - mu)); tau_K = (T - 1) exp(c - l a (1 - mu)) for Theorem C,
    (T - 1) exp(2 c - l a (1 - mu)) for Theorem C':
    2 (eta + tau_V) (L_V - 1) < 1; (2 eta + tau_K) (L_K - 1) < tanh(c / 2) for Theorem C, or, for Theorem C' at
    delta = 0, (4 atanh(2 eta) + ln(1 + tau_K)) (L_K - 1) < 2 c; Bob's unit keys are in reach, ln T_N < c sqrt(p) or
    c + ln T_N < c sqrt(p); and the bits are at most T (h F(L_V) + p F(L_K)),
    F(L) = log2 L - H2(delta) - delta log2(L - 1).
    Source: proofs/coq/Theorems.v, theorem_C_sharp, theorem_C_zoom, and what they say of norms.
    """
    floor = read_floor(claim, LEMMAS)
    names = ("precision", "addresses", "address_dimension", "coherence", "rho_squared", "gamma", "multiplier")
    bits, vectors, width, bound, share, tilt, scale, value_count, key_count = fields(
        payload, "the payload", *names, "value_levels", "key_levels"
    )
    d_a = integer(width, "the address dimension", 1, floor.d - 2)
    mu, rho_squared = rational(bound, "the coherence"), rational(share, "rho^2")
    gamma, multiplier = rational(tilt, "gamma"), rational(scale, "the multiplier")
    value_levels = integer(value_count, "the value levels", 2, MOST_LEVELS)
    key_levels = integer(key_count, "the key levels", 2, MOST_LEVELS)
    zoom = floor.theorem == "C'"
    if floor.guarantee != "additive" or 2 * floor.eta >= 1:
        raise Rejected(f"theorem {floor.theorem} speaks of an additive error below 1/2")
    if not (0 < rho_squared < 1 and gamma > 0 and 0 < multiplier <= floor.multiplier):
        raise Rejected(f"rho^2 must lie in (0, 1), gamma be > 0 and the multiplier lie in (0, {floor.multiplier}]")
    if zoom and floor.delta != 0:
        raise Rejected("theorem C' asks again after each answer, and is proved for delta = 0 alone")
    check_error(value_levels, floor)
    check_error(key_levels, floor)
    check_separated(vectors, floor.n_tokens, d_a, mu)
    n, own, p = floor.n_tokens, floor.n_own, floor.d - d_a - 1
    with working_precision(bits):
        eta, far = ball(floor.eta), 1 - ball(mu)
        address = ball(1 - rho_squared).sqrt()
        slope = ball(multiplier) / (1 + ball(gamma) ** 2).sqrt()
        c = ball(gamma) * slope * (ball(rho_squared) / p).sqrt()
        tau_values = (n + own - 1) * (-ball(multiplier) * address * far).exp()
        require(2 * (eta + tau_values) * (value_levels - 1), arb(1), "2 (eta + tau_V) (L_V - 1) < 1")
        if zoom:
            tau = (n - 1) * (2 * c - slope * address * far).exp()
            step = 4 * (2 * eta).atanh() + (1 + tau).log()
            require(step * (key_levels - 1), 2 * c, "(4 atanh(2 eta) + ln(1 + tau_K)) (L_K - 1) < 2 c")
            require(c + arb(own).log(), c * arb(p).sqrt(), "c + ln T_N < c sqrt(p)")
        else:
            tau = (n - 1) * (c - slope * address * far).exp()
            require((2 * eta + tau) * (key_levels - 1), (c / 2).tanh(), "(2 eta + tau_K) (L_K - 1) < tanh(c / 2)")
            require(arb(own).log(), c * arb(p).sqrt(), "ln T_N < c sqrt(p)")
        proved = n * ((floor.d - 1) * fano(value_levels, floor.delta) + p * fano(key_levels, floor.delta))
        return compared(proved, floor)
