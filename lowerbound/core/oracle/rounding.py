"""How far computed attention may lie from the truth: bounds derived for float64, and for float32."""

from __future__ import annotations

import math
from fractions import Fraction

from lowerbound.core.oracle.attention import KEYS_PER_BLOCK

UNIT_ROUNDOFF = Fraction(1, 2**53)
SINGLE_UNIT_ROUNDOFF = Fraction(1, 2**24)
EXPONENTIAL_ROUNDOFFS = 8
"""NumPy's exponential in float32 is good to 2.52 units in the last place, under 6 unit roundoffs."""


def rounding_bound(
    *,
    d: int,
    n_tokens: int,
    max_logit: float,
    max_value: float,
    keys_per_block: int = KEYS_PER_BLOCK,
    unit_roundoff: Fraction = UNIT_ROUNDOFF,
    exponential_roundoffs: int = 4,
) -> float:
    """How far an output entry of `attention` in float64, or in another precision, may lie from its true value.

    Contract: for every input whose true logits are sums of d products with sum of absolute products at most
    `max_logit`, and |values| <= `max_value`, each entry is within the returned bound of the exact one.

    Derivation. With unit roundoff u, a logit (normalise two rows, scale, d products in any order) carries a
    relative error of at most (3d + 20) u on its sum of absolute products; subtracting the peak, which is at most
    2 max_logit away, adds 2 u max_logit. So a weight, computed with an exponential good to 4u, is off by a factor
    within exp(+-e), e = ((3d + 20) + 4) u max_logit + 4u, and each of the b - 1 rescalings adds such an e. Sums of
    n terms in any order add n u. All in all each weight is (1 + a_i) times the true one in the numerator and
    (1 + b_i) in the denominator, |a_i|, |b_i| <= theta = expm1(b e + (n + 2b + 4) u), and a weighted mean moves by
    at most 2 theta / (1 - theta) max_value. Weights under 2^-1022 of the largest vanish: n 2^-1021 max_value.
    Without peaks there are neither shifts nor rescalings, and no weight vanishes: the bound holds the more.
    """
    u = float(unit_roundoff)
    n_blocks = -(-n_tokens // keys_per_block)
    per_weight = (3 * d + 24) * u * max_logit + exponential_roundoffs * u
    theta = math.expm1(min(1.0, n_blocks * per_weight + (n_tokens + 2 * n_blocks + 4) * u))
    if theta >= 0.5:
        return math.inf
    return 1.01 * (2 * theta / (1 - theta) + n_tokens * 2.0**-1021) * max_value


def single_rounding_bound(*, d: int, n_tokens: int, max_logit: float, max_value: float) -> float:
    """How far an output entry in float32 may lie from its true value, for inputs in float64.

    Derivation. That of `rounding_bound` with u = 2^-24 and an exponential good to 8 u: rows are normalised and scaled
    in float64, so that rounding them to float32 is 2 u of the 3 d + 20 that a logit is allowed. An entry under 2^-126
    may lose 2^-149, which moves a logit by less than d 2^-140 and is far under the one percent to spare. Rounded values
    move the mean by u max_value. Logits of at most 40 leave all weights and their sums normal.
    """
    u = float(SINGLE_UNIT_ROUNDOFF)
    inside = rounding_bound(
        d=d,
        n_tokens=n_tokens,
        max_logit=max_logit,
        max_value=max_value,
        keys_per_block=n_tokens,
        unit_roundoff=SINGLE_UNIT_ROUNDOFF,
        exponential_roundoffs=EXPONENTIAL_ROUNDOFFS,
    )
    return inside + 2 * u * max_value
