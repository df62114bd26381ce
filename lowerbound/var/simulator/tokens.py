"""From ids to inputs: ids select codes, codes add up to the map f_hat, and f_hat is reduced to the next input.

There are two kinds. VAR's ids select rows of a codebook, which are enlarged and then smoothed by phi. Infinity's ids
consist of bits, one per channel, which are enlarged without smoothing. In both, every step is linear in the codes, and
f_hat is the sum over scales.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.pyramid.ranks import tick_of
from lowerbound.core.pyramid.resampling import INFINITY, VAR, Resampling
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction

Array = NDArray[Any]
Ids = NDArray[np.int64]


def convolved(maps: Array, kernel: Array, bias: Array, *, stride: int = 1) -> Array:
    """A 3 x 3 convolution over a border of zeros, at every `stride`-th place.

    Parameters
    ----------
    maps : array, shape (inputs, h, w)
    kernel : array, shape (outputs, inputs, 3, 3)
    bias : array, shape (outputs,)
    """
    framed = np.pad(maps, ((0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(framed, (3, 3), axis=(1, 2))[:, ::stride, ::stride]
    out: Array = np.tensordot(kernel, windows, axes=([1, 2, 3], [0, 3, 4])) + bias[:, None, None]
    return out


def smoothed(maps: Array, kernel: Array, bias: Array, ratio: float) -> Array:
    """phi: 1 - ratio of the maps, and ratio of a 3 x 3 convolution of them; shapes as in `convolved`."""
    out: Array = (1 - ratio) * maps + ratio * convolved(maps, kernel, bias)
    return out


@dataclass(frozen=True, eq=False)
class ImageTokens(ABC):
    """The pyramid of one image: ids of a scale -> their share of f_hat -> inputs of the next scale.

    Contract: `contribution` and `reduced` are linear up to a constant, in the precision of the weights; every map is
    two-dimensional and none is larger than the last, or ImpossibleReduction is raised.
    """

    schedule: ScaleSchedule

    def __post_init__(self) -> None:
        last = self.schedule.shapes[-1]
        if any(len(shape) != 2 or shape[0] > last[0] or shape[1] > last[1] for shape in self.schedule.shapes):
            raise ImpossibleReduction("a pyramid needs flat maps, none of them larger than the last")

    @property
    @abstractmethod
    def resampling(self) -> Resampling:
        """How maps change their size."""

    @property
    @abstractmethod
    def content_dim(self) -> int:
        """The number of entries of a token's input before the word embedding."""

    @property
    @abstractmethod
    def n_choices(self) -> tuple[int, int]:
        """(number of decisions per id, alternatives of each decision), which is the shape of a token's logits."""

    @abstractmethod
    def codes(self, ids: Ids, scale: int) -> Array:
        """The codes of a scale's ids as maps, before they are enlarged."""

    @abstractmethod
    def empty(self) -> Array:
        """f_hat before any id: zeros, at full size."""

    @abstractmethod
    def contribution(self, ids: Ids, scale: int) -> Array:
        """What the ids of `scale` add to f_hat."""

    @abstractmethod
    def reduced(self, f_hat: Array, scale: int) -> Array:
        """f_hat at the size of `scale`, with one row per token: shape (tokens, content_dim)."""

    @abstractmethod
    def nearest(self, rows: Array) -> Ids:
        """The ids whose codes are nearest to contents (tokens, content_dim): shape (tokens, decisions)."""

    def quantised(self, target: Array) -> tuple[tuple[Ids, ...], Array]:
        """The ids of a map of the shape of f_hat, scale after scale, and the f_hat that they give.

        Contract: every id is the nearest one to what f_hat still misses at its scale.
        """
        f_hat, ids = self.empty(), []
        for scale in range(self.schedule.n_scales):
            ids.append(self.nearest(self.reduced(target - f_hat, scale)))
            f_hat = f_hat + self.contribution(ids[-1], scale)
        return tuple(ids), f_hat


