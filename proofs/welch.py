"""Welch's bound: no keys are nearer to orthogonal than this."""

from __future__ import annotations

from fractions import Fraction

from lowerbound.core.bounds import welch
from lowerbound.core.keys.kerdock import Kerdock
from lowerbound.core.keys.trace import Trace2
from lowerbound.prove.expression import variables
from lowerbound.prove.lemma import BySolvers, Lemma, Statement, computation

COUNT, DIMENSION, SQUARE = variables("n d m")

STATEMENT = Statement(
    hypotheses={
        "trace inequality": COUNT * COUNT <= DIMENSION * (COUNT + COUNT * (COUNT - 1) * SQUARE),
        "count": COUNT > 1,
        "dimension": DIMENSION > 0,
    },
    goal=COUNT - DIMENSION <= DIMENSION * (COUNT - 1) * SQUARE,
)


def no_family_beats_it() -> int:
    """Two-sided coherence of explicit families, exactly, against the library's formula."""
    cases = [(Kerdock(), 64, 16), (Kerdock(), 288 // 2, 16), (Trace2(), 200, 32)]
    for family, n, d in cases:
        rows = family.keys(n, d).rows
        gram = rows @ rows.T
        largest = max(abs(int(gram[i, j])) for i in range(n) for j in range(i))
        assert Fraction(largest, int(gram[0, 0])) >= welch(n, d), (family.name, n, d)
    return len(cases)


WORDS = (
    "If the squared inner products of n unit vectors in R^d add up to at least n^2/d (they do, by Welch 1974 and "
    "Cauchy-Schwarz, which is not checked here), their largest square m satisfies m >= (n - d)/(d (n - 1))."
)
RANGE = "all reals n > 1, d > 0"

LEMMA = Lemma(
    id="welch",
    words=WORDS,
    range=RANGE,
    discharges=(
        BySolvers(STATEMENT, needed=("trace inequality", "count")),
        computation(WORDS, RANGE, no_family_beats_it),
    ),
)
