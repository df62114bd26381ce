"""A pyramid of maps in exact arithmetic: how ids of one scale enter the content of another, and how to read them back.

Ids are codes in [-1, 1], one channel at a time. To get the content of a scale, the codes of earlier scales are enlarged
to full size, added up, and reduced to the size of that scale. Rows and columns are resampled one after the other, so
that every matrix here is a Kronecker product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from flint import fmpq, fmpq_mat

from lowerbound.kernel.codec import Rejected, integer, shown, typed

MOST_SCALES = 16
MOST_SIDE = 128
MOST_PRODUCTS = 2**25

Axis = tuple[int, ...]


@dataclass(frozen=True)
class Pyramid:
    """Maps (height, width), coarse to fine, and the modes by which they are enlarged and reduced."""

    maps: tuple[tuple[int, int], ...]
    up: str
    down: str

    def passed(self, axis: int, scale: int, earlier: int) -> fmpq_mat:
        """The matrix, along one axis, from codes of scale `earlier` over full size to content of `scale`, from 0."""
        full = self.maps[-1][axis]
        up = resampling(self.up, self.maps[earlier][axis], full)
        return resampling(self.down, full, self.maps[scale][axis]) * up

    def largest_content(self, kept: Sequence[tuple[Axis, Axis]], k: int) -> Fraction:
        """F_k: the largest |content| of scale k + 1, for codes in [-1, 1] at the kept places of scales up to k."""
        sums = [self._absolute_sums(axis, k + 1, [each[axis] for each in kept[: k + 1]]) for axis in (0, 1)]
        largest = max((sums[0] * sums[1].transpose()).entries())
        return Fraction(int(largest.p), int(largest.q))

    def _absolute_sums(self, axis: int, scale: int, kept: list[Axis]) -> fmpq_mat:
        """Entry (i, j): the sum of |weights| with which line i of a scale takes in the kept ids of scale j."""
        height = self.maps[scale][axis]
        passed = [self.passed(axis, scale, j) for j in range(len(kept))]
        sums = [
            sum((abs(passed[j][i, place]) for place in places), fmpq(0))
            for i in range(height)
            for j, places in enumerate(kept)
        ]
        return fmpq_mat(height, len(kept), sums)

    def amplification(self, axis: int, k: int, kept: Axis, supports: Sequence[Axis]) -> Fraction:
        """The largest sum of |entries| in a row of one axis's left inverse, whose row p is zero off supports[p]."""
        whole = self.passed(axis, k + 1, k)
        shared: dict[Axis, list[int]] = {}
        for p, support in enumerate(supports):
            shared.setdefault(support, []).append(p)
        return max(_row_sum(whole, kept, support, rows) for support, rows in shared.items())


def _row_sum(whole: fmpq_mat, columns: Axis, support: Axis, rows: list[int]) -> Fraction:
    """The largest sum of |l_i| over vectors l on this support with l^T A = e_p; A has these columns, p is in `rows`."""
    n = len(columns)
    part = fmpq_mat(n, n, [whole[row, column] for column in columns for row in support])
    units = fmpq_mat(n, len(rows), [int(q == p) for q in range(n) for p in rows])
    try:
        solutions = part.solve(units)
    except ZeroDivisionError:
        raise Rejected(f"rows {shown(list(support))} do not determine the ids") from None
    largest = max(sum((abs(solutions[i, p]) for i in range(n)), fmpq(0)) for p in range(len(rows)))
    return Fraction(int(largest.p), int(largest.q))


def read_maps(value: Any, fewest: int) -> tuple[tuple[int, int], ...]:
    """The maps; raises Rejected if one is larger than the last, or if there are fewer than `fewest`."""
    if not fewest <= len(typed(value, list, "the maps")) <= MOST_SCALES:
        raise Rejected(f"there must be {fewest} to {MOST_SCALES} maps, got {len(value)}")
    maps = []
    for sides in value:
        if len(typed(sides, list, "a map")) != 2:
            raise Rejected(f"a map must have two sides, got {shown(sides)}")
        height, width = (integer(side, "a side", 1, MOST_SIDE) for side in sides)
        maps.append((height, width))
    if any(height > maps[-1][0] or width > maps[-1][1] for height, width in maps):
        raise Rejected("no map may be larger than the last")
    pairs = [(axis, k, j) for axis in (0, 1) for k in range(len(maps) - 2) for j in range(k + 1)]
    if sum(maps[k + 1][axis] * maps[-1][axis] * maps[j][axis] for axis, k, j in pairs) > MOST_PRODUCTS:
        raise Rejected(f"resampling the maps exceeds the limit of {MOST_PRODUCTS} products")
    return tuple(maps)


def read_mode(value: Any) -> str:
    """The name of a resampling mode, one of TAPS; raises Rejected otherwise."""
    if typed(value, str, "a mode") not in TAPS:
        raise Rejected(f"a mode must be one of {', '.join(TAPS)}, got {shown(value)}")
    return str(value)


@lru_cache(maxsize=256)
def resampling(mode: str, n_in: int, n_out: int) -> fmpq_mat:
    """The exact n_out x n_in matrix that resamples one axis; places beyond the border take the border's cell."""
    matrix = fmpq_mat(n_out, n_in)
    for i in range(n_out):
        for place, weight in TAPS[mode](i, n_in, n_out):
            column = min(n_in - 1, max(0, place))
            matrix[i, column] += weight
    return matrix


def _area(i: int, n_in: int, n_out: int) -> Iterator[tuple[int, fmpq]]:
    """The mean of the cells that output cell i touches."""
    first, after = n_in * i // n_out, (n_in * (i + 1) + n_out - 1) // n_out
    for place in range(first, after):
        yield place, fmpq(1, after - first)


def _linear(i: int, n_in: int, n_out: int) -> Iterator[tuple[int, fmpq]]:
    """Linear interpolation between the two nearest input cells."""
    twice = max(0, (2 * i + 1) * n_in - n_out)
    left, rest = divmod(twice, 2 * n_out)
    yield left, 1 - fmpq(rest, 2 * n_out)
    yield left + 1, fmpq(rest, 2 * n_out)


def _cubic(i: int, n_in: int, n_out: int) -> Iterator[tuple[int, fmpq]]:
    """Keys's cubic convolution with a = -3/4: four input cells, each weighted by its distance."""
    left, rest = divmod((2 * i + 1) * n_in - n_out, 2 * n_out)
    a = fmpq(-3, 4)
    for place in range(left - 1, left + 3):
        x = abs(fmpq(rest, 2 * n_out) - (place - left))
        if x <= 1:
            yield place, 1 + x * x * ((a + 2) * x - (a + 3))
        else:
            yield place, a * (x - 1) * (x - 2) * (x - 2)


TAPS = {"area": _area, "bicubic": _cubic, "bilinear": _linear}
"""By mode: the input cells that an output cell reads, with their weights; pixel centers are aligned."""
