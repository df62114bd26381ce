"""Truth: the two inequalities of the upper side, against adversarial weights and as attained, and cells that cover."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.ceiling.value_cells import SOFTMAX_MOVE, CurvedCells, UniformCells, ValueCells, cells_needed
from lowerbound.errors import InvalidArgument

RNG = np.random.default_rng(0)
ETAS = [Fraction(1, 4), Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000)]
ALL = [
    *(CurvedCells.fit(eta, share * eta) for eta in ETAS for share in (Fraction(13, 25), Fraction(7, 10))),
    *(UniformCells.fit(eta, math.floor(1 / eta) + 1) for eta in ETAS),
]


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max())
    shares: np.ndarray = weights / weights.sum()
    return shares


def worst_move(weights: np.ndarray, values: np.ndarray, log_odds: float) -> float:
    """The largest change of sum w v when weights become w exp(c) / sum, max c - min c <= log_odds.

    A linear fractional function of exp(c) is largest at a corner: the tokens of largest value gain.
    """
    order = np.argsort(-values)
    w, v = weights[order], values[order]
    gain = math.exp(log_odds)
    mass, product = np.cumsum(w), np.cumsum(w * v)
    moved = (product * gain + product[-1] - product) / (mass * gain + mass[-1] - mass)
    return float(moved.max() - product[-1])


@pytest.mark.parametrize("eps", [Fraction(1, 1000), Fraction(1, 10), Fraction(2)])
def test_a_softmax_mean_moves_by_tanh(eps: Fraction) -> None:
    """Known value: |logit change| <= eps moves a mean of [0, 1] by at most tanh(eps/2), attained at W = sigma(-eps)."""
    most, e = float(SOFTMAX_MOVE.enclosure(eps).mid()), float(eps)
    assert most == pytest.approx(math.tanh(e / 2), rel=1e-12)
    for _ in range(200):
        count = int(RNG.integers(2, 30))
        weights, values = softmax(RNG.normal(size=count) * 4), RNG.random(count).round(int(RNG.integers(0, 3)))
        assert worst_move(weights, values, 2 * e) <= most + 1e-12
    low = 1 / (1 + math.exp(e))
    assert worst_move(np.array([low, 1 - low]), np.array([1.0, 0.0]), 2 * e) == pytest.approx(most, rel=1e-9)


@pytest.mark.parametrize("cells", ALL, ids=lambda cells: f"{type(cells).__name__}-{cells.n_cells}")
def test_errors_of_values_and_weights_stay_within_eta(cells: ValueCells) -> None:
    """Law: the worst value errors, and the worst weights beside them, together move no answer by more than eta.

    Adversarial weights on few tokens: values at the ends and in the middle, weights over eight orders of magnitude, and
    some tokens exact. What the ends of [0, 1] allow is used to at least 90 %, so the promise is not an empty one.
    """
    eta, w = float(cells.eta), float(cells.log_odds)
    largest = 0.0
    for trial in range(400):
        count = int(RNG.integers(2, 6))
        centres = RNG.choice(cells.centre_array, count)
        if trial % 2:
            centres[: count // 2], centres[count // 2 :] = cells.centre_array[0], cells.centre_array[-1]
        weights = softmax(RNG.normal(size=count) * RNG.choice([0.1, 2.0, 9.0]))
        exact = RNG.random(count) < 0.3
        stored = np.where(exact, RNG.random(count).round(int(RNG.integers(0, 3))), centres)
        half = np.array([float(cells.half_width(Fraction(c))) for c in centres])
        found = worst_move(weights, stored, w) + float(weights @ np.where(exact, 0.0, half))
        assert found <= eta * (1 + 1e-9)
        largest = max(largest, found)
    assert largest >= 0.9 * eta


@given(value=st.floats(-0.5, 1.5))
def test_every_value_has_a_cell(value: float) -> None:
    """Law: each number is within the half width of its centre, exactly; numbers outside [0, 1] are clipped first."""
    for cells in ALL:
        (index,) = cells.nearest(np.array([value]))
        centre = cells.centres[index]
        assert abs(Fraction(min(max(value, 0.0), 1.0)) - centre) <= cells.half_width(centre)
        assert Fraction(float(cells.centre_array[index])) == centre


def test_counts() -> None:
    """Known values: 891 curved cells at eta = 1/1000 and beta = 0.7 eta, no more than the density of cells says."""
    for eta, wanted in ((Fraction(1, 1000), 891), (Fraction(1, 100), 90)):
        cells = CurvedCells.fit(eta, eta * 7 / 10)
        x = (np.arange(10_000) + 0.5) / 10_000
        density = 1 / (2 * (1 - 0.7 * ((0.84 + x / 0.84) / 2) ** 2))
        assert cells.n_cells == cells_needed(eta, eta * 7 / 10) == wanted
        assert 0 <= cells.n_cells - float(density.mean() / eta) < 2


def test_forged_cells_are_refused() -> None:
    """Forgery: a missing cell, a wider gap, a centre outside or inexact, beta that leaves exact tokens no room."""
    cells = CurvedCells.fit(Fraction(1, 10), Fraction(6, 100))
    eta, centres, beta = cells.eta, cells.centres, cells.beta
    for forged in (centres[1:], centres[:3] + centres[4:], centres[::-1], (Fraction(-1, 8), *centres), ()):
        with pytest.raises(InvalidArgument, match="must"):
            CurvedCells(eta, forged, beta)
    with pytest.raises(InvalidArgument, match="be floats"):
        CurvedCells(eta, (*centres[:-1], centres[-1] + Fraction(1, 3**40)), beta)
    with pytest.raises(InvalidArgument, match="beta must"):
        CurvedCells.fit(eta, eta * 98 / 100)
    with pytest.raises(InvalidArgument, match="eta must"):
        UniformCells.fit(Fraction(1, 2), 3)
    with pytest.raises(InvalidArgument, match="n must"):
        _ = UniformCells.fit(eta, 5).log_odds
    with pytest.raises(InvalidArgument, match="cells must cover"):
        UniformCells(eta, UniformCells.fit(eta, 8).centres, 9)
