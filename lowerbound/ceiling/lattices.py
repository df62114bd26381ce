"""Lattices with thin coverings of R^n: their nearest points, and a triangular basis that writes a point as n integers.

Coordinate i of a point is start_i + step_i z_i, where z_i is an integer and start_i depends only on z_0 .. z_(i-1). So
a point can be coded one integer after the other, and each integer determines one more coordinate.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.errors import invalid

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Lattice(ABC):
    """A lattice of full rank in R^n.

    Contract: `nearest` gives, for each row, the integers of a lattice point at minimal distance (up to rounding; any of
    several nearest points may be given). This distance is at most the square root of `covering_squared`. `points` is
    the inverse of `nearest` on the lattice. `volume_squared`, the square of the volume of a cell, is the product of all
    `step_squared`. n < 1 raises InvalidArgument.

    Parameters
    ----------
    n : int
        Dimension, >= 1.
    """

    n: int
    name: ClassVar[str]

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 1:
            raise invalid("n", "be an integer >= 1", self.n)

    @property
    @abstractmethod
    def covering_squared(self) -> Fraction:
        """The square of the covering radius: the largest distance of a point of R^n from its nearest lattice point."""

    @abstractmethod
    def step_squared(self, i: int) -> Fraction:
        """The square of step_i, the distance between two consecutive values of coordinate i."""

    @abstractmethod
    def start(self, i: int, earlier: IntArray) -> FloatArray:
        """start_i of each of m rows, given their first i integers, shape (m, i).

        It is computed from exact integer sums, so encoder and decoder get the same float.
        """

    @abstractmethod
    def nearest(self, rows: FloatArray) -> IntArray:
        """The integers of a nearest lattice point of each row, shape (m, n) for rows of shape (m, n)."""

    @property
    def volume_squared(self) -> Fraction:
        """The square of the volume of a cell."""
        return math.prod((self.step_squared(i) for i in range(self.n)), start=Fraction(1))

    @cached_property
    def steps(self) -> FloatArray:
        """All steps as floats, shape (n,)."""
        return np.array([math.sqrt(self.step_squared(i)) for i in range(self.n)])

    def points(self, integers: IntArray) -> FloatArray:
        """The lattice points that have these integers, both of shape (m, n)."""
        found = [self.start(i, integers[:, :i]) + self.steps[i] * integers[:, i] for i in range(self.n)]
        return np.stack(found, axis=1)


@dataclass(frozen=True)
class Integers(Lattice):
    """The integer lattice Z^n: covering radius sqrt(n) / 2, volume 1."""

    name: ClassVar[str] = "Z^n"

    @property
    def covering_squared(self) -> Fraction:
        return Fraction(self.n, 4)

    def step_squared(self, i: int) -> Fraction:
        return Fraction(1)

    def start(self, i: int, earlier: IntArray) -> FloatArray:
        return np.zeros(len(earlier))

    def nearest(self, rows: FloatArray) -> IntArray:
        return np.rint(rows).astype(np.int64)


BLOCK = 8


@dataclass(frozen=True)
class Gosset(Lattice):
    """The lattice E8^(n/8): minimal squared norm 2, covering radius sqrt(n / 8), volume 1.

    Contract: that of `Lattice`; an n that is not a multiple of 8 raises InvalidArgument.
    Source: Conway and Sloane, chapters 4 and 20.

    Twice a point of E8 consists of eight integers c_0 .. c_7 of equal parity whose sum is a multiple of 4. Here
    c_0 = z_0 is any integer, c_i = c_0 + 2 z_i for i = 1 .. 6, and c_7 = 4 z_7 minus the sum of the others.
    """

    name: ClassVar[str] = "E8^(n/8)"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n % BLOCK:
            raise invalid("n", "be a multiple of 8", self.n, nearest=self.n + -self.n % BLOCK)

    @property
    def covering_squared(self) -> Fraction:
        return Fraction(self.n, BLOCK)

    def step_squared(self, i: int) -> Fraction:
        return Fraction(1, 4) if i % BLOCK == 0 else Fraction(4) if i % BLOCK == BLOCK - 1 else Fraction(1)

    def start(self, i: int, earlier: IntArray) -> FloatArray:
        place = i % BLOCK
        if place == 0:
            return np.zeros(len(earlier))
        first = earlier[:, i - place]
        doubled = first if place < BLOCK - 1 else -7 * first - 2 * earlier[:, i - 6 :].sum(axis=1)
        return doubled / 2

    def nearest(self, rows: FloatArray) -> IntArray:
        blocks = rows.reshape(-1, BLOCK)
        whole, half = _even(blocks), _even(blocks - 0.5) + 0.5
        farther = ((blocks - half) ** 2).sum(axis=1) < ((blocks - whole) ** 2).sum(axis=1)
        doubled = np.rint(2 * np.where(farther[:, None], half, whole)).astype(np.int64)
        first, middle = doubled[:, :1], doubled[:, 1:-1]
        integers = np.concatenate([first, (middle - first) // 2, doubled.sum(axis=1, keepdims=True) // 4], axis=1)
        return integers.reshape(rows.shape)


def _even(blocks: FloatArray) -> FloatArray:
    """For each row, a nearest integer point with an even sum of coordinates.

    If plain rounding gives an odd sum, the coordinate with the largest rounding error is rounded the other way.
    """
    rounded = np.rint(blocks)
    error = blocks - rounded
    worst = np.abs(error).argmax(axis=1)
    turn = np.where(np.take_along_axis(error, worst[:, None], axis=1)[:, 0] < 0, -1.0, 1.0)
    rounded[np.arange(len(blocks)), worst] += np.where(rounded.sum(axis=1) % 2 == 0, 0.0, turn)
    return rounded


@dataclass(frozen=True)
class DualRoots(Lattice):
    """The lattice A_n*, the projection of Z^(n+1) along (1, .., 1). In many dimensions no thinner covering is known.

    Its covering radius is sqrt(n (n + 2) / (12 (n + 1))) and its volume 1/sqrt(n + 1).
    Source: Conway and Sloane, chapters 4 and 20.

    R^n is identified with the hyperplane of sum zero in R^(n+1), by the basis
    e_i = (-1, .., -1, i + 1, 0, .., 0) / sqrt((i + 1)(i + 2)), i = 0 .. n - 1. A lattice point is the projection of an
    integer vector whose first entry is 0; its other n entries are the integers of the point.
    """

    name: ClassVar[str] = "A_n*"

    @property
    def covering_squared(self) -> Fraction:
        return Fraction(self.n * (self.n + 2), 12 * (self.n + 1))

    def step_squared(self, i: int) -> Fraction:
        return Fraction(i + 1, i + 2)

    def start(self, i: int, earlier: IntArray) -> FloatArray:
        start: FloatArray = -earlier.sum(axis=1) / math.sqrt((i + 1) * (i + 2))
        return start

    @cached_property
    def hyperplane(self) -> FloatArray:
        """The basis of the hyperplane: row i is e_i, shape (n, n + 1)."""
        rows = -np.tri(self.n, self.n + 1)
        rows[np.arange(self.n), np.arange(1, self.n + 1)] = np.arange(1, self.n + 1)
        basis: FloatArray = rows / np.sqrt([[(i + 1) * (i + 2)] for i in range(self.n)])
        return basis

    def nearest(self, rows: FloatArray) -> IntArray:
        """The integers of a nearest point, which is the best of n + 1 candidates.

        Candidate k = 0 .. n is the coordinatewise floor of the point in the hyperplane, plus 1 at the k coordinates
        with the largest fractional parts. After the change of basis, the cost is O(n log n) per row.
        """
        spread = rows @ self.hyperplane
        floor = np.floor(spread)
        order = np.argsort(floor - spread, axis=1, kind="stable")
        sorted_fractions = np.take_along_axis(spread - floor, order, axis=1)
        none = np.zeros((len(rows), 1))
        # Adding 1 at a coordinate of fractional part f changes the sum of errors by -1 and the sum of their squares by
        # 1 - 2 f, so cumulative sums give the squared distance of all candidates at once.
        sums = (spread - floor).sum(axis=1, keepdims=True) - np.arange(self.n + 1)
        squares = np.concatenate([none, np.cumsum(1 - 2 * sorted_fractions[:, :-1], axis=1)], axis=1)
        count = (squares - sums**2 / (self.n + 1)).argmin(axis=1)
        lifted = floor + (np.argsort(order, axis=1, kind="stable") < count[:, None])
        integers: IntArray = (lifted[:, 1:] - lifted[:, :1]).astype(np.int64)
        return integers
