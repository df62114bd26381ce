"""Tokens and questions that an adversary puts to a cache, and how far the answers are from the truth.

The adversary plays fair. Promises are relative to sizes that floats and models have, so no cache is broken by numbers
that no model makes: entries of keys and of the tokens' queries lie in [-1, 1], and their rows are at least 1/2 long,
but for queries that are zero; values are 0 or in [1/256, 1]; logits are at most 100 in size; and under a relative
promise the truth is at least 1/256. Where keys and levels are public, keys are those and values are levels; in model
R2, those of the network.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lowerbound.core.oracle.attention import attention
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.rules import L2Norm, Rule, longest
from lowerbound.game.question import FloatArray, Terms, TokenRows

LARGEST_LOGIT = 100.0
SHORTEST_ROW = 0.5
SMALLEST_VALUE = 1 / 256
SMALLEST_TRUTH = 1 / 256
SLACK = 1e-9
"""Of the adversary's own rules, for rounding; no verdict depends on it."""


@dataclass(frozen=True, eq=False)
class Instance:
    """Tokens under some terms, and (m, d) queries that are asked after the last scale has been appended."""

    terms: Terms
    tokens: TokenRows
    queries: FloatArray


@dataclass(frozen=True, eq=False)
class Violation:
    """One answer and the truth: of one query, at one coordinate of one head.

    `ratio` is error / eta, the error being |answer - exact| under an additive promise and |answer - exact| / exact
    under a relative one. `certain` says that the promise is broken whatever the rounding of `exact` is.
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
    """A length, a power of two where lengths count, at which a query has a logit of over 50 with its own unit key."""
    return 1.0 if isinstance(rule, L2Norm) else 2.0 ** math.floor(math.log2(LARGEST_LOGIT / rule.factor(d)))


def largest_logit(instance: Instance) -> float:
    """A bound on the sum of absolute products of any query with any key."""
    queries, keys = instance.queries, instance.tokens.keys
    return instance.terms.rule.logit_bound(keys.shape[1], longest(queries), longest(keys))


def is_fair(instance: Instance) -> bool:
    """Whether the instance is in the class that the cache is made for; see above."""
    tokens, terms = instance.tokens, instance.terms
    if terms.key_family is not None:
        return bool(
            np.array_equal(tokens.keys, terms.reduction.keys.unit)
            and np.isin(tokens.values, terms.reduction.grid.level_array).all()
        )
    for rows in (tokens.keys, tokens.queries):
        lengths = np.sqrt((rows * rows).sum(axis=1))
        short = (lengths < SHORTEST_ROW - SLACK) & ((lengths > 0) | (rows is tokens.keys))
        if short.any() or (np.abs(rows) > 1 + SLACK).any():
            return False
    values = tokens.values
    in_range = ((values == 0) | ((values >= SMALLEST_VALUE) & (values <= 1))).all()
    return bool(in_range and instance.queries.any() and largest_logit(instance) <= LARGEST_LOGIT + SLACK)


def worst(instance: Instance, answers: FloatArray) -> Violation | None:
    """The answer, of (layers, heads, m, d), that is farthest outside the promise; None where no truth is large enough.

    Contract: `certain` only if the answer is outside for every truth within `rounding_bound` of the computed one.
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