@dataclass(frozen=True, eq=False)
class VectorTokens(ImageTokens):
    """VAR's tokens: an id is a row of a codebook, enlarged bicubically, smoothed by phi, and reduced by area means.

    Parameters
    ----------
    codebook : array, shape (V, channels)
    kernels : array, shape (m, channels, channels, 3, 3)
        The m convolutions that scales share by their ticks; without any, enlarged codes stay as they are.
    biases : array, shape (m, channels)
    ratio : float
        The share of the convolution in phi.
    """

    codebook: Array
    kernels: Array
    biases: Array
    ratio: float

    @property
    def resampling(self) -> Resampling:
        return VAR

    @property
    def content_dim(self) -> int:
        return int(self.codebook.shape[1])

    @property
    def n_choices(self) -> tuple[int, int]:
        return 1, len(self.codebook)

    def codes(self, ids: Ids, scale: int) -> Array:
        """Shape (channels, h, w), from ids of shape (h w, 1)."""
        height, width = self.schedule.shapes[scale][-2:]
        maps: Array = self.codebook[ids[:, 0]].T.reshape(self.content_dim, height, width)
        return maps

    def empty(self) -> Array:
        return np.zeros((self.content_dim, *self.schedule.shapes[-1]), dtype=self.codebook.dtype)

    def contribution(self, ids: Ids, scale: int) -> Array:
        return self.spread(self.codes(ids, scale), scale)

    def spread(self, codes: Array, scale: int) -> Array:
        """What a map of codes (channels, h, w) of a scale adds to f_hat; any numbers do, not the codebook's alone."""
        enlarged = self.resampling.enlarged(codes, self.schedule.shapes[-1][-2:])
        if not len(self.kernels):
            return enlarged
        tick = tick_of(scale, self.schedule.n_scales, len(self.kernels))
        return smoothed(enlarged, self.kernels[tick], self.biases[tick], self.ratio)

    def reduced(self, f_hat: Array, scale: int) -> Array:
        maps = self.resampling.reduced(f_hat, self.schedule.shapes[scale][-2:])
        return np.ascontiguousarray(maps.reshape(self.content_dim, -1).T)

    def nearest(self, rows: Array) -> Ids:
        squares = np.vecdot(self.codebook, self.codebook)
        found: Ids = np.argmin(squares - 2 * (rows @ self.codebook.T), axis=1)[:, None].astype(np.int64)
        return found


@dataclass(frozen=True, eq=False)
class BitTokens(ImageTokens):
    """Infinity's tokens: an id is `n_bits` bits, each a channel of +-1/sqrt(channels), resampled linearly without phi.

    With `patch` = 2, as in the 8B model, a token's bits belong to 2 x 2 cells of a map of twice the side, with a
    quarter of the bits in each cell; resampling happens on that larger map.
    """

    n_bits: int
    patch: int
    dtype: np.dtype[Any]

    @property
    def resampling(self) -> Resampling:
        return INFINITY

    @property
    def channels(self) -> int:
        """The number of channels of f_hat."""
        return self.n_bits // self.patch**2

    @property
    def content_dim(self) -> int:
        return self.n_bits

    @property
    def n_choices(self) -> tuple[int, int]:
        return self.n_bits, 2

    def _size(self, scale: int) -> tuple[int, int]:
        height, width = self.schedule.shapes[scale][-2:]
        return height * self.patch, width * self.patch

    def codes(self, ids: Ids, scale: int) -> Array:
        """Shape (channels, patch h, patch w), from bits of shape (h w, n_bits)."""
        height, width = self.schedule.shapes[scale][-2:]
        rows = ((2 * ids - 1) / np.sqrt(self.channels)).astype(self.dtype)
        apart = rows.reshape(height, width, self.channels, self.patch, self.patch)
        maps: Array = apart.transpose(2, 0, 3, 1, 4).reshape(self.channels, *self._size(scale))
        return maps

    def empty(self) -> Array:
        return np.zeros((self.channels, *self._size(self.schedule.n_scales - 1)), dtype=self.dtype)

    def contribution(self, ids: Ids, scale: int) -> Array:
        return self.resampling.enlarged(self.codes(ids, scale), self._size(self.schedule.n_scales - 1))

    def reduced(self, f_hat: Array, scale: int) -> Array:
        height, width = self.schedule.shapes[scale][-2:]
        maps = self.resampling.reduced(f_hat, self._size(scale))
        apart = maps.reshape(self.channels, height, self.patch, width, self.patch)
        rows: Array = apart.transpose(1, 3, 0, 2, 4).reshape(height * width, self.n_bits)
        return rows

    def nearest(self, rows: Array) -> Ids:
        signs: Ids = (rows > 0).astype(np.int64)
        return signs
