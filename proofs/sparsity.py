"""Structured values: if a token's row of values is one of L, the token needs log2 L bits, less what errors spare."""

from __future__ import annotations

from itertools import combinations
from math import comb

from lowerbound.prove.lemma import ByCoq, Lemma, computation


def sparse_rows_are_counted() -> int:
    """For d <= 8 the s-sparse 0/1 rows number binom(d, s), and ranking them is a bijection onto 0..binom(d, s) - 1."""
    cases = [(d, s) for d in range(1, 9) for s in range(d + 1)]
    for d, s in cases:
        rows = list(combinations(range(d), s))
        ranks = {sum(comb(position, place + 1) for place, position in enumerate(row)) for row in rows}
        assert ranks == set(range(comb(d, s))), (d, s)
    return len(cases)


WORDS = (
    "If each token's value row is one of L rows, and rows are read with mean error delta, T (log2 L - H2(delta) "
    "- delta log2(L-1)) bits are needed. For s-sparse 0/1 rows L = binom(d, s), and the rank of the row is a code of "
    "that length."
)
RANGE = "all T, L, coins, states; all real delta; ranking for d <= 8"

LEMMA = Lemma(
    id="classes_of_values",
    words=WORDS,
    range=RANGE,
    formula=r"\log_2 |S| \ge T (\log_2 L - H_2(\delta) - \delta \log_2(L - 1)), \quad L = \binom{d}{s}",
    discharges=(
        ByCoq("index_mean", ("N I * (log2 (N A) - H2 delta - delta * log2 (N A - 1)) <= bits a",)),
        ByCoq("index_exact", ("N I * log2 (N A) <= bits a",)),
        computation(WORDS, RANGE, sparse_rows_are_counted),
    ),
)
