"""Known values: every constant of theory that the formulas must reproduce, to the digits that were published."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
import sympy
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import bdtr, bdtrc

from lowerbound.core.bounds import (
    ENTROPY,
    FORMULAS,
    INDEX_FLOOR,
    MULTIPLIER,
    SYMBOL_FLOOR,
    Formula,
    additive_levels,
    floor_in_interval,
    is_above,
)
from lowerbound.core.scalars import (
    ball,
    certainly_less,
    decide,
    floor_float,
    precision,
    rational,
    rounded_down,
    rounded_up,
)
from lowerbound.core.statistics import clopper_pearson
from lowerbound.errors import InvalidArgument, Undecided

rates = st.fractions(Fraction(1, 1000), Fraction(1, 2), max_denominator=1000)


@pytest.mark.parametrize(
    ("value", "expected", "digits"),
    [
        (INDEX_FLOOR.enclosure(1, Fraction(1, 10)), 0.5310044064, 10),
        (INDEX_FLOOR.enclosure(1, Fraction(1, 100)), 0.9192068641, 10),
        (SYMBOL_FLOOR.enclosure(1, 50, Fraction(1, 10)), 4.6133896118, 10),
        (INDEX_FLOOR.enclosure(1, Fraction(1, 4)), 0.1887, 4),
        (INDEX_FLOOR.enclosure(1, Fraction(1, 8)), 0.4564, 4),
        (INDEX_FLOOR.enclosure(1, Fraction(2921, 23552)), 0.4591834, 7),
        (INDEX_FLOOR.enclosure(424 * 64, Fraction(1, 10)), 14409.34, 2),
        (MULTIPLIER.enclosure(424, Fraction(1, 4), Fraction(1, 8)), 8.4956, 4),
        (MULTIPLIER.enclosure(424, Fraction(1, 4), Fraction(1, 4)), 9.9116, 4),
        (MULTIPLIER.enclosure(424, Fraction(1, 10**6), Fraction(1, 8)), 22.7004, 4),
    ],
)
def test_published_constants(value: arb, expected: float, digits: int) -> None:
    """Known values of theory, as enclosures."""
    assert round(float(value.mid()), digits) == expected
    assert float(value.rad()) < 1e-20


def test_additive_levels() -> None:
    """Known value: 50 levels at eta = 0.01 with a vanishing leak, strictly fewer once the leak matters."""
    assert additive_levels(Fraction(1, 100), Fraction(1, 10**17)) == 50
    assert additive_levels(Fraction(1, 100), Fraction(0)) == 50
    assert additive_levels(Fraction(1, 4), Fraction(0)) == 2
    assert additive_levels(Fraction(1, 2), Fraction(0)) == 1


@given(st.fractions(Fraction(1, 5000), Fraction(1, 2), max_denominator=5000))
def test_additive_levels_is_the_largest(step_half: Fraction) -> None:
    """Definition: L levels have step above 2 (eta + tau), L + 1 have not."""
    levels = additive_levels(step_half, Fraction(0))
    assert levels == 1 or Fraction(1, levels - 1) > 2 * step_half
    assert Fraction(1, levels) <= 2 * step_half


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.name)
def test_symbols_and_balls_agree(formula: Formula) -> None:
    """Differential: the ball of a formula contains sympy's 40-digit value; LaTeX names all letters."""
    values: dict[str, int | Fraction] = {
        "m": 27136, "L": 50, r"\delta": Fraction(1, 10), "n": 680, "d": 64, r"\mu": Fraction(1, 8),
        r"\lambda": Fraction(19, 2), r"\tau": Fraction(1, 4), r"\eta": Fraction(1, 100), r"v_{\min}": Fraction(1, 64),
    }  # fmt: skip
    arguments = [values[letter] for letter in formula.letters]
    enclosure = formula.enclosure(*arguments)
    symbols = sympy.symbols(formula.letters, positive=True)
    numbers = [sympy.Rational(Fraction(x).numerator, Fraction(x).denominator) for x in arguments]
    expected = formula.symbolic().subs(dict(zip(symbols, numbers, strict=True))).evalf(40)
    decimal = Fraction(str(expected))
    with precision(256):
        gap = abs(enclosure - ball(decimal))
        assert certainly_less(gap, ball(abs(decimal) * Fraction(1, 10**35) + Fraction(1, 10**60)))
    for letter in formula.letters:
        assert letter.lstrip("\\") in formula.latex()


@given(rates)
def test_two_levels_are_the_binary_case(delta: Fraction) -> None:
    """Law: the symbol floor at L = 2 is the INDEX floor."""
    assert SYMBOL_FLOOR.enclosure(7, 2, delta).overlaps(INDEX_FLOOR.enclosure(7, delta))


