"""Truth: the bound on dithered errors is above what it bounds; what a search finds is proved and nearly the most."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.ceiling.dither_bound import DitherBound, roughly
from lowerbound.ceiling.dithered import Dithered
from lowerbound.core.scalars import lower_fraction, precision, upper_fraction
from lowerbound.errors import InvalidArgument
from tests.marks import first_now

NODES, MASSES = np.polynomial.legendre.leggauss(60)


def fitted(eta: str, delta: str, d: int = 64) -> Dithered:
    return Dithered.fit(9, d, multiplier=Fraction(100), eta=Fraction(eta), failure_prob=Fraction(delta))


def exact_exponent(bound: DitherBound, weights: list[float], values: list[float], n_axes: int) -> float:
    """ln E exp(s (sum of w_j e^eps_j (v_j + nu_j - o - eta)) + s eta), by quadrature over uniform nu and eps.

    The query is spread over `n_axes` axes of the grid, so eps is a sum of that many uniform variables.
    """
    s, u, x = float(bound.tilt), float(bound.half_width), float(bound.eta)
    side = math.sqrt(3 * float(bound.variance) / n_axes)
    eps, masses = np.zeros(1), np.ones(1)
    for _ in range(n_axes):
        eps = (eps[:, None] + side * NODES[None, :]).ravel()
        masses = (masses[:, None] * MASSES[None, :] / 2).ravel()
    mean = float(np.dot(weights, values))
    total = s * x
    for weight, value in zip(weights, values, strict=True):
        grown = s * weight * np.exp(eps)
        total += math.log(float((masses * np.exp(grown * (value - mean - x)) * np.sinh(grown * u) / (grown * u)).sum()))
    return total


@pytest.mark.parametrize(("eta", "share"), first_now([("1/10", 0.8), ("1/5", 0.75), ("1/100", 0.92)]))
def test_the_bound_is_above_exact_moments(eta: str, share: float) -> None:
    """Differential: quadrature of the exact exponential moment, for one to four tokens, values in [0, 1], two queries.

    The largest of these comes near max F, the nearer the smaller eta is: no idle bound.
    """
    bound = fitted(eta, "1/100").bound
    rng = np.random.default_rng(0)
    cases: list[tuple[Any, Any]] = [([w, 1 - w], [1.0, 0.0]) for w in np.linspace(0.02, 0.98, 33)]
    cases += [([1.0], [v]) for v in (0.0, 0.4, 1.0)]
    for n in (2, 3, 4):
        for _ in range(40):
            weights = rng.dirichlet(np.ones(n))
            cases += [(weights, rng.random(n)), (weights, rng.integers(0, 2, n).astype(float))]
    found = max(exact_exponent(bound, list(w), list(v), axes) for w, v in cases for axes in (1, 2))
    cuts = [Fraction(k, 400) for k in range(401)]
    with precision(128):
        most = max(float(upper_fraction(bound.exponent(cut, cut))) for cut in cuts)
    assert share * most <= found <= most


@pytest.mark.slow
@pytest.mark.parametrize(
    ("eta", "delta", "d"), [("1/10", "1/10", 64), ("1/1000", "1/100", 64), ("1/100", "1/10000", 3)]
)
def test_what_floats_find_is_proved_and_nearly_the_most(eta: str, delta: str, d: int) -> None:
    """Metamorphic: a spacing 1/1000 larger, one cell fewer, or half the failures are refused: nothing is given away.

    Differential: at points, Arb and floats agree, and an interval's bound is above those of its points.
    """
    terms = fitted(eta, delta, d)
    bound, share = terms.bound, Fraction(delta)
    assert bound.holds(share)
    wider = DitherBound(
        bound.eta,
        bound.half_width,
        bound.variance * Fraction(1001, 1000) ** 2,
        bound.farthest_squared * Fraction(1001, 1000) ** 2,
        bound.tilt,
    )
    assert not wider.holds(share)
    assert not bound.holds(share / 2)
    rough = roughly(
        np.array([float(bound.tilt)]),
        np.array([0.3]),
        eta=float(bound.eta),
        half_width=float(bound.half_width),
        deviation=math.sqrt(bound.variance),
        farthest=math.sqrt(bound.farthest_squared),
    )
    point = Fraction(3, 10)
    with precision(128):
        there = bound.exponent(point, point)
        around = bound.exponent(point - Fraction(1, 50), point + Fraction(1, 50))
    assert float(rough[0]) == pytest.approx(float(upper_fraction(there)), rel=1e-9)
    assert lower_fraction(around) >= upper_fraction(there)


def test_a_bound_that_is_not_finite_is_refused() -> None:
    """Degenerate case: where 2 sigma^2 g reaches 1 nothing is proved, at any failure probability; nor for s near 0."""
    wild = DitherBound(Fraction(1, 10), Fraction(1, 20), Fraction(10), Fraction(100), Fraction(100))
    assert not wild.holds(Fraction(99, 100))
    idle = DitherBound(Fraction(1, 10), Fraction(1, 20), Fraction(1, 10**6), Fraction(1, 1000), Fraction(1, 10**9))
    assert not idle.holds(Fraction(99, 100))


@pytest.mark.parametrize(
    ("half_width", "variance", "sentence"),
    [
        (Fraction(1, 9), Fraction(1), "half_width must"),
        (Fraction(0), Fraction(1), "half_width must"),
        (Fraction(1, 20), Fraction(0), "be > 0"),
    ],
)
def test_bad_input(half_width: Fraction, variance: Fraction, sentence: str) -> None:
    """Bad input: one sentence."""
    with pytest.raises(InvalidArgument, match=sentence):
        DitherBound(Fraction(1, 10), half_width, variance, Fraction(1), Fraction(1))
