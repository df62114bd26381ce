"""The readers of an expression: z3 (cvc5 gets its text), exact rationals, LaTeX, the kernel's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy
import z3

from lowerbound.errors import InvalidArgument
from lowerbound.prove.expression import Expression, Relation, fold
from lowerbound.prove.lemma import Statement


class _Z3:
    """exp and log are uninterpreted functions: only stated hypotheses speak of them."""

    _exp = z3.Function("EXP", z3.RealSort(), z3.RealSort())
    _log = z3.Function("LOG", z3.RealSort(), z3.RealSort())

    def variable(self, name: str) -> Any:
        return z3.Real(name)

    def number(self, value: Fraction) -> Any:
        return z3.RealVal(f"{value.numerator}/{value.denominator}")

    def exp(self, x: Any) -> Any:
        return self._exp(x)

    def log(self, x: Any) -> Any:
        return self._log(x)


def to_z3(relation: Relation) -> Any:
    """The relation as a z3 formula, denominators cleared: a / b < c with b > 0 stated elsewhere becomes a < c b."""
    left, right = cleared(relation)
    a, b = fold(left, _Z3()), fold(right, _Z3())
    return {"<": a < b, "<=": a <= b, "=": a == b}[relation.sign]


def cleared(relation: Relation) -> tuple[Expression, Expression]:
    """Both sides, cross-multiplied. A division inside raises InvalidArgument, because solvers give x / 0 a value."""
    left, right = relation.left, relation.right
    if left.operator == "/":
        left, right = left.operands[0], right * left.operands[1]
    if right.operator == "/":
        left, right = left * right.operands[1], right.operands[0]
    if _divides(left) or _divides(right):
        raise InvalidArgument("a relation for a solver must divide at the top of a side only, by something positive")
    return left, right


def check_denominators(statement: Statement) -> None:
    """Raise InvalidArgument unless every denominator of a statement is positive by its hypotheses, as they stand.

    Contract: sound, and incomplete on purpose. Positive are a positive number, a variable with the hypothesis 0 < x, a
    sum of nonnegative terms of which one is positive, a product of positive factors, and b - a with the hypothesis
    a < b. Without this, clearing denominators would prove a / b > 0 for a > 0 and b < 0.
    """
    known = list(statement.hypotheses.values())
    for relation in (*known, statement.goal):
        for side in (relation.left, relation.right):
            if side.operator == "/" and not _is_positive(side.operands[1], known, strictly=True):
                raise InvalidArgument(
                    f"a denominator must be positive by the hypotheses, got one that is not seen to be, in "
                    f"{to_text(relation)}"
                )


def _is_positive(expression: Expression, known: Sequence[Relation], *, strictly: bool) -> bool:
    """Whether an expression is > 0, or >= 0 unless strictly, by hypotheses that state it and by sums and products."""
    zero = Expression("number", (Fraction(0),))
    signs = ("<",) if strictly else ("<", "<=")
    if any(r.sign in signs and r.left == zero and r.right == expression for r in known):
        return True
    match expression.operator:
        case "number":
            return bool(expression.operands[0] > 0) or (not strictly and bool(expression.operands[0] == 0))
        case "+":
            terms = expression.operands
            at_least_0 = all(_is_positive(term, known, strictly=False) for term in terms)
            return at_least_0 and (not strictly or any(_is_positive(term, known, strictly=True) for term in terms))
        case "*":
            return all(_is_positive(factor, known, strictly=strictly) for factor in expression.operands)
        case "-":
            larger, smaller = expression.operands
            return any(r.sign in signs and r.left == smaller and r.right == larger for r in known)
    return False


def _divides(expression: Expression) -> bool:
    if expression.operator == "/":
        return bool(expression.operands[1].operator != "number")
    return any(_divides(operand) for operand in expression.operands if isinstance(operand, Expression))


@dataclass(frozen=True)
class _Exact:
    values: Mapping[str, Fraction]

    def variable(self, name: str) -> Fraction:
        return self.values.get(name, Fraction(0))

    def number(self, value: Fraction) -> Fraction:
        return value

    def exp(self, x: Fraction) -> Fraction:
        raise InvalidArgument("an exact value must be rational, got an exponential")

    log = exp


def holds(relation: Relation, values: Mapping[str, Fraction]) -> bool:
    """Whether a relation is true at exact rationals; variables without a value are 0."""
    left, right = (fold(side, _Exact(values)) for side in cleared(relation))
    return bool({"<": left < right, "<=": left <= right, "=": left == right}[relation.sign])


@dataclass(frozen=True)
class _Sympy:
    letters: Mapping[str, str]

    def variable(self, name: str) -> Any:
        return sympy.Symbol(self.letters.get(name, name))

    def number(self, value: Fraction) -> Any:
        return sympy.Rational(value.numerator, value.denominator)

    def exp(self, x: Any) -> Any:
        return sympy.Function("exp")(x)

    def log(self, x: Any) -> Any:
        return sympy.Function("ln")(x)


LETTERS = {
    "eta": r"\eta", "tau": r"\tau", "mu": r"\mu", "delta": r"\delta", "beta": r"\beta", "multiplier": r"\lambda",
    "rho": r"\rho", "gamma": r"\gamma",
}  # fmt: skip


def to_latex(relation: Relation) -> str:
    """The relation, typeset in the paper's letters."""
    sign = {"<": "<", "<=": r"\le", "=": "="}[relation.sign]
    left, right = (sympy.latex(fold(side, _Sympy(LETTERS))) for side in (relation.left, relation.right))
    return f"{left} {sign} {right}"


def to_text(relation: Relation) -> str:
    """The relation in plain characters, for a terminal."""
    left, right = (fold(side, _Sympy({})) for side in (relation.left, relation.right))
    return f"{left} {relation.sign} {right}"


class _Json:
    def variable(self, name: str) -> _Prefix:
        return _Prefix(name)

    def number(self, value: Fraction) -> _Prefix:
        return _Prefix(str(value))

    def exp(self, x: _Prefix) -> _Prefix:
        return _Prefix(["exp", x.value])

    def log(self, x: _Prefix) -> _Prefix:
        return _Prefix(["log", x.value])


@dataclass(frozen=True)
class _Prefix:
    value: Any

    def __add__(self, other: _Prefix) -> _Prefix:
        return _Prefix(["+", self.value, other.value])

    def __sub__(self, other: _Prefix) -> _Prefix:
        return _Prefix(["-", self.value, other.value])

    def __mul__(self, other: _Prefix) -> _Prefix:
        return _Prefix(["*", self.value, other.value])

    def __truediv__(self, other: _Prefix) -> _Prefix:
        return _Prefix(["/", self.value, other.value])

    def __pow__(self, exponent: int) -> _Prefix:
        return _Prefix(["^", self.value, exponent])


def to_json(expression: Expression) -> Any:
    """The expression in the kernel's grammar: prefix lists of strings."""
    return fold(expression, _Json()).value
