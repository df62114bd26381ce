"""Expressions inside claims: prefix lists, read once into a program that can be run in any arithmetic.

A string is a rational or a variable; a list is ["+", a, b, ...], ["*", a, b, ...], ["-", a, b], ["/", a, b],
["^", a, n], ["exp", a] or ["log", a].
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

from lowerbound.kernel.codec import Rejected, integer, is_identifier, rational, shown, typed

MOST_POWER = 256
Program = list[tuple[str, Any]]
"""Reverse Polish: ("number", Fraction), ("variable", name), ("^", n), or (operation, number of its arguments)."""
Arithmetic = Mapping[str, Callable[..., Any]]
"""From "number", "variable" and each operation to the function that computes it; "^" is run as repeated "*"."""


def read_expression(expression: Any, variables: Collection[str]) -> Program:
    """The program of an expression over these variables.

    Contract: returns a program that leaves exactly one value, or raises Rejected. Recursion goes as deep as the
    document, whose nesting the codec limits.
    """
    if is_identifier(expression):
        if expression not in variables:
            raise Rejected(f"the expression has the unknown variable {shown(expression)}")
        return [("variable", expression)]
    if type(expression) is str:
        return [("number", rational(expression, "a number in an expression"))]
    head, *arguments = typed(expression, list, "an expression") or [None]
    if head not in ("+", "*", "-", "/", "^", "exp", "log"):
        raise Rejected(f"the expression has the unknown operation {shown(head)}")
    n_arguments = 1 if head in ("exp", "log") else 2
    if len(arguments) < n_arguments or (len(arguments) > n_arguments and head not in ("+", "*")):
        raise Rejected(f"the operation {head!r} has a wrong number of arguments: {len(arguments)}")
    program = read_expression(arguments[0], variables)
    if n_arguments == 1:
        return [*program, (head, 1)]
    if head == "^":
        return [*program, (head, integer(arguments[1], "an exponent", 0, MOST_POWER))]
    for argument in arguments[1:]:
        program += [*read_expression(argument, variables), (head, 2)]
    return program


def run(program: Program, arithmetic: Arithmetic) -> Any:
    """The value of a program in an arithmetic; raises Rejected for a symbol that the arithmetic lacks."""
    stack: list[Any] = []
    for symbol, argument in program:
        if symbol not in arithmetic and symbol != "^":
            raise Rejected(f"claims of this kind must not use {symbol}")
        if symbol in ("number", "variable"):
            stack.append(arithmetic[symbol](argument))
        elif symbol == "^":
            base, power = stack.pop(), arithmetic["number"](Fraction(1))
            for _ in range(argument):
                power = arithmetic["*"](power, base)
            stack.append(power)
        else:
            arguments = [stack.pop() for _ in range(argument)]
            stack.append(arithmetic[symbol](*reversed(arguments)))
    (value,) = stack
    return value
