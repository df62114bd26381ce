"""Attention of many heads, or of many trials, in one call: those that share keys and queries share one product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.oracle.attention import attention
from lowerbound.core.oracle.by_threshold import deciding_attention
from lowerbound.core.rules import Rule
from lowerbound.core.threads import blocks, each, n_threads

FloatArray = NDArray[np.float64]

COLUMNS_AT_ONCE = 2048
"""Values side by side: wide enough for a fast product, and bounded, however many heads there are."""


@dataclass(frozen=True, eq=False)
class Question:
    """What one head asks: (m, d) queries over (t, d) keys and (t, h) values, t >= 0."""

    queries: FloatArray
    keys: FloatArray
    values: FloatArray
    rule: Rule

    def fingerprint(self) -> int:
        """The same for questions that share their weights, and hardly ever for others."""
        return hash((self.rule, self.queries.tobytes(), self.keys.tobytes()))

    def shares_weights(self, other: Question) -> bool:
        """Whether both have the same queries, keys and rule."""
        return (
            self.rule == other.rule
            and np.array_equal(self.queries, other.queries)
            and np.array_equal(self.keys, other.keys)
        )


def answers(questions: Sequence[Question], thresholds: FloatArray | None = None) -> list[FloatArray]:
    """What each question is answered, shape (m, h) each.

    Contract: each answer is that of `attention`, up to its rounding bound, and zeros over no keys. Questions with the
    same queries, keys and rule, as trials of one game and heads with public keys have, are asked once: the weights are
    made once, and their values, of one width h, stand side by side in one product, up to COLUMNS_AT_ONCE columns. With
    thresholds, answers are only as exact as the side of each threshold needs (`deciding_attention`).
    """
    groups: dict[object, list[int]] = {}
    for number, asked in enumerate(questions):
        alike = asked.fingerprint() if len(questions) > 1 else number
        members = groups.setdefault(alike, [])
        if not members or asked.shares_weights(questions[members[0]]):
            members.append(number)
        else:
            groups[alike, number] = [number]

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

    size = max(1, COLUMNS_AT_ONCE // max(1, questions[0].values.shape[1])) if questions else 1
    parts = [members[some] for members in groups.values() for some in blocks(len(members), size)]
    found = each(answered, parts, threads=n_threads()) if len(parts) > 1 else map(answered, parts)
    by_number: dict[int, FloatArray] = {}
    for members, them in zip(parts, found, strict=True):
        by_number.update(zip(members, them, strict=True))
    return [by_number[number] for number in range(len(questions))]
