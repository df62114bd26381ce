"""The kernel's points on the sphere: the closed form of a tail is the incomplete beta function, wherever it is used."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb, ctx

from lowerbound.kernel.rules.floor import ball, working_precision
from lowerbound.kernel.rules.sphere import tail

HEIGHTS = [Fraction(k, 37) for k in range(-37, 38)]


@pytest.mark.parametrize("d", [2, 3, 4, 5, 16, 63, 64, 129, 256])
@pytest.mark.parametrize("bits", [64, 192])
def test_a_tail_is_the_incomplete_beta_function(d: int, bits: int) -> None:
    """Differential: the tail and the series of FLINT are balls that meet, and a tail and its opposite add up to 1."""
    with working_precision(bits):
        for height in HEIGHTS:
            found, other = tail(ball(height), d), tail(ball(-height), d)
            half = (1 - ball(height) ** 2).beta_lower(arb(d - 1) / 2, arb(1) / 2, regularized=1) / 2
            assert found.overlaps(half if height >= 0 else 1 - half), height
            assert (found + other).overlaps(arb(1)), height


@pytest.mark.parametrize(
    ("d", "height", "exact"),
    [
        (3, Fraction(1, 2), Fraction(1, 4)),  # Archimedes: a height on the sphere of R^3 is uniform on [-1, 1]
        (5, Fraction(1, 2), Fraction(5, 32)),  # (2 - 3 t + t^3) / 4
        (5, Fraction(-1, 3), Fraction(2 + 1, 4) - Fraction(1, 108)),
        (64, Fraction(0), Fraction(1, 2)),
        (2, Fraction(1, 2), Fraction(1, 3)),  # an arc of 120 degrees
    ],
)
def test_known_tails(d: int, height: Fraction, exact: Fraction) -> None:
    """Known values: tails that geometry gives as fractions."""
    with working_precision(128):
        found = tail(ball(height), d)
        assert found.overlaps(ball(exact))
        assert found.rel_accuracy_bits() > 100
    assert ctx.prec == 53


def test_far_tails_keep_their_digits() -> None:
    """Law: where the closed form is a difference of nearly equal numbers, the tail is still known to half its bits."""
    with working_precision(192):
        assert tail(ball(Fraction(99, 100)), 256).rel_accuracy_bits() > 96
        assert tail(ball(Fraction(99, 100)), 256) > 0
