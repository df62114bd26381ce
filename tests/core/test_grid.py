"""Law: a grid decodes every answer that its guarantee allows, worst cases included, and does not exist otherwise."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.core.grid import Grid, highest_answer, lowest_answer
from lowerbound.errors import ImpossibleReduction, InvalidArgument

small = st.fractions(Fraction(1, 1000), Fraction(3, 10), max_denominator=1000)


def assert_decodes(grid: Grid) -> None:
    """Every level's extreme allowed answers decode to it."""
    promise = grid.guarantee, grid.eta, grid.leakage
    lowest = np.array([float(lowest_answer(level, *promise)) for level in grid.levels])
    highest = np.array([float(highest_answer(level, *promise)) for level in grid.levels])
    levels = np.arange(grid.n_levels)
    assert (grid.decode(lowest) == levels).all()
    assert (grid.decode(highest) == levels).all()


@given(small, small)
def test_binary_relative_exists_iff_two_tau_below_one_minus_eta(eta: Fraction, tau: Fraction) -> None:
    """Known value: decoding from a relative guarantee is possible iff 2 tau < 1 - eta."""
    eta = 3 * eta
    if 2 * tau < 1 - eta:
        assert_decodes(Grid.binary("relative", eta, tau))
    else:
        with pytest.raises(ImpossibleReduction, match="cannot be told apart"):
            Grid.binary("relative", eta, tau)


def test_the_border_case_is_refused() -> None:
    """Known value: equality 2 tau = 1 - eta leaves no threshold."""
    with pytest.raises(ImpossibleReduction):
        Grid.binary("relative", Fraction(1, 2), Fraction(1, 4))


@given(small, small)
def test_additive_grids_decode(eta: Fraction, tau: Fraction) -> None:
    """Law: the longest additive grid decodes, one level more does not exist."""
    if 4 * (eta + tau) >= 2:
        return
    if 2 * (eta + tau) >= 1:
        with pytest.raises(ImpossibleReduction):
            Grid.additive(eta, tau)
        return
    grid = Grid.additive(eta, tau)
    assert_decodes(grid)
    with pytest.raises(ImpossibleReduction, match="nearest possible value"):
        Grid.additive(eta, tau, grid.n_levels + 1)


@pytest.mark.slow
@given(st.fractions(0, Fraction(1, 4), max_denominator=100), st.integers(3, 12))
def test_geometric_grids_decode(eta: Fraction, octaves: int) -> None:
    """Law: geometric levels decode under relative error, all the way up."""
    grid = Grid.geometric(eta, Fraction(1, 2**30), Fraction(1, 2**octaves))
    assert_decodes(grid)
    assert grid.levels[0] >= Fraction(1, 2**octaves)


def test_grids_must_be_grids() -> None:
    """Bad input: levels outside [0, 1], too few, or out of order."""
    with pytest.raises(InvalidArgument):
        Grid((Fraction(0),), (), "additive", Fraction(0), Fraction(0))
    with pytest.raises(InvalidArgument):
        Grid((Fraction(0), Fraction(2)), (Fraction(1),), "additive", Fraction(0), Fraction(0))
    with pytest.raises(ImpossibleReduction):
        Grid((Fraction(1), Fraction(0)), (Fraction(1, 2),), "additive", Fraction(0), Fraction(0))
    with pytest.raises(InvalidArgument):
        Grid.geometric(Fraction(0), Fraction(0), Fraction(2))
