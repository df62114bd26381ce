"""Response attacks: measure the weight that the cache gives to every token, and choose values that maximize errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import SMALLEST_TRUTH, Instance
from lowerbound.adversary.strategy import Attack, ask_for, distinct_keys
from lowerbound.core.oracle.attention import attention_weights
from lowerbound.game.question import FloatArray, Terms, TokenRows

RADII = (1.0, 0.5, 0.25, 0.125, 0.0625)
"""Distances of keys from their common direction. The nearer keys are, the more their rounding changes their weights."""
TURNS = 2
MOST_AIMS = 3
LEAST_WEIGHT = 1e-300
NEAR = 8


class Census(Attack):
    """Distinct keys, a query for each, and values that amplify the errors in the cache's attention weights.

    Breaks caches that drop or mix tokens, whichever tokens they choose.
    """

    name: ClassVar[str] = "census"

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        for turn in range(TURNS):
            keys = distinct_keys(box.terms, box.instances, turn)
            yield from aimed(box, keys, ask_for(box.terms, keys[: box.terms.schedule.n_tokens_cached]))


class Response(Attack):
    """Keys near one direction, queries near it too, and values that amplify the largest errors in attention weights.

    Breaks caches that store keys in few bits, through the rounding of keys, and caches that average over similar keys.
    """

    name: ClassVar[str] = "response"

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        terms = box.terms
        shape = terms.schedule.n_tokens, terms.d
        coins = box.instances.coins(f"attack/response {shape}").generator()
        for radius in RADII:
            for _ in range(TURNS):
                keys = np.eye(1, terms.d)[0] + radius * coins.standard_normal(shape) / terms.d**0.5
                keys /= np.sqrt((keys * keys).sum(axis=1, keepdims=True))
                queries = ask_for(terms, np.concatenate([np.eye(1, terms.d), keys[:NEAR]]))
                yield from aimed(box, keys, queries)


def aimed(box: BlackBox, keys: FloatArray, queries: FloatArray) -> Iterator[Instance]:
    """Instances with values 0 and 1, chosen for the queries whose attention weights are most wrong.

    For most caches an answer is linear in the values. If the values of d tokens are the d unit vectors, coordinate i of
    an answer is the weight of the i-th of these tokens, so n / d runs give the weights W of all n tokens. The exact
    weights P are known. Values that are 1 where W - P has one sign, and 0 elsewhere, maximize the error of that query.
    """
    found = weights_of(box, keys, queries)
    true = attention_weights(queries, keys, rule=box.terms.rule)
    mistakes = (found - true).reshape(-1, *true.shape)
    order = np.argsort(-np.abs(mistakes).sum(axis=(0, 2)), kind="stable")
    for row in order[:MOST_AIMS]:
        head = int(np.abs(mistakes[:, row]).sum(axis=1).argmax())
        for mistake in (mistakes[head, row], -mistakes[head, row]):
            yield _with_values(box.terms, keys, queries[row], mistake > 0)
            yield _with_values(box.terms, keys, queries[row], _steepest(mistake, true[row]))


def weights_of(box: BlackBox, keys: FloatArray, queries: FloatArray) -> FloatArray:
    """The weight that each head gives to each token, shape (layers, heads, m, n); measured for d tokens per run."""
    n_tokens, d = keys.shape
    blocks = []
    for start in range(0, n_tokens, d):
        indicators = np.eye(n_tokens)[:, start : start + d]
        values = np.pad(indicators, ((0, 0), (0, d - indicators.shape[1])))
        blocks.append(box.state_and_answers(Instance(box.terms, TokenRows(keys, values, keys), queries))[1])
    return np.concatenate(blocks, axis=3)[..., :n_tokens]


def _steepest(mistake: FloatArray, weights: FloatArray) -> NDArray[np.bool_]:
    """The tokens with the largest error relative to their weight, as many as needed for an exact output that counts."""
    order = np.argsort(-mistake / np.maximum(weights, LEAST_WEIGHT), kind="stable")
    count = int(np.searchsorted(np.cumsum(weights[order]), SMALLEST_TRUTH)) + 1
    return np.isin(np.arange(len(weights)), order[:count])


def _with_values(terms: Terms, keys: FloatArray, query: FloatArray, ones: NDArray[np.bool_]) -> Instance:
    values = np.tile(ones.astype(np.float64)[:, None], (1, terms.d))
    return Instance(terms, TokenRows(keys, values, keys), query[None])
