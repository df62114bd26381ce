"""Differential: one expression, read by five readers, has one value."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
import z3
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.core.bounds import FORMULAS
from lowerbound.core.scalars import ball
from lowerbound.errors import InvalidArgument
from lowerbound.kernel.codec import digest
from lowerbound.kernel.judge import judge
from lowerbound.kernel.verdict import Outcome
from lowerbound.prove.expression import Expression, Opaque, Relation, substitute, variable, variables
from lowerbound.prove.readers import to_json, to_latex, to_text, to_z3
from tests.prove.evaluated import to_ball, to_numpy

X, Y = variables("x y")
rationals = st.fractions(Fraction(-5), Fraction(5), max_denominator=20)
expressions = st.recursive(
    st.one_of(st.just(X), st.just(Y), rationals.map(Opaque().number)),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda ab: ab[0] + ab[1]),
        st.tuples(inner, inner).map(lambda ab: ab[0] - ab[1]),
        st.tuples(inner, inner).map(lambda ab: ab[0] * ab[1]),
        st.tuples(inner, st.integers(0, 3)).map(lambda ab: ab[0] ** ab[1]),
    ),
    max_leaves=8,
)


def exactly(expression: Expression, x: Fraction, y: Fraction) -> Fraction:
    """The value, by substitution into Python's own fractions."""
    head, parts = expression.operator, expression.operands
    if head == "variable":
        return {"x": x, "y": y}[parts[0]]
    if head == "number":
        return Fraction(parts[0])
    if head == "^":
        return Fraction(exactly(parts[0], x, y) ** parts[1])
    left, right = (exactly(part, x, y) for part in parts)
    return {"+": left + right, "-": left - right, "*": left * right}[head]


@given(expressions, rationals, rationals)
def test_all_readers_agree(expression: Expression, x: Fraction, y: Fraction) -> None:
    """Differential: exact fractions, balls, floats, z3 and the kernel read the same number."""
    value = exactly(expression, x, y)
    assert to_ball(expression, {"x": ball(x), "y": ball(y)}).contains(ball(value).mid()) or value.denominator > 1
    assert abs(to_ball(expression, {"x": ball(x), "y": ball(y)}) - ball(value)).lower() <= 0
    scale = 1 + abs(float(value))
    assert (
        abs(to_numpy(expression, {"x": np.float64(float(x)), "y": np.float64(float(y))}) - float(value))
        <= 1e-6 * scale**2 + 1e-3
    )
    solver = z3.Solver()
    solver.add(z3.Real("x") == z3.RealVal(str(x)), z3.Real("y") == z3.RealVal(str(y)))
    solver.add(z3.Not(to_z3(expression.equals(value))))
    assert solver.check() == z3.unsat
    constant = substitute(expression, {"x": Opaque().number(x), "y": Opaque().number(y)})
    statement = {"id": "value", "kind": "cover", "claim": {"variables": {}, "goal": to_json(constant - value + 1)}}
    certificate = {"kind": "cover", "proves": digest(statement), "payload": {"precision": 256, "leaves": [{}]}}
    verdict = judge(json.dumps(statement).encode(), json.dumps(certificate).encode())
    assert verdict.outcome is Outcome.VERIFIED, verdict.reason


def test_formulas_of_the_library_become_expressions() -> None:
    """Law: the game's formulas and the book's are one object: every formula has a body that reads as an expression."""
    for formula in FORMULAS:
        names = [f"v{place}" for place in range(len(formula.letters))]
        expression = formula.body(Opaque(), *(variable(name) for name in names))
        assert expression.variables() == frozenset(names)
        arguments = [Fraction(place + 2, 2 * place + 5) for place in range(len(names))]
        values = {name: ball(value) for name, value in zip(names, arguments, strict=True)}
        assert to_ball(expression, values).overlaps(formula.enclosure(*arguments))


def test_exp_and_log_are_opaque() -> None:
    """Law: a solver knows nothing of exp but that it is a function."""
    solver = z3.Solver()
    solver.add(to_z3(Opaque().exp(X) <= 0))
    assert solver.check() == z3.sat
    solver.add(z3.Real("x") == z3.Real("y"), z3.Not(to_z3(Opaque().exp(X).equals(Opaque().exp(Y)))))
    assert solver.check() == z3.unsat


def test_division_is_cleared_or_refused() -> None:
    """Law: a quotient on top of a side is multiplied out; one inside is refused: solvers divide by zero."""
    assert str(to_z3(X / Y <= 2)) == str(to_z3(Opaque().number(2) * Y >= X))
    with pytest.raises(InvalidArgument, match="divide at the top"):
        to_z3(X / Y + 1 <= 2)


def test_printing() -> None:
    """Definition: text for terminals, LaTeX in the paper's letters."""
    eta, tau = variables("eta tau")
    relation = 2 * tau < 1 - eta
    assert to_text(relation) == "2*tau < 1 - eta"
    assert to_latex(relation) == r"2 \tau < 1 - \eta"


@pytest.mark.parametrize("value", [0.5, True, "x", None])
def test_only_exact_numbers_enter(value: object) -> None:
    """Bad input: floats are refused."""
    with pytest.raises(InvalidArgument, match="exact rationals"):
        X + value


def test_a_relation_is_no_truth_value() -> None:
    """Law: nobody writes `if relation:`."""
    with pytest.raises(TypeError, match="not a truth value"):
        bool(Relation(X, "<", Y))
    assert arb(1) < arb(2)
