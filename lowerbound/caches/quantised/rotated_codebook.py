"""TurboQuant's quantizer: rotate by a public random rotation, then quantize all coordinates with one codebook."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from scipy.special import betainc, betaincinv, gammaln

from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter, Codes, code_type
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins
from lowerbound.errors import CorruptState

MOST_BITS = 8
NEWTON_ROUNDS = 20


@cache
def lloyd_max(d: int, bits: int) -> FloatArray:
    """The 2^bits centroids of least mean squared error for one coordinate of a uniform unit vector in R^d.

    Contract: increasing, antisymmetric, and the same on every call; each is the mean of its cell up to 1e-9 / sqrt(d),
    for at most 8 bits and 2 <= d <= 100,000. d < 2 is treated as 2.

    Notes
    -----
    The density is proportional to (1 - x^2)^((d - 3) / 2), so cell masses are incomplete beta functions and cell means
    have a closed form. A cell's mean depends on it and its two neighbours, so that Newton's method solves a tridiagonal
    system in each round. It starts from centroids spaced by the cube root of the density, which is asymptotically
    optimal for many levels, and needs at most four rounds.
    """
    d = max(d, 2)
    half = 2**bits // 2
    if half == 0:
        return np.zeros(1)
    shape, start_shape = (d - 1) / 2, (d + 3) / 6
    height = math.exp(float(gammaln(d / 2) - gammaln(shape))) / math.sqrt(math.pi)
    centroids = 2 * betaincinv(start_shape, start_shape, (np.arange(half) + 0.5) / (2 * half)) - 1
    for _ in range(NEWTON_ROUNDS):
        edges = np.concatenate([[-1.0], (centroids[1:] + centroids[:-1]) / 2, [0.0]])
        mass = np.diff(betainc(shape, shape, (1 + edges) / 2))
        means = -np.diff(height / (d - 1) * (1 - edges**2) ** shape) / mass
        if float(np.abs(means - centroids).max()) * math.sqrt(d) < 1e-9:
            break
        inner = edges[1:-1]
        density = height * (1 - inner**2) ** (shape - 1)
        # How fast a mean moves with its cell's left and right edge; both ends of the half line stay.
        left = np.concatenate([[0.0], density * (means[1:] - inner) / mass[1:]])
        right = np.concatenate([density * (inner - means[:-1]) / mass[:-1], [0.0]])
        system = np.diag(1 - (left + right) / 2) - np.diag(right[:-1] / 2, 1) - np.diag(left[1:] / 2, -1)
        centroids = centroids + np.linalg.solve(system, means - centroids)
    codebook: FloatArray = np.concatenate([centroids, -centroids[::-1]])
    codebook.flags.writeable = False
    return codebook


def rotation(seed: int, d: int, purpose: str) -> FloatArray:
    """A uniformly random orthogonal matrix, from public coins."""
    gaussian = Coins(seed, f"{purpose} {d}").generator().standard_normal((d, d))
    q, r = np.linalg.qr(gaussian)
    orthogonal: FloatArray = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return orthogonal


class RotatedCodebook:
    """Quantizer of a row: its norm in float16, and a `bits`-bit code for each coordinate of its rotated direction."""

    def __init__(self, public: Public, bits: int) -> None:
        self.bits, self.d = bits, public.d
        self.rotation = rotation(public.seed, public.d, "turboquant rotation")
        self.centroids = lloyd_max(public.d, bits)

    def codes(self, rows: FloatArray) -> tuple[Codes, FloatArray]:
        """The codes and norms of (n, d) rows."""
        norms = np.linalg.norm(rows, axis=1)
        rotated = rows @ self.rotation.T / np.where(norms > 0, norms, 1.0)[:, None]
        edges = (self.centroids[1:] + self.centroids[:-1]) / 2
        codes: Codes = np.searchsorted(edges, rotated).astype(code_type(self.bits))
        return codes, norms

    def restore(self, codes: Codes, norms: FloatArray) -> FloatArray:
        """The (n, d) rows that the codes and norms represent."""
        rows: FloatArray = self.centroids[codes] @ self.rotation * norms[:, None]
        return rows

    def empty(self) -> tuple[Codes, FloatArray]:
        """The codes and norms of no rows."""
        return np.zeros((0, self.d), dtype=code_type(self.bits)), np.zeros(0)

    def write(self, writer: BitWriter, codes: Codes, norms: FloatArray) -> None:
        """Write codes and norms."""
        writer.uints("payload", codes, width=self.bits)
        writer.floats("scales", norms, width=FP16_BITS)

    def read(self, reader: BitReader, count: int) -> tuple[Codes, FloatArray]:
        """Read back `count` rows."""
        codes = reader.codes(count * self.d, width=self.bits).reshape(count, self.d)
        return codes, read_norms(reader, count)


def read_norms(reader: BitReader, count: int) -> FloatArray:
    """Read `count` norms; a negative norm raises CorruptState."""
    norms = reader.floats(count, width=FP16_BITS)
    if count and norms.min() < 0:
        raise CorruptState(f"state must hold norms >= 0, got {float(norms.min())}")
    return norms
