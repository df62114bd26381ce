"""Places of rotary positions: exact rounding, at every aspect ratio of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from lowerbound.core.models import Model, models
from lowerbound.var.simulator.rotary import GRID, places

ROTATED = [model for model in models() if "2D RoPE" in model.position and model.family in ("Infinity", "VARGPT")]


def edges(model: Model) -> Iterator[tuple[int, int]]:
    """(cells along an edge of a map, cells along that edge of the last map, or GRID where maps are square)."""
    last = model.schedule.shapes[-1][-2:]
    sides = (GRID, GRID) if last[0] == last[1] else last
    for shape in model.schedule.shapes:
        yield from zip(shape[-2:], sides, strict=True)


def test_places_are_rounded_exactly() -> None:
    """Definition: i side / count as a fraction, rounded to the nearest integer, halves to the even one."""
    for model in ROTATED:
        for count, side in edges(model):
            assert places(count, side).tolist() == [round(Fraction(i * side, count)) for i in range(count)]


def test_one_place_in_the_image_has_one_position() -> None:
    """Law: cells of two maps that start at one place of an edge have one position on the last map."""
    for model in ROTATED:
        known: dict[tuple[Fraction, int], int] = {}
        for count, side in edges(model):
            for i, place in enumerate(places(count, side).tolist()):
                assert known.setdefault((Fraction(i, count), side), place) == place


def test_halves_that_a_float_quotient_moves() -> None:
    """Known values: at aspect 1:3 the middle of 18 rows lies at 18.5 of 37, and that of 54 columns at 55.5 of 111."""
    assert places(18, 37)[9] == 18
    assert places(54, 111)[27] == 56
    assert places(2, 37).tolist() == [0, 18]
    assert places(4, 64).tolist() == [0, 16, 32, 48]
