"""Null spaces: two lists of values with the same linear state, and a query whose exact answers to them differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Instance
from lowerbound.adversary.response import weights_of
from lowerbound.adversary.strategy import Attack, ask_for, distinct_keys, targets
from lowerbound.core.oracle.attention import attention_weights
from lowerbound.game.question import FloatArray, Terms, TokenRows

REACH = 0.49
"""The largest distance of a value from 1/2 along a direction; so values stay in [1/100, 99/100]."""
RANK_TOLERANCE = 1e-6


class NullSpace(Attack):
    """Pairs of value lists that differ by a vector in the null space of the state map: one state, two exact answers.

    First, two values are exchanged, which leaves a sum over all values unchanged. Then, for a query with exact
    attention weights P, the difference is the projection of P onto the null space of the weights W that the cache uses.
    If the exact answers to two instances with the same state differ by more than 2 eta, every answer breaks an additive
    promise on at least one of them.
    Breaks caches that store sums, slots, merged tokens or features.
    """

    name: ClassVar[str] = "null space"

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        for one, other in pairs(box):
            yield one
            yield other


def pairs(box: BlackBox) -> Iterator[tuple[Instance, Instance]]:
    """Pairs of instances that differ only in their values; exchanges first, and pairs with equal state bytes first."""
    terms = box.terms
    keys, n_cached = distinct_keys(terms, box.instances), terms.schedule.n_tokens_cached
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
    """For each target: value 1 at the target and 0 elsewhere, paired with value 1 at the next token only."""
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
    """Whether the cache's state bytes are the same for both instances."""
    return box.state_and_answers(one)[0] == box.state_and_answers(other)[0]
