"""A slow second opinion on attention: plain Python, directly from the formula."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lowerbound.core.rules import L2Norm, Rule


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
