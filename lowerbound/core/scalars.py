"""Exact rationals, Arb balls that enclose them, and comparisons that answer true, false or undecided."""

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
"""Accepted number formats, limited in length: user text must not become an integer of a billion digits."""


def rational(value: Rational, *, name: str = "value") -> Fraction:
    """The exact rational that `value` denotes ("0.01", "1/100", 3 or a Fraction).

    Contract: returns exactly the number that is written, or raises InvalidArgument. A float is refused, because the
    float 0.1 is not one tenth.
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
    """An Arb ball that contains an exact rational, at the current precision."""
    exact = Fraction(value)
    return arb(fmpq(exact.numerator, exact.denominator))


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """A context in which Arb computes with `bits` bits of precision."""
    before = ctx.prec
    ctx.prec = bits
    try:
        yield
    finally:
        ctx.prec = before


def certainly_less(left: arb, right: arb) -> bool | None:
    """Whether left < right: True or False when the balls decide it, None when they overlap."""
    if left < right:
        return True
    if left >= right:
        return False
    return None


def decide(question: Callable[[], bool | None], *, what: str) -> bool:
    """The answer to a three-valued question, which is asked again at twice the precision as long as it returns None.

    Contract: returns the answer that is not None, or raises Undecided if there is none at up to 4096 bits.
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
    """A rational that is >= every number in the ball."""
    return _dyadic(value.upper())


def lower_fraction(value: arb) -> Fraction:
    """A rational that is <= every number in the ball."""
    return _dyadic(value.lower())


def floor_float(value: Fraction) -> float:
    """The largest float that is <= value. A printed lower bound is rounded with it."""
    near = float(value)
    return near if Fraction(near) <= value else math.nextafter(near, -math.inf)
