"""The slope that makes the counting bound of INDEX sharp: a = ln((1 - delta)/delta)."""

from __future__ import annotations

import sympy

from lowerbound.prove.expression import variables
from lowerbound.prove.lemma import BySolvers, Lemma, Statement, computation

DELTA, LOG_DELTA, LOG_REST, SLOPE, LOG_SUM = variables("delta p q a s")

STATEMENT = Statement(
    hypotheses={
        "slope": SLOPE.equals(LOG_REST - LOG_DELTA),
        "sum": LOG_SUM.equals(0 - LOG_REST),
    },
    goal=(0 - SLOPE * DELTA - LOG_SUM).equals(DELTA * LOG_DELTA + (1 - DELTA) * LOG_REST),
)


def slopes_are_stationary() -> int:
    """The derivative of -a delta - ln(1 + exp(-a)) vanishes at the slope, and its second derivative is negative."""
    a, t = sympy.symbols("a t", positive=True)
    exponent = -a / (1 + t) - sympy.log(1 + sympy.exp(-a))
    at_optimum = sympy.diff(exponent, a).subs(a, sympy.log(t))
    assert sympy.simplify(at_optimum) == 0, at_optimum
    curvature = sympy.simplify(sympy.diff(exponent, a, 2) * (1 + sympy.exp(a)) ** 2 / sympy.exp(a))
    assert curvature == -1, curvature
    return 2


WORDS = (
    "With p = ln delta, q = ln(1 - delta), slope a = q - p and s = ln(1 + exp(-a)) = -q, the exponent -a delta - "
    "s of the counting bound is delta ln delta + (1 - delta) ln(1 - delta), that is -H2(delta) ln 2; and no slope does "
    "better."
)
RANGE = "all reals; delta = 1/(1 + t), all t > 0"

LEMMA = Lemma(
    id="index_optimum",
    words=WORDS,
    range=RANGE,
    discharges=(BySolvers(STATEMENT, needed=("slope", "sum")), computation(WORDS, RANGE, slopes_are_stationary)),
)
