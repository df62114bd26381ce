"""Polynomial inequalities over the reals: the goal is a positive combination of products of the hypotheses."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lowerbound.kernel.codec import Rejected, fields, integer, is_identifier, rational, shown, typed
from lowerbound.kernel.expression import MOST_POWER, Arithmetic, read_expression, run
from lowerbound.kernel.verdict import Outcome, Verdict

MOST_VARIABLES = 64
MOST_WORK = 2**18
MOST_COEFFICIENT_BITS = 2**13
Polynomial = dict[tuple[int, ...], Fraction]
"""From exponents to nonzero coefficients."""


class _Polynomials:
    """Exact arithmetic of sparse polynomials in fixed variables; too much work is refused."""

    def __init__(self, variables: list[str]) -> None:
        self.variables = variables
        self.unit = (0,) * len(variables)
        self.work = 0
        self.arithmetic: Arithmetic = {
            "number": self.number,
            "variable": lambda name: {tuple(int(other == name) for other in variables): Fraction(1)},
            "+": lambda left, right: self.sum(left, right, 1),
            "-": lambda left, right: self.sum(left, right, -1),
            "*": self.product,
            "/": self.quotient,
        }

    def number(self, value: Fraction) -> Polynomial:
        return {self.unit: value} if value else {}

    def _limited(self, value: Fraction) -> Fraction:
        self.work += 1 + value.denominator.bit_length() // 256 + value.numerator.bit_length() // 256
        if self.work > MOST_WORK:
            raise Rejected(f"the expansion exceeds the limit of {MOST_WORK} products of monomials")
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_COEFFICIENT_BITS:
            raise Rejected(f"a coefficient exceeds the limit of {MOST_COEFFICIENT_BITS} bits")
        return value

    def sum(self, left: Polynomial, right: Polynomial, sign: int) -> Polynomial:
        total = dict(left)
        for powers, coefficient in right.items():
            total[powers] = self._limited(total.get(powers, Fraction(0)) + sign * coefficient)
        return {powers: coefficient for powers, coefficient in total.items() if coefficient}

    def product(self, left: Polynomial, right: Polynomial) -> Polynomial:
        total: Polynomial = {}
        for left_powers, left_coefficient in left.items():
            for right_powers, right_coefficient in right.items():
                powers = tuple(a + b for a, b in zip(left_powers, right_powers, strict=True))
                total[powers] = self._limited(total.get(powers, Fraction(0)) + left_coefficient * right_coefficient)
        return {powers: coefficient for powers, coefficient in total.items() if coefficient}

    def quotient(self, left: Polynomial, right: Polynomial) -> Polynomial:
        if right.keys() != {self.unit}:
            raise Rejected("a polynomial may be divided by a nonzero constant alone")
        return self.product(left, self.number(1 / right[self.unit]))


def check(claim: Any, payload: Any) -> Verdict:
    """Whether goal = sum of coefficient * product of hypotheses, exactly, with positive coefficients.

    Contract: VERIFIED only if for all real values of the variables at which every hypothesis holds (e >= 0, or e > 0
    if strict), so does the goal. A strict goal needs a term all of whose factors are strict; the empty product is 1.
    """
    names, premises, goal = fields(claim, "the claim", "variables", "hypotheses", "goal")
    variables = typed(names, list, "the variables")
    if len(variables) > MOST_VARIABLES:
        raise Rejected(f"there must be at most {MOST_VARIABLES} variables, got {len(variables)}")
    if not all(map(is_identifier, variables)) or len(set(variables)) != len(variables):
        raise Rejected(f"the variables must be distinct identifiers, got {shown(variables)}")
    polynomials = _Polynomials(variables)

    def read(inequality: Any, what: str) -> tuple[Polynomial, bool]:
        expression, strict = fields(inequality, what, "expression", "strict")
        return run(read_expression(expression, variables), polynomials.arithmetic), typed(strict, bool, "strict")

    hypotheses = {name: read(premise, "a hypothesis") for name, premise in typed(premises, dict, "hypotheses").items()}
    rest, goal_is_strict = read(goal, "the goal")
    (terms,) = fields(payload, "the payload", "terms")
    some_term_is_strict = False
    for term in typed(terms, list, "the terms"):
        coefficient, powers = fields(term, "a term", "coefficient", "powers")
        product = polynomials.number(rational(coefficient, "a coefficient"))
        if rational(coefficient, "a coefficient") <= 0:
            raise Rejected(f"a coefficient must be positive, got {shown(coefficient)}")
        for name, power in typed(powers, dict, "the powers").items():
            if name not in hypotheses:
                raise Rejected(f"a term uses {shown(name)}, which is not a hypothesis")
            for _ in range(integer(power, "a power", 1, MOST_POWER)):
                product = polynomials.product(product, hypotheses[name][0])
        some_term_is_strict = some_term_is_strict or all(hypotheses[name][1] for name in powers)
        rest = polynomials.sum(rest, product, -1)
    if rest:
        raise Rejected(f"the sum of the terms differs from the goal at the exponents {shown(min(rest))}")
    if goal_is_strict and not some_term_is_strict:
        raise Rejected("a strict goal needs a term whose factors are all strict")
    return Verdict(Outcome.VERIFIED, f"a positive combination of {len(terms)} products equals the goal exactly")
