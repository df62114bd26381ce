"""The exact value of attention, enclosed: every input float stands for its exact value, and balls bound the output."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb

from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.scalars import ball, precision


def attention_ball(
    query: Sequence[float],
    keys: Sequence[Sequence[float]],
    values: Sequence[Sequence[float]],
    *,
    rule: Rule,
    precision_bits: int = 128,
) -> list[arb]:
    """Balls that enclose the exact output row of one query, where each input float stands for its exact value.

    Contract: every returned ball contains the true value of the formula, and its width shrinks as `precision_bits`
    grows.
    """
    with precision(precision_bits):

        def exact(row: Sequence[float]) -> list[arb]:
            return [arb(float(x)) for x in row]

        def unit(row: list[arb]) -> list[arb]:
            if not isinstance(rule, L2Norm) or not any(x != 0 for x in row):
                return row
            norm = sum((x * x for x in row), arb(0)).sqrt()
            return [x / norm for x in row]

        if isinstance(rule, Scaled) and rule.scale is None:
            factor = 1 / arb(len(query)).sqrt()
        else:
            factor = ball(Fraction(rule.factor(len(query))))
        row = unit(exact(query))
        weights = [
            (factor * sum((a * b for a, b in zip(row, unit(exact(key)), strict=True)), arb(0))).exp() for key in keys
        ]
        total = sum(weights, arb(0))
        columns = zip(*(exact(value) for value in values), strict=True)
        return [sum((w * v for w, v in zip(weights, column, strict=True)), arb(0)) / total for column in columns]
