"""Two slow reference implementations of attention: plain Python, and an interval enclosure of the exact value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from flint import arb

from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.scalars import ball, precision


def attention_naive(
    queries: Sequence[Sequence[float]],
    keys: Sequence[Sequence[float]],
    values: Sequence[Sequence[float]],
    *,
    rule: Rule,
) -> list[list[float]]:
    """The outputs of `attention`, computed in plain Python directly from the formula, for tests and for readers.

    There are no blocks; the only numerical device is subtracting the largest logit.
    """

    def unit(row: Sequence[float]) -> list[float]:
        norm = math.sqrt(math.fsum(x * x for x in row))
        return [x / norm for x in row] if norm and isinstance(rule, L2Norm) else list(row)

    outputs = []
    for query in map(unit, queries):
        logits = [
            rule.factor(len(query)) * math.fsum(a * b for a, b in zip(query, unit(key), strict=True)) for key in keys
        ]
        weights = [math.exp(logit - max(logits)) for logit in logits]
        total = math.fsum(weights)
        outputs.append(
            [
                math.fsum(w * row[column] for w, row in zip(weights, values, strict=True)) / total
                for column in range(len(values[0]))
            ]
        )
    return outputs


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
