"""Attention of many heads, or of many trials, in one call: those that share keys and queries share one product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.attention import Rule, attention
from lowerbound.core.single import deciding_attention
from lowerbound.core.threads import each, n_threads

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Question:
    """What one head asks: (m, d) queries over (t, d) keys and (t, h) values, t >= 0."""

    queries: FloatArray
    keys: FloatArray
    values: FloatArray
    rule: Rule


def answers(questions: Sequence[Question], thresholds: FloatArray | None = None) -> list[FloatArray]:
    """What each question is answered, shape (m, h) each.

    Contract: each answer is that of `attention`, up to its rounding bound, and zeros over no keys. Questions with the
    same queries, keys and rule, as trials of one game and heads with public keys have, are asked once: the weights are
    made once, and all their values stand side by side in one product. Values have one width h. With thresholds, answers
    are only as exact as the side of each threshold needs (`deciding_attention`).
    """
    groups: dict[object, list[int]] = {}
    for number, asked in enumerate(questions):
        same = (asked.rule, asked.queries.tobytes(), asked.keys.tobytes()) if len(questions) > 1 else number
        groups.setdefault(same, []).append(number)

    def answered(members: list[int]) -> list[FloatArray]:
        first = questions[members[0]]
        if not len(first.keys):
            return [np.zeros((len(first.queries), first.values.shape[1])) for _ in members]
        values = first.values
        if len(members) > 1:
            values = np.concatenate([questions[number].values for number in members], axis=1)
        if thresholds is None:
            found = attention(first.queries, first.keys, values, rule=first.rule)
        else:
            found = deciding_attention(first.queries, first.keys, values, rule=first.rule, thresholds=thresholds)
        return np.split(found, len(members), axis=1)

    found = each(answered, groups.values(), threads=n_threads()) if len(groups) > 1 else map(answered, groups.values())
    by_number: dict[int, FloatArray] = {}
    for members, them in zip(groups.values(), found, strict=True):
        by_number.update(zip(members, them, strict=True))
    return [by_number[number] for number in range(len(questions))]
