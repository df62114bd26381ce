"""The counting step behind INDEX: two estimates of one exponential moment, and the tangent of exp."""

from __future__ import annotations

from lowerbound.prove.claims import polynomial_claim
from lowerbound.prove.expression import variables
from lowerbound.prove.lemma import ByKernel, BySolvers, Lemma, Statement

MESSAGES, WORDS, PRODUCT, MOMENT, SCALE, SLOPE, ALLOWED, MEAN = variables("S M P Z E a t D")

STATEMENT = Statement(
    hypotheses={
        "counting": WORDS * MOMENT <= MESSAGES * PRODUCT,
        "tangent of exp, averaged": SCALE * (1 + SLOPE * ALLOWED - SLOPE * MEAN) <= MOMENT,
        "mean error": MEAN <= ALLOWED,
        "slope": SLOPE >= 0,
        "scale": SCALE > 0,
        "words": WORDS > 0,
    },
    goal=WORDS * SCALE <= MESSAGES * PRODUCT,
)

LEMMA = Lemma(
    id="index_counting",
    words="If M Z <= S P (each message decodes to one word), Z >= E (1 + a t - a D) (exp lies above its tangent) and D "
    "<= t, then M E <= S P: with E = exp(-a t) and P = (1 + exp(-a))^m this is the INDEX bound.",
    range="all reals",
    discharges=(
        BySolvers(STATEMENT, needed=("counting", "tangent of exp, averaged", "mean error", "slope", "scale", "words")),
        ByKernel("handelman", polynomial_claim(STATEMENT)),
    ),
)
