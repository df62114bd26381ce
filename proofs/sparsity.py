"""Structured values: if a token's row of values is one of L, the token needs log2 L bits, less what errors spare."""

from __future__ import annotations

from itertools import combinations
from math import comb

from lowerbound.prove.lemma import ByCoq, Lemma, Use, computation


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
        ByCoq("index_mean", ("N I * (log2 (N A) - H2 delta - delta * log2 (N A - 1)) <= log2 (N S)",)),
        ByCoq("index_exact", ("N I * log2 (N A) <= log2 (N S)",)),
        computation(WORDS, RANGE, sparse_rows_are_counted),
    ),
)

ATTENTION = Lemma(
    id="classes_through_attention",
    words="If the values of each token are one of L public rows in [0, 1], two of which differ in some channel so much "
    "that no answer is good for both, and whole rows are answered well except with mean probability delta, a cache "
    "needs T (log2 L - H2(delta) - delta log2(L-1)) bits; at delta = 0 the numbers of the rows are enough.",
    range="all tokens, channels, rows, coins, states; all real keys, mu, lambda, delta",
    formula=r"\log_2 |S| \ge T (\log_2 L - H_2(\delta) - \delta \log_2(L - 1))",
    discharges=(
        ByCoq(
            "classes_lower_bound",
            ("good u o -> good v o -> False", "N Tok * fano (N A) delta <= bits alg"),
        ),
        ByCoq(
            "classes_upper_bound",
            (
                "rows_correct K B lam row good (compress alg) (answer alg) 0",
                "bits alg = N Tok * log2 (N A)",
            ),
        ),
    ),
    uses=(Use("separation"), Use("softmax_gap")),
)

SPARSE = Lemma(
    id="sparse_classes",
    words="Three classes of rows with their sizes: 0/1 rows of h channels with s ones (relative error), C(h, s) rows; "
    "sums of at most s of n rows of a public basis with factors 1/A, ..., 1 (additive error, 2 (eta + tau) < 1/(2sA)), "
    "sum_(w <= s) C(n, w) A^w rows; signed sums of r public rows (2 (eta + tau) < 1/r), 2^r rows.",
    range="all tokens, h, s, n, A, r, coins, states; all bases of entries at most 1 whose coefficients are read by "
    "dual rows of absolute sum at most 1; all real keys, mu, lambda, eta, delta",
    formula=r"L = \binom{h}{s}, \qquad L = \sum_{w \le s} \binom{n}{w} A^w, \qquad L = 2^r",
    discharges=(
        ByCoq("sparse_bits_lower_bound", ("N Tok * fano (INR 'C(#|Ch|, s)) delta <= bits alg",)),
        ByCoq(
            "sparse_sums_lower_bound",
            (
                r"let n := INR (\sum_(w < s.+1) 'C(#|J|, w) * expn L w)%nat in",
                "2 * (eta + tau) < 1 / (2 * INR s * INR L)",
                "N Tok * fano n delta <= bits alg",
            ),
        ),
        ByCoq(
            "signed_sums_lower_bound",
            ("2 * (eta + tau) < 1 / N J", "N Tok * fano (2 ^ #|J|) delta <= bits alg"),
        ),
    ),
    uses=(Use("classes_through_attention"),),
)

LEMMAS = (LEMMA, ATTENTION, SPARSE)
