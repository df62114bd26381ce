"""Rotary positions in two dimensions, as Infinity rotates queries and keys before they are cached."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import invalid

Array = NDArray[Any]

BASE = 10000.0
GRID = 64
"""Side of the last map at a million pixels; square schedules of any size take their positions on this grid."""


def rotation(schedule: ScaleSchedule, d: int) -> tuple[Array, Array]:
    """Cosines and sines of every token's angles, (tokens, d / 2) each, float64.

    Contract: for i < d/4, pair i of a head is rotated by base^(-i / (d/4)) per row; the other d/4 pairs are rotated in
    the same way per column. Rows and columns are rounded to their place on the last map, so that one place in the image
    has one angle at every scale.

    Source: Infinity's 2D rotary embedding, normalized by height and width.
    """
    if d % 4:
        raise invalid("head dimension", "be a multiple of 4 for rotation in two dimensions", d, nearest=4 * -(-d // 4))
    frequencies = BASE ** (-np.arange(d // 4) / (d // 4))
    last = schedule.shapes[-1][-2:]
    side = (GRID, GRID) if last[0] == last[1] else last
    angles = []
    for shape in schedule.shapes:
        height, width = shape[-2:]
        rows, columns = places(height, side[0]), places(width, side[1])
        down = np.broadcast_to(rows[:, None, None] * frequencies, (height, width, d // 4))
        across = np.broadcast_to(columns[:, None] * frequencies, (height, width, d // 4))
        angles.append(np.concatenate([down, across], axis=-1).reshape(height * width, d // 2))
    every = np.concatenate(angles)
    return np.cos(every), np.sin(every)


def places(count: int, side: int) -> NDArray[np.int64]:
    """Where each of `count` cells along an edge starts on an edge of `side` cells: i side / count, rounded.

    Contract: the nearest integer, a half going to the even one, in integers: a quotient of floats would round some
    halves up and others down.
    """
    low, rest = np.divmod(np.arange(count, dtype=np.int64) * side, count)
    up = (2 * rest > count) | ((2 * rest == count) & (low % 2 == 1))
    rounded: NDArray[np.int64] = low + up
    return rounded
