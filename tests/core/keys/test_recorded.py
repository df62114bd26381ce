"""Recorded keys: rows of floats as exact integers, and the weight that a query along one of them gives to it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from lowerbound.core.keys.recorded import exact_keys, leakages, own_weights
from lowerbound.core.scalars import precision
from lowerbound.errors import InvalidArgument

MULTIPLIERS = (1, 5, 20, 100)


def crowded(n: int = 12, d: int = 6) -> NDArray[np.float64]:
    """Rows around one direction, of norms near 1, as natural keys are."""
    draw = np.random.default_rng(11)
    rows = draw.standard_normal((n, d)) + 2 * draw.standard_normal(d)
    unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def plain_own_weights(rows: NDArray[np.float64], n_asked: int, multiplier: float) -> NDArray[np.float64]:
    """The same weights by the definition of softmax, in plain NumPy."""
    unit = rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    weights = np.exp(multiplier * (unit[:n_asked] @ unit.T - 1))
    found: NDArray[np.float64] = np.exp(multiplier * ((unit[:n_asked] ** 2).sum(axis=1) - 1)) / weights.sum(axis=1)
    return found


@pytest.mark.parametrize(
    ("row", "exact"),
    [
        ([0.5, -0.25], [2, -1]),
        ([2.0, 4.0], [1, 2]),
        ([3.0, 6.0], [3, 6]),
        ([0.0, -1.0], [0, -1]),
        ([0.1, 0.0], [3602879701896397, 0]),
        ([2.0**-100, 1.0], [1, 2**100]),
    ],
)
def test_a_row_is_the_least_integers_along_it(row: list[float], exact: list[int]) -> None:
    """Known value: by Python's own `float.as_integer_ratio`, and 0.1 = 3602879701896397 / 2^55."""
    assert exact_keys(np.array([row])).rows.tolist() == [exact]


def test_directions_are_exact() -> None:
    """Law: the integers are proportional to the floats, exactly, and not all of a row are even."""
    rows = crowded()
    for row, exact in zip(rows.tolist(), exact_keys(rows).rows.tolist(), strict=True):
        factors = {Fraction(entry) / Fraction(value) for value, entry in zip(row, exact, strict=True)}
        assert len(factors) == 1
        assert any(entry % 2 for entry in exact)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ([0.0, 0.0], "finite and not zero"),
        ([1.0, math.nan], "finite and not zero"),
        ([1.0, math.inf], "finite and not zero"),
        ([1.0, 2.0**-300], "256 bits"),
    ],
)
def test_rows_without_an_exact_direction_are_refused(row: list[float], rule: str) -> None:
    """Bad input: one sentence names the key and the rule."""
    with pytest.raises(InvalidArgument, match=f"key 1 must .*{rule}"):
        exact_keys(np.array([[1.0, 0.0], row]))


def test_units_and_coherence_are_those_of_the_floats() -> None:
    """Differential: against NumPy; the coherence is rounded up, by less than 2^-32."""
    rows = crowded()
    keys = exact_keys(rows)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(keys.unit, unit, rtol=0, atol=2e-16)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -1)
    above = float(keys.coherence) - float(cosines.max())
    assert -1e-15 < above < 2.0**-32 + 1e-15


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
def test_own_weights_are_those_of_plain_softmax(multiplier: int) -> None:
    """Differential: the oracle's weights and the enclosed leakages, against the definition in plain NumPy."""
    rows = crowded()
    plain = plain_own_weights(rows, 8, multiplier)
    np.testing.assert_allclose(own_weights(rows, 8, multiplier), plain, rtol=1e-12)
    leaks = [float(leak) for leak in leakages(exact_keys(rows), 8, Fraction(multiplier))]
    np.testing.assert_allclose(leaks, 1 - plain, rtol=0, atol=1e-13)


def test_leakages_are_upper_bounds() -> None:
    """Known value: of n orthonormal keys each leaks (n - 1) / (n - 1 + e^lambda), enclosed from above within 2^-64."""
    for n, multiplier in ((2, 1), (4, 7)):
        leaks = leakages(exact_keys(np.eye(n)), n, Fraction(multiplier))
        with precision(256):
            from flint import arb

            exact = arb(n - 1) / (n - 1 + arb(multiplier).exp())
            for leak in leaks:
                bound = arb(leak.numerator) / arb(leak.denominator)
                assert bound >= exact
                assert bound - exact < arb(2) ** -64


def test_lengths_do_not_count() -> None:
    """Metamorphic: rows times positive powers of two are the same keys."""
    rows = crowded()
    longer = rows * np.array([2.0 ** (k % 5 - 2) for k in range(len(rows))])[:, None]
    assert exact_keys(longer).rows.tolist() == exact_keys(rows).rows.tolist()
    np.testing.assert_allclose(own_weights(longer, 5, 20.0), own_weights(rows, 5, 20.0), rtol=1e-13)
