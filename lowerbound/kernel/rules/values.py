"""Floors from values alone: Theorem A (one bit per value, relative error) and Theorem B (L levels, additive error).

Theorem B also has a form for given keys, such as recorded ones, which a claim names by their digest.
"""

from __future__ import annotations

from typing import Any

from flint import arb, fmpz_mat

from lowerbound.kernel.codec import Rejected, digest, fields, integer, rational, typed
from lowerbound.kernel.rules.floor import ball, check_error, compared, fano, read_floor, require, working_precision
from lowerbound.kernel.rules.separated import check_separated
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"A": ("relative_values",), "B": ("additive_values",)}
GIVEN_LEMMAS = {"B on given keys": ("given_keys_values",)}
MOST_LEVELS = 2**20
LARGEST_ENTRY, MOST_COSINE_BITS = 2**256, 2**29


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


def check_given(claim: Any, payload: Any) -> Verdict:
    """Whether L levels of each of d values of n asked tokens can be read, if the keys of all tokens are the given rows.

    Contract: VERIFIED only if the claim's `keys` is the digest of T + T_N nonzero rows; if the query along the row of
    an asked cached token, with a multiplier within the claim's, gives the token 1 - tau_i of the softmax over all rows,
    with 2 (eta + tau_i) (L - 1) < 1; and the bits are at most n d (log2 L - H2(delta) - delta log2(L - 1)).
    """
    told = dict(typed(claim, dict, "the claim"))
    (named,) = fields({name: told.pop(name) for name in ("keys",) if name in told}, "the claim", "keys")
    floor = read_floor(told, GIVEN_LEMMAS)
    names = ("precision", "rows", "asked", "multiplier", "levels")
    bits, rows, asked, scale, count = fields(payload, "the payload", *names)
    levels, multiplier = integer(count, "the levels", 2, MOST_LEVELS), rational(scale, "the multiplier")
    if told["rule"] != "l2norm" or floor.guarantee != "additive" or not 0 < multiplier <= floor.multiplier:
        raise Rejected(f"given keys speak of l2norm, additive errors and a multiplier in (0, {floor.multiplier}]")
    check_error(levels, floor)
    n, width = floor.n_tokens + floor.n_own, {len(typed(row, list, "a row")) for row in typed(rows, list, "the rows")}
    tokens = [integer(token, "a token", 0, floor.n_tokens - 1) for token in typed(asked, list, "the asked tokens")]
    if width != {floor.d} or len(rows) != n or digest(rows) != named or not all(map(any, rows)):
        raise Rejected(f"the keys must be {n} nonzero rows of length {floor.d} with the digest that the claim names")
    with working_precision(bits):
        if not tokens or tokens != sorted(set(tokens)) or len(tokens) * n * bits > MOST_COSINE_BITS:
            raise Rejected(f"the asked tokens must ascend, with {MOST_COSINE_BITS} bits of cosines at most")
        keys = fmpz_mat([[integer(entry, "an entry", -LARGEST_ENTRY, LARGEST_ENTRY) for entry in row] for row in rows])
        products = fmpz_mat([rows[token] for token in tokens]) * keys.transpose()
        roots = [arb(sum(entry * entry for entry in row)).rsqrt() for row in rows]
        for place, token in enumerate(tokens):
            cosines = (arb(products[place, j]) * roots[token] * roots[j] for j in range(n) if j != token)
            others = sum(((ball(multiplier) * (cosine - 1)).exp() for cosine in cosines), arb(0))
            require(2 * (ball(floor.eta) + others / (1 + others)) * (levels - 1), arb(1), "2 (eta + tau) (L - 1) < 1")
        return compared(len(tokens) * floor.d * fano(levels, floor.delta), floor)
