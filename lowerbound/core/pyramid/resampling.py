"""Resampling of token maps to another size, as exact matrices of rational weights.

Resampling is linear and separable. Rows and columns of a two-dimensional map are resampled one after the other, so the
whole matrix is the Kronecker product of two matrices of `weights`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import floor
from typing import Literal

import numpy as np
from flint import fmpq, fmpq_mat
from numpy.typing import NDArray

from lowerbound.errors import unknown

Mode = Literal["area", "bicubic", "bilinear"]
FloatArray = NDArray[np.float64]

SHARPNESS = Fraction(-3, 4)
"""The free parameter of the cubic kernel, as the common tensor libraries set it."""


@lru_cache(maxsize=512)
def weights(mode: Mode, n_in: int, n_out: int) -> tuple[tuple[Fraction, ...], ...]:
    """The exact n_out x n_in matrix that resamples one axis.

    Contract: rows sum to 1, and n_in = n_out gives the identity. Pixel centers are aligned, not corners. Only "area" is
    antialiased. Where a kernel extends beyond the map, the border pixel is repeated. Other modes raise UnknownName.

    Source: bicubic with a = -3/4, linear, and adaptive mean, as VAR and Infinity call them.
    """
    if mode not in _ROWS:
        raise unknown("mode", mode, _ROWS)
    return tuple(_row(_ROWS[mode](i, n_in, n_out), n_in) for i in range(n_out))


def _row(taps: list[tuple[int, Fraction]], n_in: int) -> tuple[Fraction, ...]:
    row = [Fraction(0)] * n_in
    for place, weight in taps:
        row[min(max(place, 0), n_in - 1)] += weight
    return tuple(row)


def _area(i: int, n_in: int, n_out: int) -> list[tuple[int, Fraction]]:
    first, last = i * n_in // n_out, -(-(i + 1) * n_in // n_out)
    return [(place, Fraction(1, last - first)) for place in range(first, last)]


def _bilinear(i: int, n_in: int, n_out: int) -> list[tuple[int, Fraction]]:
    position = max(_centre(i, n_in, n_out), Fraction(0))
    left, t = floor(position), position - floor(position)
    return [(left, 1 - t), (left + 1, t)]


def _bicubic(i: int, n_in: int, n_out: int) -> list[tuple[int, Fraction]]:
    position = _centre(i, n_in, n_out)
    left, t = floor(position), position - floor(position)
    return [(left - 1, _far(1 + t)), (left, _near(t)), (left + 1, _near(1 - t)), (left + 2, _far(2 - t))]


def _centre(i: int, n_in: int, n_out: int) -> Fraction:
    return Fraction(n_in, n_out) * (i + Fraction(1, 2)) - Fraction(1, 2)


def _near(z: Fraction) -> Fraction:
    """The cubic kernel on [0, 1]."""
    return (SHARPNESS + 2) * z**3 - (SHARPNESS + 3) * z**2 + 1


def _far(z: Fraction) -> Fraction:
    """The cubic kernel on [1, 2]."""
    return SHARPNESS * (z**3 - 5 * z**2 + 8 * z - 4)


_ROWS = {"area": _area, "bicubic": _bicubic, "bilinear": _bilinear}


def exact(mode: Mode, n_in: int, n_out: int) -> fmpq_mat:
    """`weights` as an exact python-flint matrix."""
    rows = weights(mode, n_in, n_out)
    return fmpq_mat(n_out, n_in, [fmpq(x.numerator, x.denominator) for row in rows for x in row])


@lru_cache(maxsize=512)
def floats(mode: Mode, n_in: int, n_out: int) -> FloatArray:
    """`weights` as a read-only float64 array, each entry rounded to the nearest double."""
    matrix = np.array([[float(x) for x in row] for row in weights(mode, n_in, n_out)])
    matrix.flags.writeable = False
    return matrix


@dataclass(frozen=True)
class Resampling:
    """The resampling modes of a family of models: `up` to full size, and `down` to the size of the next input."""

    up: Mode
    down: Mode

    def enlarged(self, maps: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """Maps (..., h, w) resampled up to (..., *shape)."""
        return resampled(self.up, maps, shape)

    def reduced(self, maps: FloatArray, shape: tuple[int, int]) -> FloatArray:
        """Maps (..., h, w) resampled down to (..., *shape), the size of the next input."""
        return resampled(self.down, maps, shape)


VAR = Resampling(up="bicubic", down="area")
INFINITY = Resampling(up="bilinear", down="bilinear")
OF_FAMILY = {"VAR": VAR, "Infinity": INFINITY}
"""The resampling of each simulated family, by the family's name in the catalog of models."""


def resampled(mode: Mode, maps: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Maps (..., h, w) resampled to (..., *shape), computed in the dtype of `maps`."""
    height, width = maps.shape[-2:]
    rows, columns = (floats(mode, *sizes).astype(maps.dtype) for sizes in ((height, shape[0]), (width, shape[1])))
    result: FloatArray = rows @ maps @ columns.T
    return result
