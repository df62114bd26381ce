"""One expression object for every reader: z3, SMT-LIB, Arb, NumPy, LaTeX and the kernel's JSON.

An expression is built with ordinary operators; `fold` reads it once with the arithmetic of whoever asks. exp and log
are opaque: nobody simplifies them behind the lemma's back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, Protocol

import numpy as np
import sympy
import z3
from flint import arb

from lowerbound.core.scalars import ball
from lowerbound.errors import InvalidArgument


def _lift(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, Fraction | int):
        raise InvalidArgument(f"an expression must be built from expressions and exact rationals, got {value!r}")
    return Expression("number", (Fraction(value),))


@dataclass(frozen=True)
class Expression:
    """A real expression: `operator` is variable, number, +, *, -, /, ^ (integer power), exp or log.

    Contract: frozen and comparable by structure; floats are refused.
    """

    operator: str
    operands: tuple[Any, ...]

    def __add__(self, other: Any) -> Expression:
        return Expression("+", (self, _lift(other)))

    def __radd__(self, other: Any) -> Expression:
        return _lift(other) + self

    def __sub__(self, other: Any) -> Expression:
        return Expression("-", (self, _lift(other)))

    def __rsub__(self, other: Any) -> Expression:
        return _lift(other) - self

    def __mul__(self, other: Any) -> Expression:
        return Expression("*", (self, _lift(other)))

    def __rmul__(self, other: Any) -> Expression:
        return _lift(other) * self

    def __truediv__(self, other: Any) -> Expression:
        return Expression("/", (self, _lift(other)))

    def __rtruediv__(self, other: Any) -> Expression:
        return _lift(other) / self

    def __pow__(self, exponent: int) -> Expression:
        return Expression("^", (self, exponent))

    def __neg__(self) -> Expression:
        return _lift(0) - self

    def __lt__(self, other: Any) -> Relation:
        return Relation(self, "<", _lift(other))

    def __le__(self, other: Any) -> Relation:
        return Relation(self, "<=", _lift(other))

    def __gt__(self, other: Any) -> Relation:
        return Relation(_lift(other), "<", self)

    def __ge__(self, other: Any) -> Relation:
        return Relation(_lift(other), "<=", self)

    def equals(self, other: Any) -> Relation:
        """The relation self = other."""
        return Relation(self, "=", _lift(other))

    def variables(self) -> frozenset[str]:
        """Names of the variables that occur."""
        if self.operator == "variable":
            return frozenset(self.operands)
        parts = (operand.variables() for operand in self.operands if isinstance(operand, Expression))
        return reduce(frozenset.union, parts, frozenset())


@dataclass(frozen=True)
class Relation:
    """left < right, left <= right or left = right."""

    left: Expression
    sign: str
    right: Expression

    def __bool__(self) -> bool:
        raise TypeError("a relation is a statement, not a truth value")

    def variables(self) -> frozenset[str]:
        """Names of the variables that occur."""
        return self.left.variables() | self.right.variables()

    def instance(self, values: Mapping[str, Expression]) -> Relation:
        """The relation with expressions put for variables."""
        return Relation(substitute(self.left, values), self.sign, substitute(self.right, values))


def variable(name: str) -> Expression:
    """The variable called `name`."""
    return Expression("variable", (name,))


def variables(names: str) -> list[Expression]:
    """Several variables, their names separated by spaces."""
    return [variable(name) for name in names.split()]


class Opaque:
    """The arithmetic in which the formulas of `core.bounds` become expressions."""

    def log(self, x: Any) -> Expression:
        return Expression("log", (_lift(x),))

    def exp(self, x: Any) -> Expression:
        return Expression("exp", (_lift(x),))

    def number(self, x: Fraction | int) -> Expression:
        return _lift(x)


class Reader(Protocol):
    """What a reader of expressions must offer beyond Python's operators."""

    def variable(self, name: str) -> Any: ...
    def number(self, value: Fraction) -> Any: ...
    def exp(self, x: Any) -> Any: ...
    def log(self, x: Any) -> Any: ...


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


def fold(expression: Expression, reader: Reader) -> Any:
    """The expression as the reader understands it."""
    match expression.operator, expression.operands:
        case "variable", (name,):
            return reader.variable(name)
        case "number", (value,):
            return reader.number(value)
        case "exp", (inner,):
            return reader.exp(fold(inner, reader))
        case "log", (inner,):
            return reader.log(fold(inner, reader))
        case "^", (base, exponent):
            return fold(base, reader) ** exponent
        case operator, (left, right):
            return _BINARY[operator](fold(left, reader), fold(right, reader))
    raise InvalidArgument(f"expression must use known operators, got {expression.operator!r}")


@dataclass(frozen=True)
class _Substitution:
    values: Mapping[str, Expression]

    def variable(self, name: str) -> Expression:
        return self.values.get(name, variable(name))

    def number(self, value: Fraction) -> Expression:
        return _lift(value)

    def exp(self, x: Expression) -> Expression:
        return Opaque().exp(x)

    def log(self, x: Expression) -> Expression:
        return Opaque().log(x)


def substitute(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """The expression with others put for its variables."""
    result: Expression = fold(expression, _Substitution(values))
    return result


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
    """Both sides without a division on top; solvers give x / 0 a value, so nobody may divide inside."""
    left, right = relation.left, relation.right
    if left.operator == "/":
        left, right = left.operands[0], right * left.operands[1]
    if right.operator == "/":
        left, right = left * right.operands[1], right.operands[0]
    if _divides(left) or _divides(right):
        raise InvalidArgument("a relation for a solver must divide at the top of a side only, by something positive")
    return left, right


def _divides(expression: Expression) -> bool:
    if expression.operator == "/":
        return bool(expression.operands[1].operator != "number")
    return any(_divides(operand) for operand in expression.operands if isinstance(operand, Expression))


@dataclass(frozen=True)
class _Balls:
    values: Mapping[str, arb]

    def variable(self, name: str) -> arb:
        return self.values[name]

    def number(self, value: Fraction) -> arb:
        return ball(value)

    def exp(self, x: arb) -> arb:
        return x.exp()

    def log(self, x: arb) -> arb:
        return x.log()


def to_ball(expression: Expression, values: Mapping[str, arb]) -> arb:
    """An enclosure of the expression at enclosures of its variables."""
    result: arb = fold(expression, _Balls(values))
    return result


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
class _Arrays:
    values: Mapping[str, Any]

    def variable(self, name: str) -> Any:
        return self.values[name]

    def number(self, value: Fraction) -> Any:
        return float(value)

    def exp(self, x: Any) -> Any:
        return np.exp(x)

    def log(self, x: Any) -> Any:
        return np.log(x)


def to_numpy(expression: Expression, values: Mapping[str, Any]) -> Any:
    """The expression in floating point, elementwise over arrays."""
    return fold(expression, _Arrays(values))


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
