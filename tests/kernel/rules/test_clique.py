"""Law: where balls overlap, the rule for cliques takes the side on which its bound stays a bound."""

from __future__ import annotations

import random

from flint import arb

from lowerbound.kernel.rules.clique import _width
from lowerbound.kernel.rules.floor import logistic


def test_the_width_bounds_every_point_of_a_ball() -> None:
    """Law: for the mix that is used, the width at any exact change within a wide ball is at most that of the ball."""
    rng = random.Random(0)
    compared = 0
    for _ in range(2000):
        eta, tau, full = (arb(rng.uniform(*ends)) for ends in ((0.001, 0.02), (1e-4, 1e-2), (0.05, 1)))
        amplitude, middle, radius = arb(rng.uniform(0.3, 1)), rng.uniform(0.05, 1), rng.uniform(0.001, 0.2)
        weight = (2 * eta / (amplitude * arb(middle, radius))).sqrt().mid()
        whole = _width(amplitude, weight, arb(middle, radius).exp() - 1, 2 * eta + 2 * tau, full)
        if not 0 < weight < 1 or whole >= full:
            continue
        odds = (weight / (1 - weight)).log().mid()
        mixed = logistic(odds)
        for step in range(-8, 9):
            change = arb(middle + radius * step / 8.001)
            up, down = logistic(odds + change) - mixed, mixed - logistic(odds - change)
            exact = (2 * eta + 2 * tau - amplitude * (up if up < down else down)) / mixed
            compared += 1
            assert not whole < exact
    assert compared > 1000
