"""Exact ranks over the rationals: in how many dimensions the token ids of a pyramid can vary each scale's input."""

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
"""The prime for ranks modulo a prime. Such a rank is a lower bound, and nearly always exact for a prime this large."""


def rank(matrix: fmpq_mat) -> int:
    """The rank of a matrix over the rationals.

    Contract: the result is exact. The rank r modulo PRIME is a lower bound. It is also an upper bound if every other
    row, or every other column where there are fewer, is a rational combination of r chosen ones, which is checked
    exactly. If that check fails, rational elimination computes the rank.
    """
    # Elimination modulo a prime and one rational solve are much faster than rational elimination of a large matrix.
    integers, _ = matrix.numer_denom()
    if integers.nrows() > integers.ncols():
        integers = integers.transpose()  # the fewer rows, the fewer combinations are solved for
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
    """Indices of columns that are independent modulo PRIME, and hence over the rationals.

    They are nearly always a basis of the column space: there are fewer only if PRIME divides all relevant minors.
    """
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
    """The exact Kronecker product of two matrices."""
    entries = [
        left[i, j] * right[k, m]
        for i in range(left.nrows())
        for k in range(right.nrows())
        for j in range(left.ncols())
        for m in range(right.ncols())
    ]
    return fmpq_mat(left.nrows() * right.nrows(), left.ncols() * right.ncols(), entries)


def beside(blocks: list[fmpq_mat]) -> fmpq_mat:
    """The matrix [B_1 | B_2 | ...] of blocks that have the same number of rows."""
    rows = blocks[0].nrows()
    entries = [block[row, column] for row in range(rows) for block in blocks for column in range(block.ncols())]
    return fmpq_mat(rows, sum(block.ncols() for block in blocks), entries)


@dataclass(frozen=True)
class ReachOfScale:
    """Ranks of the linear maps from earlier ids to the input of one scale, for one channel.

    `scale` counts from 1. `n_tokens` is the number of tokens of this scale, and `n_earlier` the number of ids of
    earlier scales in one channel. `rank` is the rank of the map from all earlier ids to the input of this scale, and
    `rank_of_last` that of the map from the ids of the previous scale alone. `f_hat_rank` is the rank of the map from
    all earlier ids to the accumulated map, of which the input is a reduction. `joint_rank` is the rank of the map from
    all earlier ids to the inputs of all scales up to this one.
    """

    scale: int
    n_tokens: int
    n_earlier: int
    rank: int
    rank_of_last: int
    f_hat_rank: int
    joint_rank: int


Kernel = tuple[tuple[Fraction, Fraction, Fraction], ...]
"""A 3 x 3 convolution kernel: three rows of three weights."""


N_TICKS = 4
"""The number of convolutions phi, called ticks, that the scales of VAR share."""
PHI_RATIO = Fraction(1, 2)
"""The share of the convolution in phi, of which `smoothing` is the matrix."""


def tick_of(scale: int, n_scales: int, n_ticks: int = N_TICKS) -> int:
    """The number of the shared convolution that smooths `scale`, both from 0.

    Scale k of n is at position k / (n - 1) in [0, 1], and the nearest of `n_ticks` fixed positions is chosen. Four
    positions start at 1/12; any other number m of them starts at 1/(2 m).

    Source: VAR's models/quant.py, PhiPartiallyShared.
    """
    first = 1 / 3 / n_ticks if n_ticks == N_TICKS else 1 / 2 / n_ticks
    return int(np.argmin(np.abs(np.linspace(first, 1 - first, n_ticks) - scale / max(1, n_scales - 1))))


def random_kernels(seed: int, n_ticks: int = N_TICKS) -> tuple[Kernel, ...]:
    """One random rational kernel of phi per tick, for one channel; entries are k/9 with k uniform in -9..9."""
    drawn = Coins(seed, "var/ranks/kernels").below(19, 9 * n_ticks) - 9
    numbers = [Fraction(int(k), 9) for k in drawn]
    triples = [(numbers[i], numbers[i + 1], numbers[i + 2]) for i in range(0, len(numbers), 3)]
    return tuple(tuple(triples[3 * tick : 3 * tick + 3]) for tick in range(n_ticks))


def smoothing(kernel: Kernel, height: int, width: int) -> fmpq_mat:
    """The exact matrix of phi for one channel, without its bias: half the identity plus half the convolution.

    The convolution pads the map with zeros.
    """
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
    """The linear maps of one channel, from ids to the accumulated map and from there to the input of each scale.

    Contract: all matrices are exact. Token maps may be rectangular, but one that has a frame axis or is larger than the
    last map raises ImpossibleReduction. Without kernels, phi is the identity.
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
        """The exact matrix that enlarges the codes of scale `earlier` to the size of the last map, before phi."""
        return kronecker(*(self._up(axis, earlier) for axis in (0, 1)))

    def _up(self, axis: int, scale: int) -> fmpq_mat:
        shapes = self.schedule.shapes
        return exact(self.resampling.up, shapes[scale][axis], shapes[-1][axis])

    def _axis(self, axis: int, scale: int, earlier: int) -> fmpq_mat:
        shapes = self.schedule.shapes
        return exact(self.resampling.down, shapes[-1][axis], shapes[scale][axis]) * self._up(axis, earlier)

    def reach(self, scale: int) -> ReachOfScale:
        """The ranks for the input of `scale`, which counts from 1 as in the tables.

        Scale 1 depends on the condition alone, so all its ranks are 0.
        """
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
        """The rank of the map from all ids before `scale` to the inputs of scales 2..`scale` (scales count from 1)."""
        # The map is block lower triangular. If every diagonal block has full column rank, so has the whole map; only
        # otherwise is the whole matrix eliminated, which is slow.
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
    kernel = pyramid.kernels[tick_of(earlier, pyramid.schedule.n_scales, len(pyramid.kernels))]
    height, width = pyramid.schedule.shapes[-1][-2:]
    return smoothing(kernel, height, width) * pyramid.enlarged(earlier)


@lru_cache(maxsize=4096)
def _square_rank(pyramid: ChannelPyramid, scale: int, earlier: int) -> int:
    """The rank of the map from the codes of scale `earlier` to the input of `scale`, both from 0."""
    # Without kernels the map is a Kronecker product of two small matrices, whose ranks multiply.
    if pyramid.kernels is not None:
        return rank(pyramid.content_of(scale, earlier))
    return rank(pyramid._axis(0, scale, earlier)) * rank(pyramid._axis(1, scale, earlier))
