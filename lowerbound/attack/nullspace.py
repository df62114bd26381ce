"""Null spaces: two lists of values that a linear state cannot tell apart, and a query that can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from lowerbound.attack.black_box import BlackBox
from lowerbound.attack.instance import Instance
from lowerbound.attack.response import weights_of
from lowerbound.attack.strategy import Attack, ask_for, distinct_keys, targets
from lowerbound.core.oracle.attention import attention_weights
from lowerbound.game.question import FloatArray, Terms, TokenRows

REACH = 0.49
"""How far values go from 1/2 along a direction whose largest entry is 1: they stay in [1/100, 99/100]."""
RANK_TOLERANCE = 1e-6


class NullSpace(Attack):
    """Values along directions that the state map annihilates: one state, two truths, so that one answer is wrong.

    First exchanges of two values, which a sum of all does not feel; then, for a query of true weights P, the
    projection of P on the null space of the cache's own weights W. If P differs by more than 2 eta between two
    instances of one state, an additive promise is broken on at least one of them, whatever is answered.
    Breaks sums, slots, merged tokens and features.
    """

    name: ClassVar[str] = "null space"

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        for one, other in pairs(box):
            yield one
            yield other


def pairs(box: BlackBox) -> Iterator[tuple[Instance, Instance]]:
    """Two instances that differ in their values alone; those of equal state bytes before the others of their kind."""
    terms = box.terms
    keys, n_cached = distinct_keys(terms), terms.schedule.n_tokens_cached
    queries = ask_for(terms, keys[:n_cached])
    yield from _equal_first(box, list(_exchanges(terms, keys, queries)))
    found = weights_of(box, keys, queries)[..., :n_cached].reshape(-1, n_cached)
    _, sizes, right = np.linalg.svd(found)
    null = right[int((sizes > RANK_TOLERANCE * max(1.0, float(sizes.max()))).sum()) :]
    true = attention_weights(queries, keys, rule=terms.rule)[:, :n_cached]
    projected = true @ null.T @ null
    order = np.argsort(-np.abs(projected).sum(axis=1), kind="stable")
    candidates = [(queries[row], projected[row]) for row in order[:3] if np.abs(projected[row]).max() > RANK_TOLERANCE]
    yield from _equal_first(box, [_along(terms, keys, query, direction) for query, direction in candidates])


def _exchanges(terms: Terms, keys: FloatArray, queries: FloatArray) -> Iterator[tuple[Instance, Instance]]:
    """Value 1 at one token and 0 at all others, and the same of its neighbour."""
    for target in targets(terms)[:-1]:
        one, other = (np.zeros_like(keys) for _ in range(2))
        one[target], other[target + 1] = 1.0, 1.0
        asked = queries[target : target + 2]
        yield tuple(Instance(terms, TokenRows(keys, values, keys), asked) for values in (one, other))  # type: ignore[misc]


def _along(terms: Terms, keys: FloatArray, query: FloatArray, direction: FloatArray) -> tuple[Instance, Instance]:
    step = REACH * direction / np.abs(direction).max()
    step = np.pad(step, (0, len(keys) - len(step)))[:, None]
    one, other = (
        Instance(terms, TokenRows(keys, np.tile(0.5 + sign * step, (1, terms.d)), keys), query[None])
        for sign in (1, -1)
    )
    return one, other


def _equal_first(box: BlackBox, found: list[tuple[Instance, Instance]]) -> list[tuple[Instance, Instance]]:
    return sorted(found, key=lambda pair: not have_one_state(box, *pair))


def have_one_state(box: BlackBox, one: Instance, other: Instance) -> bool:
    """Whether the cache's bytes are the same for both."""
    return box.state_and_answers(one)[0] == box.state_and_answers(other)[0]
