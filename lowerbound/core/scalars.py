"""Exact rationals inside, Arb balls at the border, and comparisons that know three answers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction

from flint import arb, ctx, fmpq

from lowerbound.errors import InvalidArgument, Undecided

Rational = Fraction | int | str
HIGHEST_PRECISION_BITS = 4096

_PLAIN_NUMBER = re.compile(r"\s*[+-]?(\d{1,40}(/\d{1,40})?|\d{0,40}\.\d{1,400}|\d{1,40}\.)([eE][+-]?\d{1,3})?\s*")
"""Short numbers only: text from outside must not become an integer of a billion digits."""


def rational(value: Rational, *, name: str = "value") -> Fraction:
    """The exact rational that `value` denotes ("0.01", "1/100", 3 or a Fraction).

    Contract: returns the number written, exactly, or raises InvalidArgument; a float is refused, because 0.1
    is not one tenth.
    """
    if isinstance(value, bool) or not isinstance(value, Fraction | int | str):
        raise InvalidArgument(
            f"{name} must be an int, a Fraction or decimal text such as '0.01', got {value!r}; "
            "a float denotes a nearby binary fraction"
        )
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value):
        raise InvalidArgument(f"{name} must be a number such as 0.01 or 1/100, got {value[:40]!r}")
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise InvalidArgument(f"{name} must be a number such as 0.01 or 1/100, got {value!r}") from None


def ball(value: Fraction | int) -> arb:
    """The enclosure of an exact rational at the current precision."""
    exact = Fraction(value)
    return arb(fmpq(exact.numerator, exact.denominator))


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Arb arithmetic at `bits` bits inside the block."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def certainly_less(left: arb, right: arb) -> bool | None:
    """True or False when the balls are apart, None when they overlap."""
    if left < right:
        return True
    if left >= right:
        return False
    return None


def decide(question: Callable[[], bool | None], *, what: str) -> bool:
    """The answer of a three-valued question, asked again at doubled precision while it is None.

    Contract: returns the certain answer, or raises Undecided at 4096 bits.
    """
    bits = 64
    while bits <= HIGHEST_PRECISION_BITS:
        with precision(bits):
            answer = question()
        if answer is not None:
            return answer
        bits *= 2
    raise Undecided(f"{what} is not decided at {HIGHEST_PRECISION_BITS} bits of precision")


def _dyadic(end: arb) -> Fraction:
    mantissa, exponent = end.man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def upper_fraction(value: arb) -> Fraction:
    """An exact rational that is >= every number of the ball."""
    return _dyadic(value.upper())


def lower_fraction(value: arb) -> Fraction:
    """An exact rational that is <= every number of the ball."""
    return _dyadic(value.lower())


def floor_float(value: Fraction) -> float:
    """The largest float that is <= value: how a lower bound is printed."""
    near = float(value)
    return near if Fraction(near) <= value else math.nextafter(near, -math.inf)
