"""The search for certificates, in floating point where that is faster; nothing that it finds is trusted.

A certificate is found once and stored; from then on every verification lets the kernel judge it.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import sympy
from flint import arb
from scipy.optimize import linprog

from lowerbound.core.scalars import ball, precision
from lowerbound.errors import LowerBoundError

HIGHEST_DEGREE = 4
COVER_PRECISION = 96
MOST_LEAVES = 5000


class NotFound(LowerBoundError):
    """No certificate was found; that proves nothing."""

    exit_code = 3


def find_payload(kind: str, claim: Mapping[str, Any]) -> dict[str, Any]:
    """A payload that should prove a claim of this kind; raises NotFound if none is found."""
    if kind == "handelman":
        return {"terms": _handelman_terms(claim)}
    if kind == "cover":
        return {"precision": COVER_PRECISION, "leaves": _cover_leaves(claim)}
    if kind == "index_optimum":
        return {}
    raise NotFound(f"nobody searches for certificates of the kind {kind!r}")


def _read(tree: Any, numbers: Any, variables: Mapping[str, Any], functions: Mapping[str, Any]) -> Any:
    """The value of an expression of the kernel's grammar in a given arithmetic."""
    if isinstance(tree, str):
        return variables[tree] if tree in variables else numbers(Fraction(tree))
    head, *rest = tree
    if head == "^":
        return _read(rest[0], numbers, variables, functions) ** rest[1]
    values = [_read(part, numbers, variables, functions) for part in rest]
    if head in functions:
        return functions[head](values[0])
    result = values[0]
    for value in values[1:]:
        result = {
            "+": lambda a, b: a + b,
            "-": lambda a, b: a - b,
            "*": lambda a, b: a * b,
            "/": lambda a, b: a / b,
        }[head](result, value)
    return result


def _handelman_terms(claim: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Nonnegative coefficients of products of hypotheses that add up to the goal: a linear program, made exact."""
    symbols = sympy.symbols(claim["variables"])
    table = dict(zip(claim["variables"], symbols, strict=True))

    def polynomial(part: Mapping[str, Any]) -> sympy.Poly:
        read = _read(part["expression"], lambda q: sympy.Rational(q.numerator, q.denominator), table, {})
        return sympy.Poly(read, *symbols)

    goal = polynomial(claim["goal"])
    hypotheses = {name: polynomial(part) for name, part in claim["hypotheses"].items()}
    strict = {name: part["strict"] for name, part in claim["hypotheses"].items()}
    for degree in range(1, HIGHEST_DEGREE + 1):
        products = [chosen for size in range(degree + 1) for chosen in combinations_with_replacement(hypotheses, size)]
        expanded = []
        for chosen in products:
            product = sympy.Poly(1, *symbols)
            for name in chosen:
                product *= hypotheses[name]
            expanded.append(product)
        found = _combination(goal, expanded, [all(strict[name] for name in chosen) for chosen in products])
        if found is not None and (not claim["goal"]["strict"] or any(c and s for c, s in zip(*found, strict=True))):
            return [
                {"coefficient": str(coefficient), "powers": {name: chosen.count(name) for name in set(chosen)}}
                for coefficient, chosen in zip(found[0], products, strict=True)
                if coefficient
            ]
    raise NotFound(f"no Handelman certificate of degree up to {HIGHEST_DEGREE}")


def _combination(
    goal: sympy.Poly, products: list[sympy.Poly], strict: list[bool]
) -> tuple[list[Fraction], list[bool]] | None:
    monomials = sorted({m for p in [goal, *products] for m in p.monoms()})
    rows = {monomial: place for place, monomial in enumerate(monomials)}
    matrix = sympy.zeros(len(monomials), len(products))
    for column, product in enumerate(products):
        for monomial, coefficient in product.terms():
            matrix[rows[monomial], column] = coefficient
    target = sympy.zeros(len(monomials), 1)
    for monomial, coefficient in goal.terms():
        target[rows[monomial], 0] = coefficient
    cost = [-1.0 if free else 1.0 for free in strict]
    solved = linprog(
        cost, A_eq=np.array(matrix, dtype=float), b_eq=np.array(target, dtype=float).ravel(), bounds=(0, 10)
    )
    if not solved.success:
        return None
    support = [column for column, value in enumerate(solved.x) if value > 1e-9]
    exact = matrix[:, support].gauss_jordan_solve(target)[0] if support else None
    if exact is None:
        return None
    values = [Fraction(0)] * len(products)
    for column, value in zip(support, exact.subs(dict.fromkeys(exact.free_symbols, 0)), strict=True):
        values[column] = Fraction(int(value.p), int(value.q))
    return (values, strict) if min(values) >= 0 else None


def _cover_leaves(claim: Mapping[str, Any]) -> list[dict[str, list[str]]]:
    """Leaves of a bisection of the box, on each of which the ball of the goal is positive."""
    box = {name: (Fraction(low), Fraction(high)) for name, (low, high) in claim["variables"].items()}
    todo, leaves = [box], []
    with precision(COVER_PRECISION):
        while todo:
            leaf = todo.pop()
            values = {name: ball(low).union(ball(high)) for name, (low, high) in leaf.items()}
            value = _read(claim["goal"], ball, values, {"exp": arb.exp, "log": arb.log})
            if value > 0:
                leaves.append({name: [str(low), str(high)] for name, (low, high) in leaf.items()})
                continue
            if value < 0 or not leaf or len(leaves) + len(todo) > MOST_LEAVES:
                raise NotFound(f"the goal is not positive on {leaf}, or needs more than {MOST_LEAVES} leaves")
            widest = max(leaf, key=lambda name: leaf[name][1] - leaf[name][0])
            low, high = leaf[widest]
            middle = (low + high) / 2
            todo += [leaf | {widest: (middle, high)}, leaf | {widest: (low, middle)}]
    return leaves
