"""A binary linear code as a quantizer: the exact mean fraction of wrong bits, from the weights of coset leaders."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown, typed
from lowerbound.kernel.verdict import Outcome, Verdict

MOST_LENGTH = 256
MOST_CHECKS = 16
MOST_STEPS = 2**21


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the code with generator [I | P] quantizes uniform blocks with exactly this mean error.

    Contract: VERIFIED only if the mean distance of a uniform block to the code, over the length, equals the error.
    Notes: that distance is the least weight of an error pattern with the block's syndrome. Syndromes are visited in
    order of that weight: a lightest pattern of weight w + 1 is a lightest one of weight w with one bit flipped.
    """
    length, dimension, error = fields(claim, "the claim", "length", "dimension", "error")
    n = integer(length, "the length", 1, MOST_LENGTH)
    k = integer(dimension, "the dimension", 1, n)
    if n - k > MOST_CHECKS or n << n - k > MOST_STEPS:
        raise Rejected(
            f"length - dimension must be at most {MOST_CHECKS}, and the length times the number of syndromes at most "
            f"{MOST_STEPS}, got {n - k} at the length {n}"
        )
    (rows,) = fields(payload, "the payload", "parity")
    if len(typed(rows, list, "the parity")) != k:
        raise Rejected(f"there must be {k} parity rows, got {len(rows)}")
    flips = [1 << j for j in range(n - k)]
    for row in rows:
        if len(typed(row, list, "a parity row")) != n - k:
            raise Rejected(f"a parity row must have the length {n - k}, got {len(row)}")
        flips.append(sum(integer(bit, "a parity bit", 0, 1) << j for j, bit in enumerate(row)))
    met, lightest = {0}, {0}
    weight = total = 0
    while lightest:
        weight += 1
        lightest = {syndrome ^ flip for syndrome in lightest for flip in flips} - met
        met |= lightest
        total += weight * len(lightest)
    exact = Fraction(total, n * len(met))
    if len(met) != 2 ** (n - k) or exact != rational(error, "the error"):
        raise Rejected(f"the error is {exact} over {len(met)} syndromes, not the claimed {shown(error)}")
    return Verdict(Outcome.VERIFIED, f"the lightest patterns of all {len(met)} syndromes give the error {exact}")
