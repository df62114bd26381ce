"""Floors from values alone: Theorem A (one bit per value, relative error) and Theorem B (L levels, additive error)."""

from __future__ import annotations

from typing import Any

from flint import arb

from lowerbound.kernel.codec import Rejected, fields, integer, rational
from lowerbound.kernel.rules.floor import (
    ball,
    check_error,
    compared,
    fano,
    read_floor,
    require,
    working_precision,
)
from lowerbound.kernel.rules.separated import check_separated
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"A": ("relative_values",), "B": ("additive_values",)}
MOST_LEVELS = 2**20


def check(claim: Any, payload: Any) -> Verdict:
    """Whether T + T_N public keys leak so little that L levels of each of T d values can be read.

    Contract: VERIFIED only if there are T + T_N unit vectors of one-sided coherence mu in R^d and a multiplier within
    the claim's, such that with tau = (T + T_N - 1) exp(-lambda (1 - mu)) two levels are apart: 2 tau < 1 - eta for
    Theorem A, 2 (eta + tau) (L - 1) < 1 for Theorem B; and the bits are at most T d (log2 L - H2(delta) - delta
    log2(L - 1)).
    Paper: Theorem 1.1 of arXiv:2503.14881 with its constant.
    """
    floor = read_floor(claim, LEMMAS)
    bits, vectors, bound, scale, count = fields(
        payload, "the payload", "precision", "keys", "coherence", "multiplier", "levels"
    )
    mu, multiplier = rational(bound, "the coherence"), rational(scale, "the multiplier")
    levels = integer(count, "the levels", 2, MOST_LEVELS)
    if floor.guarantee != ("relative" if floor.theorem == "A" else "additive"):
        raise Rejected(f"theorem {floor.theorem} does not speak of a guarantee that is {floor.guarantee}")
    if floor.theorem == "A" and levels != 2:
        raise Rejected(f"theorem A has 2 levels, got {levels}")
    if not 0 < multiplier <= floor.multiplier:
        raise Rejected(f"the multiplier must lie in (0, {floor.multiplier}], got {multiplier}")
    check_error(levels, floor)
    n_keys = floor.n_tokens + floor.n_own
    check_separated(vectors, n_keys, floor.d, mu)
    with working_precision(bits):
        tau = (n_keys - 1) * (-ball(multiplier) * (1 - ball(mu))).exp()
        eta = ball(floor.eta)
        if floor.theorem == "A":
            require(2 * tau, 1 - eta, "2 tau < 1 - eta")
        else:
            require(2 * (eta + tau) * (levels - 1), arb(1), "2 (eta + tau) (L - 1) < 1")
        return compared(floor.n_tokens * floor.d * fano(levels, floor.delta), floor)
