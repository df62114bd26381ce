"""Attention of many heads or trials in one call: those with equal queries, keys and rule share their weights."""

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
"""The largest number of value columns that share one product: wide enough to be fast, and bounded in memory."""


@dataclass(frozen=True, eq=False)
class Question:
    """The attention that one head asks for: (m, d) queries over (t, d) keys and (t, h) values, t >= 0."""

    queries: FloatArray
    keys: FloatArray
    values: FloatArray
    rule: Rule

    def fingerprint(self) -> int:
        """A hash of rule, queries and keys: equal for questions that share weights, rarely equal for others."""
        return hash((self.rule, self.queries.tobytes(), self.keys.tobytes()))

    def shares_weights(self, other: Question) -> bool:
        """Whether both questions have equal queries, keys and rule, so that their softmax weights are equal."""
        return (
            self.rule == other.rule
            and np.array_equal(self.queries, other.queries)
            and np.array_equal(self.keys, other.keys)
        )


def answers(questions: Sequence[Question], thresholds: FloatArray | None = None) -> list[FloatArray]:
    """The answers to all questions, in order, each of shape (m, h).

    Contract: each answer equals `attention` up to its rounding bound, and is zero where there are no keys. With
    thresholds, an answer is only exact enough to decide on which side of each threshold it lies
    (`deciding_attention`). Questions that share weights must have values of the same width h.
    """
    # Trials of one game, and heads with public keys, ask with equal queries and keys. Their exponentials are the
    # expensive part, so they are computed once, and the values of all such questions are concatenated column by column.
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

    # A group of questions is cut so that one product has at most COLUMNS_AT_ONCE columns: more would not be faster, and
    # memory would grow with the number of heads. The parts are independent, so they run in parallel.
    size = max(1, COLUMNS_AT_ONCE // max(1, questions[0].values.shape[1])) if questions else 1
    parts = [members[some] for members in groups.values() for some in blocks(len(members), size)]
    found = each(answered, parts, threads=n_threads()) if len(parts) > 1 else map(answered, parts)
    by_number: dict[int, FloatArray] = {}
    for members, them in zip(parts, found, strict=True):
        by_number.update(zip(members, them, strict=True))
    return [by_number[number] for number in range(len(questions))]
