"""The constant 1 - H2(delta) is at least 1/2 up to delta = 0.11."""

from __future__ import annotations

from fractions import Fraction

from lowerbound.core.bounds import INDEX_FLOOR
from lowerbound.prove.claims import cover_claim
from lowerbound.prove.expression import Opaque, variable
from lowerbound.prove.lemma import ByKernel, Lemma

DELTA = variable("delta")
RATE = INDEX_FLOOR.body(Opaque(), Opaque().number(1), DELTA)

LEMMA = Lemma(
    id="entropy_half",
    words="1 - H2(delta) > 1/2 for every delta in [1/1000000, 11/100].",
    range="box: delta in [1e-6, 0.11]",
    discharges=(
        ByKernel("cover", cover_claim(RATE - Fraction(1, 2), {"delta": (Fraction(1, 10**6), Fraction(11, 100))})),
    ),
)
