"""Codebooks for the replay game: signs, and random ones, with entries in [-1, 1] and known distances.

A linear layer may shift and scale channels, so that every random codebook here fills [-1, 1] in each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.coins import Coins
from lowerbound.core.pyramid.resampling import FloatArray
from lowerbound.errors import unknown

Ids = NDArray[np.int64]
CHANNELS = 32
BLOCK = 32


@dataclass(frozen=True, eq=False)
class Codebook:
    """Codes (V, channels) with entries in [-1, 1]; ids are their row numbers."""

    name: str
    codes: FloatArray = field(repr=False)

    @property
    def size(self) -> int:
        """The number V of codes."""
        return len(self.codes)

    @cached_property
    def gap(self) -> float:
        """The least distance of two codes, in the sup norm."""
        least = np.inf
        for start in range(0, self.size, BLOCK):
            distances = self._distances(self.codes[start : start + BLOCK])
            distances[np.arange(len(distances)), np.arange(start, start + len(distances))] = np.inf
            least = min(least, float(distances.min()))
        return least

    def _distances(self, points: FloatArray) -> FloatArray:
        largest = np.zeros((len(points), self.size))
        for channel in range(self.codes.shape[1]):
            np.maximum(largest, np.abs(points[:, channel, None] - self.codes[:, channel]), out=largest)
        return largest

    def nearest(self, points: FloatArray) -> Ids:
        """The ids of the codes nearest to points (n, channels), in the sup norm."""
        found = [
            self._distances(points[start : start + BLOCK]).argmin(axis=1) for start in range(0, len(points), BLOCK)
        ]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)

    def neighbour(self, one: int) -> FloatArray:
        """The code nearest to the code of an id, apart from that code itself, in the sup norm."""
        (distances,) = self._distances(self.codes[one : one + 1])
        distances[one] = np.inf
        nearest: FloatArray = self.codes[int(distances.argmin())]
        return nearest

    def packed(self, gap: float) -> Codebook:
        """A sub-codebook of codes at least `gap` apart in the sup norm, chosen greedily in their order."""
        kept: list[int] = []
        for one, code in enumerate(self.codes):
            if not kept or np.abs(self.codes[kept] - code).max(axis=1).min() >= gap:
                kept.append(one)
        return Codebook(f"{self.name}, {gap:g} apart", self.codes[kept])


class Signs(Codebook):
    """All sign vectors in the first log2 V channels, with zeros in the others; codes are 2 apart in the sup norm.

    Each channel is read on its own, so that no search over all codes is needed.
    """

    @property
    def n_bits(self) -> int:
        """log2 V, the number of bits per id."""
        return (self.size - 1).bit_length()

    def nearest(self, points: FloatArray) -> Ids:
        found: Ids = (points[:, : self.n_bits] > 0) @ (1 << np.arange(self.n_bits))
        return found

    def neighbour(self, one: int) -> FloatArray:
        """The code with every sign flipped, so that noise attacks all channels at once."""
        turned: FloatArray = -self.codes[one]
        return turned


def signs(n_bits: int = 12, *, channels: int = CHANNELS) -> Signs:
    """The binary codebook of 2^n_bits codes."""
    codes = np.zeros((1 << n_bits, channels))
    codes[:, :n_bits] = 2.0 * (np.arange(1 << n_bits)[:, None] >> np.arange(n_bits) & 1) - 1
    return Signs("binary", codes)


def random(name: str, n_bits: int = 12, *, channels: int = CHANNELS, seed: int = 0) -> Codebook:
    """Independent codes: "gaussian", "sphere" (the same, on the unit sphere) or "uniform"; each channel fills [-1, 1].

    Contract: equal arguments give equal codes; another name raises UnknownName.
    """
    if name not in _DRAWN:
        raise unknown("codebook", name, NAMES)
    codes = _DRAWN[name](Coins(seed, f"var/codebook/{name}").generator(), (1 << n_bits, channels))
    codes -= (codes.max(axis=0) + codes.min(axis=0)) / 2
    codes /= np.abs(codes).max(axis=0)
    return Codebook(name, codes)


def _sphere(draw: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    codes = draw.standard_normal(shape)
    unit: FloatArray = codes / np.linalg.norm(codes, axis=1, keepdims=True)
    return unit


_DRAWN: dict[str, Callable[[np.random.Generator, tuple[int, int]], FloatArray]] = {
    "gaussian": lambda draw, shape: draw.standard_normal(shape),
    "sphere": _sphere,
    "uniform": lambda draw, shape: draw.uniform(-1, 1, shape),
}
NAMES = ("binary", *_DRAWN)


def codebook(name: str, n_bits: int = 12, *, seed: int = 0) -> Codebook:
    """One of NAMES; UnknownName otherwise."""
    return signs(n_bits) if name == "binary" else random(name, n_bits, seed=seed)
