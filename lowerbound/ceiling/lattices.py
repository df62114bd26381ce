"""Lattices that cover R^n thinly, with their nearest points and a triangular basis: a point becomes n integers.

Coordinate i of a point is start_i + step_i z_i, where z_i is an integer and start_i depends on z_0 .. z_(i-1) alone.
So a point can be told one integer after the other, and each says where one coordinate is.
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

    Contract: `nearest` gives the integers of a point at least distance from each row (up to rounding, and ties are
    free), which is never farther than the square root of `covering_squared`; `points` is its inverse on the lattice;
    `volume_squared`, the square of the volume of a cell, is the product of all `step_squared`.

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
        """Square of the covering radius: every point of R^n is that near to a lattice point, and one is no nearer."""

    @abstractmethod
    def step_squared(self, i: int) -> Fraction:
        """Square of step_i."""

    @abstractmethod
    def start(self, i: int, earlier: IntArray) -> FloatArray:
        """start_i of every row, given its first i integers, shape (m, i); a function of exact integer sums."""

    @abstractmethod
    def nearest(self, rows: FloatArray) -> IntArray:
        """The integers of the nearest points, shape (m, n) for rows of shape (m, n)."""

    @property
    def volume_squared(self) -> Fraction:
        """Square of the volume of a cell."""
        return math.prod((self.step_squared(i) for i in range(self.n)), start=Fraction(1))

    @cached_property
    def steps(self) -> FloatArray:
        """All steps as floats, shape (n,)."""
        return np.array([math.sqrt(self.step_squared(i)) for i in range(self.n)])

    def points(self, integers: IntArray) -> FloatArray:
        """The points of these integers, shape (m, n)."""
        found = [self.start(i, integers[:, :i]) + self.steps[i] * integers[:, i] for i in range(self.n)]
        return np.stack(found, axis=1)


@dataclass(frozen=True)
class Integers(Lattice):
    """Z^n: covering radius sqrt(n) / 2, volume 1."""

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
    """E8^(n/8): minimal norm 2, covering radius sqrt(n / 8), volume 1. Source: Conway and Sloane, chapters 4 and 20.

    Twice a point of E8 is eight integers c of one parity whose sum is a multiple of 4: c_0 is free, c_0 + 2 z_i follow
    for i = 1 .. 6, and c_7 is minus the sum of the others, plus 4 z_7.
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
    """The nearest integer points of even sum: where it is odd, the worst rounded coordinate goes the other way."""
    rounded = np.rint(blocks)
    error = blocks - rounded
    worst = np.abs(error).argmax(axis=1)
    turn = np.where(np.take_along_axis(error, worst[:, None], axis=1)[:, 0] < 0, -1.0, 1.0)
    rounded[np.arange(len(blocks)), worst] += np.where(rounded.sum(axis=1) % 2 == 0, 0.0, turn)
    return rounded


@dataclass(frozen=True)
class DualRoots(Lattice):
    """A_n*: Z^(n+1) projected along (1, .., 1); covering radius sqrt(n (n + 2) / (12 (n + 1))), volume 1/sqrt(n + 1).

    Source: Conway and Sloane, chapters 4 and 20; the thinnest lattice covering known in many dimensions. R^n is the
    hyperplane of sum zero in the basis e_i = (-1, .., -1, i + 1, 0, .., 0) / sqrt((i + 1)(i + 2)), i = 0 .. n - 1, and
    the integers are those of the representative whose first entry is 0.
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
        """The basis e_i, one row each, shape (n, n + 1)."""
        rows = -np.tri(self.n, self.n + 1)
        rows[np.arange(self.n), np.arange(1, self.n + 1)] = np.arange(1, self.n + 1)
        basis: FloatArray = rows / np.sqrt([[(i + 1) * (i + 2)] for i in range(self.n)])
        return basis

    def nearest(self, rows: FloatArray) -> IntArray:
        """One of n + 1 candidates, O(n log n) a row after the change of basis.

        The floor of a point of the hyperplane, and that with 1 added to the k largest fractions, k = 1 .. n.
        """
        spread = rows @ self.hyperplane
        floor = np.floor(spread)
        order = np.argsort(floor - spread, axis=1, kind="stable")
        sorted_fractions = np.take_along_axis(spread - floor, order, axis=1)
        none = np.zeros((len(rows), 1))
        # Adding 1 to one fraction f changes the sum of errors by -1 and that of squares by 1 - 2 f.
        sums = (spread - floor).sum(axis=1, keepdims=True) - np.arange(self.n + 1)
        squares = np.concatenate([none, np.cumsum(1 - 2 * sorted_fractions[:, :-1], axis=1)], axis=1)
        count = (squares - sums**2 / (self.n + 1)).argmin(axis=1)
        lifted = floor + (np.argsort(order, axis=1, kind="stable") < count[:, None])
        integers: IntArray = (lifted[:, 1:] - lifted[:, :1]).astype(np.int64)
        return integers
