"""The exact optimum of the one-way game on a few bits, by trying every codebook."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from typing import Any

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown
from lowerbound.kernel.verdict import Outcome, Verdict

MOST_BITS = 4


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the least mean error over all one-way protocols with this many messages equals the error.

    Contract: VERIFIED only if it does, for m fair bits and a uniform position. The payload is empty.
    Notes: for each message Bob's answers are a word of m bits, and Alice sends the message of a nearest word. Coins
    cannot lower the mean error. Adding one word to all words does not change it, so that one word may be taken as 0.
    """
    n_bits, n_messages, error = fields(claim, "the claim", "m", "messages", "error")
    fields(payload, "the payload")
    m = integer(n_bits, "m", 1, MOST_BITS)
    words = range(2**m)
    wrong_bits = [[(x ^ word).bit_count() for x in words] for word in words]
    least = m * 2**m
    for others in combinations(words[1:], integer(n_messages, "the messages", 1, 2**m) - 1):
        rows = [wrong_bits[0], *(wrong_bits[word] for word in others)]
        least = min(least, sum(map(min, zip(*rows, strict=True))))
    exact = Fraction(least, m * 2**m)
    if exact != rational(error, "the error"):
        raise Rejected(f"the least error is {exact}, not the claimed {shown(error)}")
    return Verdict(Outcome.VERIFIED, f"the best of all codebooks of {n_messages} words has the error {exact}")
