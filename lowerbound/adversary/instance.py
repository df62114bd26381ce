"""The tokens and queries that an adversary gives to a cache, and the distance of the answers from exact attention.

The adversary is fair: it uses only numbers of the size that models produce, because no cache promises anything about
others. Entries of keys and of the tokens' queries lie in [-1, 1]; their rows have length at least 1/2, except queries
that are zero; values are 0 or in [1/256, 1]; logits are at most 100 in absolute value; and under a relative promise
only exact outputs of at least 1/256 count. If keys and value levels are public, the tokens have those keys and levels;
in model R2, those that the public network generates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lowerbound.core.oracle.attention import attention
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.rows import longest
from lowerbound.core.rules import L2Norm, Rule
from lowerbound.errors import CacheContractBroken
from lowerbound.game.question import FloatArray, Terms, TokenRows

LARGEST_LOGIT = 100.0
SHORTEST_ROW = 0.5
SMALLEST_VALUE = 1 / 256
SMALLEST_TRUTH = 1 / 256
SLACK = 1e-9
"""Tolerance for rounding when fairness is checked; no verdict depends on it."""


@dataclass(frozen=True, eq=False)
class Instance:
    """Terms, tokens, and (m, d) queries that are asked after the last scale has been appended."""

    terms: Terms
    tokens: TokenRows
    queries: FloatArray


@dataclass(frozen=True, eq=False)
class Violation:
    """One answer beside the exact output, for one query at one coordinate of one head.

    `ratio` is error / eta; the error is |answer - exact| under an additive promise and |answer - exact| / exact under a
    relative one. `certain` means that the promise is broken for every possible rounding error of `exact`.
    """

    instance: Instance
    layer: int
    head: int
    coordinate: int
    answer: float
    exact: float
    ratio: float
    certain: bool


def query_length(rule: Rule, d: int) -> float:
    """A query length at which the logit with the query's own unit key lies in (50, 100].

    It is a power of two, so that multiplying by it is exact; under L2Norm, where lengths do not matter, it is 1.
    """
    return 1.0 if isinstance(rule, L2Norm) else 2.0 ** math.floor(math.log2(LARGEST_LOGIT / rule.factor(d)))


def largest_logit(instance: Instance) -> float:
    """An upper bound on |logit| for all queries and keys of the instance."""
    queries, keys = instance.queries, instance.tokens.keys
    return instance.terms.rule.logit_bound(keys.shape[1], longest(queries), longest(keys))


def is_fair(instance: Instance) -> bool:
    """Whether the instance obeys the rules in this module's docstring."""
    tokens, terms = instance.tokens, instance.terms
    if terms.key_family is not None:
        return bool(
            np.array_equal(tokens.keys, terms.reduction.keys.unit)
            and np.isin(tokens.values, terms.reduction.grid.level_array).all()
            and _is_generated(terms, tokens.values)
        )
    if terms.network:
        return False
    for rows in (tokens.keys, tokens.queries):
        lengths = np.sqrt((rows * rows).sum(axis=1))
        short = (lengths < SHORTEST_ROW - SLACK) & ((lengths > 0) | (rows is tokens.keys))
        if short.any() or (np.abs(rows) > 1 + SLACK).any():
            return False
    values = tokens.values
    in_range = ((values == 0) | ((values >= SMALLEST_VALUE) & (values <= 1))).all()
    return bool(in_range and instance.queries.any() and largest_logit(instance) <= LARGEST_LOGIT + SLACK)


def _is_generated(terms: Terms, values: FloatArray) -> bool:
    """Whether the cached tokens' values are those that the public network computes from some ids; True without one."""
    network = terms.reduction.network
    if network is None:
        return True
    bits = terms.reduction.grid.decode(values)
    ids = np.empty(0, np.int64)
    try:
        for scale in range(terms.schedule.n_scales - 1):
            ids = np.concatenate([ids, network.infer_ids(scale, bits[terms.schedule.rows_of(scale)], ids)])
    except CacheContractBroken:
        return False
    return True


def worst(instance: Instance, answers: FloatArray) -> Violation | None:
    """The answer, of (layers, heads, m, d), with the largest error / eta; None if no exact output is large enough.

    Contract: it is `certain` only if it breaks the promise for every exact output within `rounding_bound` of the
    computed one.
    """
    terms, tokens = instance.terms, instance.tokens
    truth = attention(instance.queries, tokens.keys, tokens.values, rule=terms.rule)
    additive, eta = terms.guarantee == "additive", float(terms.eta)
    counts = np.full(truth.shape, additive) | (truth >= SMALLEST_TRUTH)
    allowed = np.where(counts & (not additive), eta * truth, eta)
    ratios = np.where(counts, np.abs(answers - truth) / allowed, -1.0)
    layer, head, row, coordinate = map(int, np.unravel_index(int(ratios.argmax()), ratios.shape))
    ratio = float(ratios[layer, head, row, coordinate])
    if ratio < 0:
        return None
    answer, exact = float(answers[layer, head, row, coordinate]), float(truth[row, coordinate])
    blur = rounding_bound(
        d=terms.d, n_tokens=len(tokens.keys), max_logit=largest_logit(instance), max_value=float(tokens.values.max())
    )
    single = Instance(terms, tokens, instance.queries[row : row + 1])
    return Violation(single, layer, head, coordinate, answer, exact, ratio, _is_certain(terms, answer, exact, blur))


def _is_certain(terms: Terms, answer: float, exact: float, blur: float) -> bool:
    if not math.isfinite(blur):
        return False
    error = abs(Fraction(answer) - Fraction(exact)) - Fraction(blur)
    highest = Fraction(exact) + Fraction(blur)
    return error > (terms.eta if terms.guarantee == "additive" else terms.eta * highest)
