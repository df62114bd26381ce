"""Exact ranks of what a pyramid's ids reach: how many dimensions of each scale's input are free, over the rationals."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from flint import fmpq, fmpq_mat, nmod_mat

from lowerbound.core.coins import Coins
from lowerbound.core.pyramid.resampling import Resampling, exact
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction

PRIME = 2**61 - 1
"""Ranks modulo a prime are lower bounds; this one is large, so that they are nearly always the rank."""


def rank(matrix: fmpq_mat) -> int:
    """The rank over the rationals.

    Contract: exact. Modulo a prime it is at least some r; that it is no more is checked by solving, over the rationals,
    for every row outside a basis of r rows. Should the prime divide a minor that matters, elimination decides.
    """
    integers, _ = matrix.numer_denom()
    whole = fmpq_mat(integers)
    rows, columns = whole.nrows(), whole.ncols()
    if not rows or not columns:
        return 0
    reduced, lower = nmod_mat(integers, PRIME).rref()
    if lower == min(rows, columns):
        return int(lower)
    chosen_columns = _pivots(reduced, lower)
    chosen_rows = _pivots(nmod_mat(integers, PRIME).transpose().rref()[0], lower)
    others = [row for row in range(rows) if row not in set(chosen_rows)]
    core = _part(whole, chosen_rows, chosen_columns)
    rest = _part(whole, others, chosen_columns)
    combination = core.transpose().solve(rest.transpose()).transpose()
    everywhere = list(range(columns))
    if combination * _part(whole, chosen_rows, everywhere) == _part(whole, others, everywhere):
        return int(lower)
    return int(matrix.rank())


def independent_columns(matrix: fmpq_mat) -> list[int]:
    """Numbers of columns that are independent over the rationals, as they are modulo a prime; nearly always a basis."""
    integers, _ = matrix.numer_denom()
    reduced, count = nmod_mat(integers, PRIME).rref()
    return _pivots(reduced, count)


def _pivots(echelon: nmod_mat, count: int) -> list[int]:
    found, column = [], 0
    for row in range(count):
        while int(echelon[row, column]) == 0:
            column += 1
        found.append(column)
    return found


def _part(matrix: fmpq_mat, rows: list[int], columns: list[int]) -> fmpq_mat:
    return fmpq_mat(len(rows), len(columns), [matrix[row, column] for row in rows for column in columns])


def kronecker(left: fmpq_mat, right: fmpq_mat) -> fmpq_mat:
    """The Kronecker product, exactly."""
    entries = [
        left[i, j] * right[k, m]
        for i in range(left.nrows())
        for k in range(right.nrows())
        for j in range(left.ncols())
        for m in range(right.ncols())
    ]
    return fmpq_mat(left.nrows() * right.nrows(), left.ncols() * right.ncols(), entries)


def beside(blocks: list[fmpq_mat]) -> fmpq_mat:
    """Blocks of as many rows, side by side."""
    rows = blocks[0].nrows()
    entries = [block[row, column] for row in range(rows) for block in blocks for column in range(block.ncols())]
    return fmpq_mat(rows, sum(block.ncols() for block in blocks), entries)


@dataclass(frozen=True)
class ReachOfScale:
    """Of one channel: how many dimensions the ids of earlier scales reach in the input of scale `scale` (from 1).

    `rank` is that of all earlier ids together, `rank_of_last` that of the scale just before alone, `f_hat_rank` that of
    the accumulated map which the input is reduced from, and `joint_rank` that of the inputs of all scales up to this
    one together; `n_earlier` counts the ids of one channel.
    """

    scale: int
    n_tokens: int
    n_earlier: int
    rank: int
    rank_of_last: int
    f_hat_rank: int
    joint_rank: int


Kernel = tuple[tuple[Fraction, Fraction, Fraction], ...]
"""Three rows of three weights."""


N_TICKS = 4
"""Convolutions phi that the scales of VAR share."""


def tick_of(scale: int, n_scales: int) -> int:
    """Which of the four shared convolutions smooths `scale` (from 0): the nearest tick of its place in [0, 1]."""
    ticks = np.linspace(1 / 3 / N_TICKS, 1 - 1 / 3 / N_TICKS, N_TICKS)
    return int(np.argmin(np.abs(ticks - scale / max(1, n_scales - 1))))


def random_kernels(seed: int) -> tuple[Kernel, ...]:
    """One rational kernel of phi a tick, for one channel: entries k/9, k uniform in -9..9."""
    drawn = Coins(seed, "var/ranks/kernels").below(19, 9 * N_TICKS) - 9
    numbers = [Fraction(int(k), 9) for k in drawn]
    triples = [(numbers[i], numbers[i + 1], numbers[i + 2]) for i in range(0, len(numbers), 3)]
    return tuple(tuple(triples[3 * tick : 3 * tick + 3]) for tick in range(N_TICKS))


def smoothing(kernel: Kernel, height: int, width: int) -> fmpq_mat:
    """phi of one channel as an exact matrix, its bias apart: half the map, half its convolution over zeros."""
    size = height * width
    matrix = fmpq_mat(size, size)
    for row in range(height):
        for column in range(width):
            here = row * width + column
            for down in (-1, 0, 1):
                for across in (-1, 0, 1):
                    if 0 <= row + down < height and 0 <= column + across < width:
                        weight = kernel[down + 1][across + 1] / 2
                        there = here + down * width + across
                        matrix[here, there] = matrix[here, there] + fmpq(weight.numerator, weight.denominator)
            matrix[here, here] = matrix[here, here] + fmpq(1, 2)
    return matrix


@dataclass(frozen=True)
class ChannelPyramid:
    """The linear maps of one channel: ids -> accumulated map -> input of each scale.

    Contract: exact; maps may be rectangular, but none larger than the last. Without kernels, phi is the identity.
    """

    schedule: ScaleSchedule
    resampling: Resampling
    kernels: tuple[Kernel, ...] | None = None

    def __post_init__(self) -> None:
        last = self.schedule.shapes[-1]
        if any(len(shape) != 2 or shape[0] > last[0] or shape[1] > last[1] for shape in self.schedule.shapes):
            raise ImpossibleReduction("a pyramid needs flat maps, none of them larger than the last")

    def content_of(self, scale: int, earlier: int) -> fmpq_mat:
        """The exact matrix from the codes of scale `earlier` to the input of `scale`, both from 0."""
        if self.kernels is not None:
            return _down(self, scale) * _smoothed(self, earlier)
        return kronecker(*(self._axis(axis, scale, earlier) for axis in (0, 1)))

    def accumulated(self, earlier: int) -> fmpq_mat:
        """The exact matrix from the codes of scale `earlier` to the accumulated map."""
        if self.kernels is not None:
            return _smoothed(self, earlier)
        return self.enlarged(earlier)

    def enlarged(self, earlier: int) -> fmpq_mat:
        """The exact matrix from the codes of scale `earlier` to full size, before phi."""
        return kronecker(*(self._up(axis, earlier) for axis in (0, 1)))

    def _up(self, axis: int, scale: int) -> fmpq_mat:
        shapes = self.schedule.shapes
        return exact(self.resampling.up, shapes[scale][axis], shapes[-1][axis])

    def _axis(self, axis: int, scale: int, earlier: int) -> fmpq_mat:
        shapes = self.schedule.shapes
        return exact(self.resampling.down, shapes[-1][axis], shapes[scale][axis]) * self._up(axis, earlier)

    def reach(self, scale: int) -> ReachOfScale:
        """Ranks of the input of `scale`, from 1 as in the tables; the first scale sees the condition alone."""
        sizes = [self.schedule.map_size(k) for k in range(scale)]
        if scale == 1:
            return ReachOfScale(1, sizes[0], 0, 0, 0, 0, 0)
        earlier = range(scale - 1)
        return ReachOfScale(
            scale=scale,
            n_tokens=sizes[-1],
            n_earlier=sum(sizes[:-1]),
            rank=rank(beside([self.content_of(scale - 1, k) for k in earlier])),
            rank_of_last=_square_rank(self, scale - 1, scale - 2),
            f_hat_rank=rank(beside([self.accumulated(k) for k in earlier])),
            joint_rank=self.joint_rank(scale),
        )

    def joint_rank(self, scale: int) -> int:
        """Rank of the map from all ids before `scale` to the inputs of scales 2..`scale` together.

        The map is lower triangular in blocks, so that full column rank of every diagonal block gives all of it; only
        where one lacks it is the whole matrix eliminated.
        """
        sizes = [self.schedule.map_size(k) for k in range(scale - 1)]
        if all(_square_rank(self, k + 1, k) == size for k, size in enumerate(sizes)):
            return sum(sizes)
        rows = []
        for below in range(1, scale):
            blocks = [
                self.content_of(below, k) if k < below else fmpq_mat(self.schedule.map_size(below), sizes[k])
                for k in range(scale - 1)
            ]
            rows.append(beside(blocks).transpose())
        return rank(beside(rows))


@lru_cache(maxsize=64)
def _down(pyramid: ChannelPyramid, scale: int) -> fmpq_mat:
    shapes = pyramid.schedule.shapes
    return kronecker(*(exact(pyramid.resampling.down, shapes[-1][axis], shapes[scale][axis]) for axis in (0, 1)))


@lru_cache(maxsize=64)
def _smoothed(pyramid: ChannelPyramid, earlier: int) -> fmpq_mat:
    assert pyramid.kernels is not None
    kernel = pyramid.kernels[tick_of(earlier, pyramid.schedule.n_scales)]
    height, width = pyramid.schedule.shapes[-1][-2:]
    return smoothing(kernel, height, width) * pyramid.enlarged(earlier)


@lru_cache(maxsize=4096)
def _square_rank(pyramid: ChannelPyramid, scale: int, earlier: int) -> int:
    """The rank of a Kronecker product is the product of ranks."""
    if pyramid.kernels is not None:
        return rank(pyramid.content_of(scale, earlier))
    return rank(pyramid._axis(0, scale, earlier)) * rank(pyramid._axis(1, scale, earlier))
