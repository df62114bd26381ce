"""Keys that attention can tell apart: n vectors of equal norm whose pairwise cosines stay under a number."""

from __future__ import annotations

from itertools import combinations
from operator import mul
from typing import Any

from lowerbound.kernel.codec import Rejected, fields, integer, rational, read_word, shown, typed
from lowerbound.kernel.verdict import Outcome, Verdict

MOST_KEYS = 4096
MOST_PRODUCTS = 2**23
MOST_SIGNS = 2**31
SIGNS_AT_ONCE = 256
"""Two rows of signs cost as much as this many signs more, however short they are."""


def _numbers(row: Any, d: int) -> list[int]:
    if len(typed(row, list, "a row")) != d:
        raise Rejected(f"a row must have the length {d}, got {len(row)}")
    return [integer(entry, "an entry", -(2**63), 2**63) for entry in row]


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the rows are n vectors in R^d with equal squared norms and pairwise cosines <= coherence.

    Contract: VERIFIED only if they are, in exact integers; the cosine counts with its sign (one-sided).
    """
    count, dimension, limit = fields(claim, "the claim", "n", "d", "coherence")
    n, d = integer(count, "n", 1, MOST_KEYS), integer(dimension, "d", 1, MOST_KEYS)
    coherence = rational(limit, "the coherence")
    (rows,) = fields(payload, "the payload", "rows")
    if len(typed(rows, list, "the rows")) != n:
        raise Rejected(f"there must be {n} rows, got {len(rows)}")
    if n * n * (d + SIGNS_AT_ONCE) > MOST_SIGNS:
        raise Rejected(f"{n} rows in R^{d} exceed the limit of {MOST_SIGNS} signs")
    if type(rows[0]) is str:
        words = [read_word(row, d) for row in rows]  # bit 1 is the entry -1
        squared_norms = {d}
        products = (d - 2 * (left ^ right).bit_count() for left, right in combinations(words, 2))
    elif n * n * d > MOST_PRODUCTS:
        raise Rejected(f"the Gram matrix exceeds the limit of {MOST_PRODUCTS} products")
    else:
        vectors = [_numbers(row, d) for row in rows]
        squared_norms = {sum(map(mul, vector, vector)) for vector in vectors}
        products = (sum(map(mul, left, right)) for left, right in combinations(vectors, 2))
    if len(squared_norms) != 1 or 0 in squared_norms:
        raise Rejected(f"the rows must have one nonzero squared norm, got {shown(sorted(squared_norms))}")
    (squared_norm,) = squared_norms
    largest = max(products, default=-squared_norm)
    if largest * coherence.denominator > coherence.numerator * squared_norm:
        raise Rejected(f"the coherence is {largest}/{squared_norm}, over the claimed {coherence}")
    return Verdict(Outcome.VERIFIED, f"no two of {n} keys have a cosine over {largest}/{squared_norm}")
