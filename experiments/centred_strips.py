"""Whether any shift of strips holds more of a ball than centred ones: exactly in the plane, and on grids in R^m."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from experiments.tally import DEVIATIONS, Tally

FloatArray = NDArray[np.float64]
Polygon = list[tuple[float, float]]


def unit(rows: FloatArray) -> FloatArray:
    """Rows of norm 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def cut(polygon: Polygon, direction: FloatArray, height: float) -> Polygon:
    """The part of a convex polygon where the product with a direction is at most a height."""
    over = [float(direction[0] * x + direction[1] * y - height) for x, y in polygon]
    kept: Polygon = []
    for k, here in enumerate(polygon):
        before = polygon[k - 1]
        if over[k] * over[k - 1] < 0:
            share = over[k - 1] / (over[k - 1] - over[k])
            kept.append((before[0] + share * (here[0] - before[0]), before[1] + share * (here[1] - before[1])))
        if over[k] <= 0:
            kept.append(here)
    return kept


def area(polygon: Polygon) -> float:
    """The area of a convex polygon."""
    return abs(sum(polygon[k - 1][0] * y - polygon[k - 1][1] * x for k, (x, y) in enumerate(polygon))) / 2


def mass(directions: FloatArray, shifts: FloatArray, half: float, a: float) -> float:
    """The integral of exp(a times the share of strips that hold x) over a regular 24-gon, without any grid.

    exp(a/k sum 1_i) is the product of 1 + (e^(a/k) - 1) 1_i, so that the areas inside each subset of the strips add up.
    """
    corners = np.arange(24) * np.pi / 12
    whole = list(zip(np.cos(corners).tolist(), np.sin(corners).tolist(), strict=True))
    factor, total = np.expm1(a / len(shifts)), 0.0
    for count in range(len(shifts) + 1):
        for chosen in combinations(range(len(shifts)), count):
            polygon = whole
            for k in chosen:
                polygon = cut(polygon, directions[k], shifts[k] + half)
                polygon = cut(polygon, -directions[k], half - shifts[k])
            total += factor**count * area(polygon)
    return float(total)


def climbed(value: Callable[[FloatArray], float], start: FloatArray, rng: np.random.Generator, steps: int) -> float:
    """The largest value that a random climb from a start finds, the start included."""
    here, best = start, value(start)
    for step in range(steps):
        there = here + rng.normal(size=len(here)) * 0.2 / (1 + step)
        if (new := value(there)) > best:
            here, best = there, new
    return best


def planar_strips(rng: np.random.Generator, shifts: int) -> Tally:
    """Shifted strips over centred ones, in the plane, exactly: shifts are random, of one point, tiny, or climbed to."""
    tally = Tally("mass in shifted over centred strips, plane", "most", 1.0)
    for trial in range(shifts):
        angles = rng.random(4) * np.pi
        directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        half, a = rng.uniform(0.05, 0.5), rng.uniform(1, 20)
        centred = mass(directions, np.zeros(4), half, a)
        starts = (rng.uniform(-1, 1, 4), directions @ rng.uniform(-0.6, 0.6, 2), rng.normal(size=4) * 0.01)

        def ratio(c: FloatArray, at: tuple[FloatArray, float, float, float] = (directions, half, a, centred)) -> float:
            return mass(at[0], c, at[1], at[2]) / at[3]

        tally.seen.append(climbed(ratio, starts[trial % 3], rng, 6))
    return tally


def refined_strips(rng: np.random.Generator, m: int, points: int) -> Iterator[Tally]:
    """The same in R^m on finer and finer random grids: the excess over centred strips, in standard deviations."""
    for count in (points // 16, points // 4, points):
        x = unit(rng.normal(size=(count, m))) * rng.random((count, 1)) ** (1 / m)
        tally = Tally(f"excess of shifted strips, R^{m}, {count} points, in deviations", "most", DEVIATIONS)
        for _ in range(6):
            u = unit(rng.normal(size=(12, m)))
            heights, half, a = x @ u.T, rng.uniform(0.1, 0.5), rng.uniform(1, 30)
            centred = np.exp(a * (np.abs(heights) <= half).mean(axis=1))
            for shift in (u @ (0.3 * unit(rng.normal(size=m))), rng.normal(size=12) * 0.05, rng.uniform(-1, 1, 12)):
                excess = np.exp(a * (np.abs(heights - shift) <= half).mean(axis=1)) - centred
                tally.seen.append(float(excess.mean() / excess.std() * np.sqrt(count)))
        yield tally
