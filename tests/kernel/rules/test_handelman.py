"""Definitions and laws: polynomial certificates are expanded exactly; sympy is the second opinion."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.examples import EXAMPLES, REJECTED, VERIFIED, ask, inequality

VARIABLES = ["x", "y"]
HYPOTHESES: dict[str, Any] = {
    "x": inequality("x", strict=True),
    "y": inequality(["-", "1", ["^", "y", 2]]),
    "both": inequality(["+", ["*", "x", "y", "2/3"], "x", "1"], strict=True),
}

terms = st.fixed_dictionaries(
    {
        "coefficient": st.fractions(Fraction(1, 50), 100, max_denominator=50).map(str),
        "powers": st.dictionaries(st.sampled_from(list(HYPOTHESES)), st.integers(1, 3), max_size=3),
    }
)


def symbolic(expression: Any) -> sympy.Expr:
    """The expression in sympy."""
    if isinstance(expression, str):
        return sympy.Symbol(expression) if expression[0].isalpha() else sympy.Rational(expression)
    head, *arguments = expression
    if head == "^":
        return symbolic(arguments[0]) ** arguments[1]
    parts = [symbolic(argument) for argument in arguments]
    if head in "+*":
        return (sympy.Add if head == "+" else sympy.Mul)(*parts)
    return parts[0] - parts[1] if head == "-" else parts[0] / parts[1]


def combination(certificate: list[Any], hypotheses: dict[str, Any]) -> sympy.Expr:
    """The sum that a certificate denotes."""
    return sympy.Add(
        *(
            sympy.Rational(term["coefficient"])
            * sympy.Mul(*(symbolic(hypotheses[name]["expression"]) ** n for name, n in term["powers"].items()))
            for term in certificate
        )
    )


def prefix(polynomial: sympy.Poly) -> Any:
    """The expanded polynomial, as a claim writes it."""
    monomials = [
        ["*", str(coefficient), *(["^", name, power] for name, power in zip(VARIABLES, powers, strict=True))]
        for powers, coefficient in polynomial.terms()
    ]
    return ["+", "0", *monomials]


@given(st.lists(terms, min_size=1, max_size=4))
def test_positive_combinations_are_accepted(certificate: list[Any]) -> None:
    """Law: whatever a certificate sums to, it proves; and one step less it does not."""
    goal = prefix(sympy.Poly(combination(certificate, HYPOTHESES), *sympy.symbols(VARIABLES)))
    claim = {"variables": VARIABLES, "hypotheses": HYPOTHESES, "goal": inequality(goal)}
    assert ask("handelman", claim, {"terms": certificate}).outcome is VERIFIED
    strict = any(set(term["powers"]) <= {"x", "both"} for term in certificate)
    claim["goal"] = inequality(goal, strict=True)
    assert ask("handelman", claim, {"terms": certificate}).outcome is (VERIFIED if strict else REJECTED)
    claim["goal"] = inequality(["-", goal, "1/1000000000000"])
    verdict = ask("handelman", claim, {"terms": certificate})
    assert verdict.outcome is REJECTED
    assert "differs" in verdict.reason


@pytest.mark.parametrize(
    ("goal", "certificate"),
    [
        (inequality("0"), []),
        (inequality("1/3", strict=True), [{"coefficient": "1/3", "powers": {}}]),
        (inequality(["^", "x", 0], strict=True), [{"coefficient": "1", "powers": {}}]),
        (inequality(["*", ["^", "x", 3], ["/", "6", "4"]]), [{"coefficient": "3/2", "powers": {"x": 3}}]),
        (inequality(["-", ["+", "x", "y", "x"], ["+", "x", "y"]]), [{"coefficient": "2/2", "powers": {"x": 1}}]),
    ],
)
def test_small_certificates(goal: Any, certificate: list[Any]) -> None:
    """Definition: cases done by hand; the empty sum is 0 and the empty product is 1."""
    claim = {"variables": VARIABLES, "hypotheses": HYPOTHESES, "goal": goal}
    assert ask("handelman", claim, {"terms": certificate}).outcome is VERIFIED


@pytest.mark.parametrize(
    ("expression", "word"),
    [
        (["exp", "x"], "must not use exp"),
        (["log", "x"], "must not use log"),
        (["/", "x", "y"], "nonzero constant"),
        (["/", "x", ["-", "y", "y"]], "nonzero constant"),
        (["/", "x", "0"], "nonzero constant"),
        (["^", ["^", ["^", ["+", "x", "y"], 256], 256], 256], "limit"),
        (["^", ["^", ["^", "2", 256], 256], 256], "limit"),
        (["^", "x", -1], "exponent"),
        (["^", "x", True], "exponent"),
        (["^", "x", "2"], "exponent"),
        (["+", "x"], "number of arguments"),
        (["-", "x", "y", "x"], "number of arguments"),
        (["sin", "x"], "unknown operation"),
        ([], "unknown operation"),
        ([["+"], "x", "y"], "unknown operation"),
        ("z", "unknown variable"),
        ("x y", "rational text"),
        (1, "list"),
        (None, "list"),
        ({}, "list"),
    ],
)
def test_expressions_outside_the_grammar(expression: Any, word: str) -> None:
    """Bad input: the reason names what is wrong, and exploding powers stop early."""
    claim = {"variables": VARIABLES, "hypotheses": HYPOTHESES, "goal": inequality(expression)}
    verdict = ask("handelman", claim, {"terms": []})
    assert verdict.outcome is REJECTED
    assert word in verdict.reason


def test_the_example_by_sympy() -> None:
    """Differential: the example's identity, expanded by somebody else."""
    _, claim, payload = EXAMPLES["handelman"]
    assert sympy.expand(combination(payload["terms"], claim["hypotheses"]) - symbolic(claim["goal"]["expression"])) == 0
