r"""Softmax gap: if the other keys weigh at most t of the one asked for, its value is read up to t.

For a weight w > 0 on token i, rest r with 0 <= r <= t w, values in [0, 1] and a value v of token i, the output
o = (w v + s) / (w + r), 0 <= s <= r, satisfies |o - v| <= t. Range: all reals; T and the keys enter only through t.
"""

from __future__ import annotations

import z3

STATEMENT = "0 <= r <= t w, 0 <= s <= r, 0 <= v <= 1, w > 0  =>  |(w v + s)/(w + r) - v| <= t"


def obligations() -> dict[str, tuple[list[z3.BoolRef], z3.BoolRef]]:
    """Each obligation: its hypotheses and its goal. Divisions are cross-multiplied: w + r > 0."""
    w, r, s, t, v = z3.Reals("w r s t v")
    hypotheses = [w > 0, t >= 0, r >= 0, r <= t * w, s >= 0, s <= r, v >= 0, v <= 1]
    numerator, total = w * v + s, w + r
    return {
        "not above": (hypotheses, numerator - v * total <= t * total),
        "not below": (hypotheses, v * total - numerator <= t * total),
    }
