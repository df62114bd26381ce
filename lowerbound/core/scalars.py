"""Exact rationals, Arb balls that enclose them, and comparisons that answer true, false or undecided."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from lowerbound.errors import InvalidArgument, Undecided, invalid, quoted

if TYPE_CHECKING:
    from flint import arb  # imported where a ball is made: the parties of most games make none, and would wait for it

Rational = Fraction | int | str
HIGHEST_PRECISION_BITS = 4096

LARGEST_POWER = 100
"""Numbers other than 0 have sizes from 1e-100 to 1e100: then neither they nor their cubes leave the range of floats."""
_LARGEST = Fraction(10) ** LARGEST_POWER

_PLAIN_NUMBER = re.compile(
    r"\s*[+-]?(\d{1,400}(/\d{1,400})?|\d{0,400}\.\d{1,400}|\d{1,400}\.)([eE][+-]?\d{1,3})?\s*", re.ASCII
)
"""Accepted number formats, limited in length: user text must not become an integer of a billion digits."""
_LONG_NUMBER = re.compile(r"\s*[+-]?(\d+(/\d+)?|\d*\.\d+|\d+\.)([eE][+-]?\d+)?\s*", re.ASCII)


def rational(value: Rational, *, name: str = "value") -> Fraction:
    """The exact rational that `value` denotes ("0.01", "1/100", 3 or a Fraction).

    Contract: returns exactly the number that is written, which is 0 or has a size from 1e-100 to 1e100, or raises
    InvalidArgument. A float is refused, because the float 0.1 is not one tenth.
    """
    if isinstance(value, bool) or not isinstance(value, Fraction | int | str):
        raise InvalidArgument(
            f"{name} must be an int, a Fraction or decimal text such as '0.01', got {quoted(value)}; "
            "a float denotes a nearby binary fraction"
        )
    if isinstance(value, str) and not _PLAIN_NUMBER.fullmatch(value):
        rule = (
            "be written with at most 400 digits on each side of its point or bar, and 3 in its exponent"
            if _LONG_NUMBER.fullmatch(value)
            else "be a number such as 0.01 or 1/100"
        )
        raise invalid(name, rule, value)
    try:
        exact = Fraction(value)
    except (ValueError, ZeroDivisionError):
        raise invalid(name, "be a number such as 0.01 or 1/100", value) from None
    if exact and not 1 / _LARGEST <= abs(exact) <= _LARGEST:
        raise invalid(name, f"be 0 or have a size from 1e-{LARGEST_POWER} to 1e{LARGEST_POWER}", value)
    return exact


def ball(value: Fraction | int) -> arb:
    """An Arb ball that contains an exact rational, at the current precision."""
    from flint import arb, fmpq

    exact = Fraction(value)
    return arb(fmpq(exact.numerator, exact.denominator))


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """A context in which Arb computes with `bits` bits of precision."""
    from flint import ctx

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


def rounded_down(value: Fraction | float, digits: int) -> str:
    """The largest decimal of so many digits that is <= value: how what is needed at least is printed."""
    return f"{Decimal(math.floor(Fraction(value) * 10**digits)).scaleb(-digits):,.{digits}f}"


def rounded_up(value: Fraction | float, digits: int) -> str:
    """The smallest decimal of so many digits that is >= value: how what is enough is printed."""
    return f"{Decimal(math.ceil(Fraction(value) * 10**digits)).scaleb(-digits):,.{digits}f}"


def percent(share: float) -> str:
    """A share as a sentence says it; a share above 0 is never "0 %"."""
    return f"{100 * share:.0f} %" if share >= 0.01 or not share else f"{100 * share:.2g} %"


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number of things for people: "1 head", "1,216 heads"; a plural that is more than the noun and an s is given."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def plainly(value: Fraction | float) -> str:
    """A number for people: six significant digits if they are exact, else all digits of the nearest float.

    Contract: a float below a limit is never printed as the limit, as six digits of 0.4999999999 would be.
    """
    near = float(value)
    short = f"{near:.6g}"
    return short if float(short) == near else repr(near)
