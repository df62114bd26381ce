"""Proved bounds on the distance between computed and exact attention outputs, for float64 and for float32."""

from __future__ import annotations

import math
from fractions import Fraction

from lowerbound.core.oracle.attention import KEYS_PER_BLOCK

UNIT_ROUNDOFF = Fraction(1, 2**53)
SINGLE_UNIT_ROUNDOFF = Fraction(1, 2**24)
EXPONENTIAL_ROUNDOFFS = 8
"""Error allowed for NumPy's float32 exponential, in unit roundoffs: its error is at most 2.52 ulp, under 6 of them."""


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
    """An upper bound on |computed - exact| for every output entry of `attention`, in the precision of `unit_roundoff`.

    Contract: for every input whose true logits are sums of d products with sum of absolute products at most
    `max_logit`, and |values| <= `max_value`, each entry is within the returned bound of the exact one.

    Derivation. Let u be the unit roundoff, n the number of tokens and b the number of blocks of keys. Computing a logit
    (normalize two rows, scale, sum d products in any order) causes an error of at most (3d + 20) u times its sum of
    absolute products. Subtracting the largest logit, which is at most 2 max_logit away, adds 2 u max_logit. So a
    weight, computed by an exponential with relative error 4u, is off by a factor in [exp(-e), exp(e)] with
    e = ((3d + 20) + 4) u max_logit + 4u, and each of the b - 1 rescalings adds another e. Summing n terms in any order
    adds n u. Altogether, each weight is (1 + a_i) times the true one in the numerator and (1 + b_i) times in the
    denominator, with |a_i|, |b_i| <= theta = expm1(b e + (n + 2b + 4) u), and a weighted mean moves by at most
    2 theta / (1 - theta) max_value. Weights below 2^-1022 of the largest underflow to 0, which moves the mean by at
    most n 2^-1021 max_value. The fast paths neither subtract nor rescale, and no weight underflows there, so the bound
    holds for them too.
    """
    u = float(unit_roundoff)
    n_blocks = -(-n_tokens // keys_per_block)
    per_weight = (3 * d + 24) * u * max_logit + exponential_roundoffs * u
    theta = math.expm1(min(1.0, n_blocks * per_weight + (n_tokens + 2 * n_blocks + 4) * u))
    if theta >= 0.5:
        return math.inf
    return 1.01 * (2 * theta / (1 - theta) + n_tokens * 2.0**-1021) * max_value


def single_rounding_bound(*, d: int, n_tokens: int, max_logit: float, max_value: float) -> float:
    """An upper bound on |computed - exact| for every output entry in float32, for inputs given in float64.

    Derivation. As in `rounding_bound`, with u = 2^-24 and an exponential with relative error 8u. Rows are normalized
    and scaled in float64, so rounding them to float32 uses only 2u of the (3d + 20) u that a logit is allowed. An entry
    below 2^-126 may lose 2^-149; that moves a logit by less than d 2^-140, far below the factor 1.01 in the bound.
    Rounding the values moves the mean by at most u max_value. With |logit| <= 40, all weights and their sums are normal
    numbers.
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
