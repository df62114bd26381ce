"""Reading one bit: the gap, the guarantee and the threshold, put together."""

from __future__ import annotations

from lowerbound.prove.expression import Opaque, variables
from lowerbound.prove.lemma import BySolvers, Lemma, Statement, Use

ETA, TAU, ZERO, ONE, HAT_ZERO, HAT_ONE = variables("eta tau o0 o1 h0 h1")
WEIGHT0, REST0, SHARE0, WEIGHT1, REST1, SHARE1 = variables("w0 r0 s0 w1 r1 s1")

STATEMENT = Statement(
    hypotheses={
        "eta from below": ETA >= 0,
        "eta from above": ETA < 1,
        "w0": WEIGHT0 > 0,
        "r0": REST0 >= 0,
        "gap of token 0": REST0 <= TAU * WEIGHT0,
        "s0 from below": SHARE0 >= 0,
        "s0 from above": SHARE0 <= REST0,
        "w1": WEIGHT1 > 0,
        "r1": REST1 >= 0,
        "gap of token 1": REST1 <= TAU * WEIGHT1,
        "s1 from below": SHARE1 >= 0,
        "s1 from above": SHARE1 <= REST1,
        "output for value 0": (ZERO * (WEIGHT0 + REST0)).equals(WEIGHT0 * 0 + SHARE0),
        "output for value 1": (ONE * (WEIGHT1 + REST1)).equals(WEIGHT1 * 1 + SHARE1),
        "answer for value 0": HAT_ZERO <= (1 + ETA) * ZERO,
        "answer for value 1": (1 - ETA) * ONE <= HAT_ONE,
        "multiplier": 2 * TAU < 1 - ETA,
    },
    goal=HAT_ZERO < HAT_ONE,
)

LEMMA = Lemma(
    id="reading_a_bit",
    words="If the multiplier makes 2 tau < 1 - eta, every answer that relative error eta allows for value 0 lies below "
    "every answer that it allows for value 1.",
    range="all reals",
    discharges=(
        BySolvers(
            STATEMENT,
            needed=("gap of token 0", "gap of token 1", "answer for value 0", "answer for value 1", "multiplier"),
        ),
    ),
    uses=(
        Use("softmax_gap_above", {"w": WEIGHT0, "r": REST0, "s": SHARE0, "t": TAU, "v": Opaque().number(0)}),
        Use("softmax_gap_below", {"w": WEIGHT1, "r": REST1, "s": SHARE1, "t": TAU, "v": Opaque().number(1)}),
        Use("decoding_bit", {}),
    ),
)
