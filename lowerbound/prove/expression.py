"""One expression object for every reader: solvers, balls, exact rationals, NumPy, LaTeX and the kernel.

An expression is built with Python's operators, and `fold` evaluates it in a reader's arithmetic. exp and log are
opaque: an algebra system that simplified them could drop a hypothesis without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from typing import Any, Protocol

from lowerbound.errors import InvalidArgument


def _lift(value: Any) -> Expression:
    if isinstance(value, Expression):
        return value
    if isinstance(value, bool) or not isinstance(value, Fraction | int):
        raise InvalidArgument(f"an expression must be built from expressions and exact rationals, got {value!r}")
    return Expression("number", (Fraction(value),))


@dataclass(frozen=True)
class Expression:
    """A real expression: `operator` is variable, number, +, *, -, /, ^ (power, an integer >= 0), exp or log.

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
        if isinstance(exponent, bool) or not isinstance(exponent, int) or exponent < 0:
            raise InvalidArgument(f"an exponent must be an integer >= 0, got {exponent!r}")
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
        """The relation with expressions substituted for its variables."""
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


class Interpreter(Protocol):
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


def fold(expression: Expression, reader: Interpreter) -> Any:
    """The expression, evaluated in a reader's arithmetic."""
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
    """The expression with others substituted for its variables."""
    result: Expression = fold(expression, _Substitution(values))
    return result