@given(st.integers(2, 60), rates, rates)
def test_the_floor_falls_with_the_error(levels: int, one: Fraction, other: Fraction) -> None:
    """Law: the least floor in an interval is at its upper end, below chance."""
    low, high = sorted((one, other))
    proved = floor_in_interval(1000, levels, low, high)
    for delta in (low, (low + high) / 2, high):
        assert certainly_less(SYMBOL_FLOOR.enclosure(1000, levels, delta) + 1, ball(proved)) is not True
        assert float(proved) <= float(SYMBOL_FLOOR.enclosure(1000, levels, delta).upper()) + 1e-9


def test_floor_at_and_beyond_chance() -> None:
    """Definition: an interval that holds chance has floor 0; a cache that is always wrong knows everything."""
    assert floor_in_interval(100, 2, Fraction(49, 100), Fraction(51, 100)) == 0
    assert floor_in_interval(100, 2, Fraction(1), Fraction(1)) == 100
    assert floor_in_interval(100, 2, Fraction(0), Fraction(0)) == 100
    assert is_above(100, 100, 2, Fraction(0), Fraction(0))
    assert not is_above(99, 100, 2, Fraction(0), Fraction(0))
    assert not is_above(50, 100, 2, Fraction(9, 10), Fraction(1))
    with pytest.raises(InvalidArgument, match="error interval"):
        floor_in_interval(100, 2, Fraction(1), Fraction(0))


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_clopper_pearson_contains_its_definition(case: tuple[int, int]) -> None:
    """Differential: at the ends of the interval the binomial tails are at most half the error, by SciPy."""
    errors, trials = case
    low, high = clopper_pearson(errors, trials, confidence=Fraction(99, 100))
    tail = 0.005
    assert low <= Fraction(errors, trials) <= high
    assert errors == 0 or bdtrc(errors - 1, trials, float(low)) <= tail * (1 + 1e-9)
    assert errors == trials or bdtr(errors, trials, float(high)) <= tail * (1 + 1e-9)
    if errors:
        assert bdtrc(errors - 1, trials, float(low) + 1e-8) >= tail * (1 - 1e-4)
    if errors < trials:
        assert bdtr(errors, trials, float(high) - 1e-8) >= tail * (1 - 1e-4)


def test_clopper_pearson_at_the_size_of_a_game() -> None:
    """Known value: no error in 27136 answers, confidence 1 - 10^-6: upper end 1 - (5e-7)^(1/27136)."""
    low, high = clopper_pearson(0, 27136)
    assert low == 0
    assert abs(float(high) - (1 - 5e-7 ** (1 / 27136))) < 1e-11
    low, high = clopper_pearson(27136, 27136)
    assert high == 1


@pytest.mark.parametrize(("errors", "trials"), [(-1, 3), (4, 3), (0, 0)])
def test_impossible_counts_are_refused(errors: int, trials: int) -> None:
    """Bad input: counts that no experiment gives."""
    with pytest.raises(InvalidArgument, match="must"):
        clopper_pearson(errors, trials)


def test_balls_are_compared_in_three_values() -> None:
    """Law: overlapping balls give no answer, and an undecidable question raises instead of guessing."""
    assert certainly_less(ball(1), ball(2)) is True
    assert certainly_less(ball(2), ball(1)) is False
    assert certainly_less(ball(1) + ball(1) / 10**9 - ball(1) / 10**9, ball(1)) is None
    with pytest.raises(Undecided, match="not decided"):
        decide(lambda: None, what="nothing")


@pytest.mark.parametrize("value", [0.1, True, None, "x", "1/0", "nan", "1e9999999", "9" * 999, "1/2e3"])
def test_floats_and_nonsense_are_not_rationals(value: Any) -> None:
    """Bad input: 0.1 is not one tenth."""
    with pytest.raises(InvalidArgument, match="must be"):
        rational(value)


@given(st.fractions(), st.integers(0, 4))
def test_what_is_printed_is_on_the_safe_side(value: Fraction, digits: int) -> None:
    """Law: a printed lower bound is at most the value, an upper one at least, and no such decimal is nearer."""
    low, high = (Fraction(round_(value, digits).replace(",", "")) for round_ in (rounded_down, rounded_up))
    unit = Fraction(1, 10**digits)
    assert low <= value <= high
    assert high - low == (0 if (value / unit).denominator == 1 else unit)
    assert value - low < unit
    assert high - value < unit


@given(st.fractions())
def test_floor_float_rounds_down(value: Fraction) -> None:
    """Law: the printed float of a lower bound never exceeds it, and the next float does."""
    printed = floor_float(value)
    assert Fraction(printed) <= value < Fraction(math.nextafter(printed, math.inf))


def test_entropy_at_its_ends() -> None:
    """Known values: H2(0) = H2(1) = 0, H2(1/2) = 1."""
    assert ENTROPY.enclosure(0) == 0
    assert ENTROPY.enclosure(1) == 0
    assert ENTROPY.enclosure(Fraction(1, 2)).contains(1)
