"""Subset sums: two lists of bits that a quantized linear state cannot distinguish, found by the solver z3."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Instance
from lowerbound.adversary.response import weights_of
from lowerbound.adversary.strategy import Attack, ask_for, distinct_keys, targets
from lowerbound.core.oracle.attention import attention_weights
from lowerbound.game.question import FloatArray, Terms, TokenRows

if TYPE_CHECKING:
    from z3 import ArithRef

BLURS = (Fraction(0), Fraction(1, 8), Fraction(1, 2))
"""How far apart the two states' sums may be, as a fraction of the required gap between the exact answers. A quantized
state may round such a difference away."""
DENOMINATOR = 2**20
"""z3 sees weights rounded to multiples of 1 / DENOMINATOR. No verdict depends on this: the cache is run again."""
MOST_TOKENS = 17
SOLVER_MS = 200


class SubsetSums(Attack):
    """Bits x and y with W x near W y, W the weights of all the cache's answers, and P x far from P y for one query.

    This is the analogue of a null space for bits: even if W has full rank over the reals, sums of two subsets of its
    columns may coincide, or differ by less than one level of a quantized state. Breaks linear states of few levels.
    """

    name: ClassVar[str] = "subset sums"

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        terms = box.terms
        keys, n_cached = distinct_keys(terms, box.instances), terms.schedule.n_tokens_cached
        if n_cached > MOST_TOKENS:
            return
        queries = ask_for(terms, keys[:n_cached])
        found = np.unique(np.round(weights_of(box, keys, queries)[..., :n_cached].reshape(-1, n_cached), 6), axis=0)
        true = attention_weights(queries, keys, rule=terms.rule)[:, :n_cached]
        gap = 2 * terms.eta
        for blur, target in product(BLURS, targets(terms)):
            bits = solve(found, true[target], gap, blur * gap)
            if bits is not None:
                for ones in (bits > 0, bits < 0):
                    yield _with_bits(terms, keys, queries[target], ones)


def solve(weights: FloatArray, truth: FloatArray, gap: Fraction, blur: Fraction) -> NDArray[np.int64] | None:
    """A vector z over {-1, 0, 1} with |weights z| <= blur in every row, and truth . z > gap; z is x - y for bits x, y.

    Contract: both hold for the weights rounded to multiples of 2^-20; None if z3 finds no such z in time.
    """
    import z3

    solver = z3.Solver()
    solver.set("timeout", SOLVER_MS)
    unknowns = [z3.Int(f"z{column}") for column in range(len(truth))]
    solver.add(*(z3.And(unknown >= -1, unknown <= 1) for unknown in unknowns))
    for row in np.atleast_2d(weights):
        total = _dot(row, unknowns)
        solver.add(total <= int(blur * DENOMINATOR), total >= -int(blur * DENOMINATOR))
    solver.add(_dot(truth, unknowns) > int(gap * DENOMINATOR))
    if solver.check() != z3.sat:
        return None
    model = solver.model()
    return np.array([model.eval(unknown, model_completion=True).as_long() for unknown in unknowns])


def _dot(row: FloatArray, unknowns: list[ArithRef]) -> ArithRef:
    import z3

    return z3.Sum([int(part) * unknown for part, unknown in zip(np.rint(row * DENOMINATOR), unknowns, strict=True)])


def _with_bits(terms: Terms, keys: FloatArray, query: FloatArray, ones: NDArray[np.bool_]) -> Instance:
    values = np.zeros_like(keys)
    values[: len(ones)] = ones[:, None]
    return Instance(terms, TokenRows(keys, values, keys), query[None])
