"""TurboQuant: rotate by a public random rotation, then quantise every coordinate with one optimal codebook."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from typing import ClassVar

import numpy as np
from scipy.special import betainc, betaincinv, gammaln

from lowerbound.caches.restored import Codes, RestoredTokens
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.streams import Stream
from lowerbound.errors import CorruptState

NORM_BITS = 16
MOST_BITS = 8
LLOYD_ROUNDS = 2000


@cache
def lloyd_max(d: int, bits: int) -> FloatArray:
    """The 2^bits centroids of least mean squared error for one coordinate of a uniform unit vector in R^d.

    Contract: increasing, antisymmetric, and the same on every call; a fixed point of Lloyd's iteration up to 1e-9 /
    sqrt(d), or the iterate after 2000 rounds.

    Notes
    -----
    The density is proportional to (1 - x^2)^((d - 3) / 2): cell masses are incomplete beta functions and cell means
    have a closed form. The start is the density^(1/3) rule, which is optimal for many levels. d < 2 is read as 2.
    """
    d = max(d, 2)
    half = 2**bits // 2
    if half == 0:
        return np.zeros(1)
    shape, start_shape = (d - 1) / 2, (d + 3) / 6
    constant = math.exp(float(gammaln(d / 2) - gammaln(shape))) / math.sqrt(math.pi) / (d - 1)
    centroids = 2 * betaincinv(start_shape, start_shape, (np.arange(half) + 0.5) / (2 * half)) - 1
    for _ in range(LLOYD_ROUNDS):
        edges = np.concatenate([[-1.0], (centroids[1:] + centroids[:-1]) / 2, [0.0]])
        mass = np.diff(betainc(shape, shape, (1 + edges) / 2))
        moment = -np.diff(constant * (1 - edges**2) ** shape)
        moved = np.where(mass > 0, moment / np.where(mass > 0, mass, 1.0), centroids)
        change, centroids = float(np.abs(moved - centroids).max()), moved
        if change * math.sqrt(d) < 1e-9:
            break
    codebook: FloatArray = np.concatenate([centroids, -centroids[::-1]])
    codebook.flags.writeable = False
    return codebook


def rotation(seed: int, d: int, purpose: str) -> FloatArray:
    """A uniformly random orthogonal matrix, from public coins."""
    gaussian = Stream(seed, f"{purpose} {d}").generator().standard_normal((d, d))
    q, r = np.linalg.qr(gaussian)
    orthogonal: FloatArray = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return orthogonal


class RotatedCodebook:
    """The codec of both classes: a norm in float16, and a `bits`-bit code a coordinate of the rotated direction."""

    def __init__(self, public: Public, bits: int) -> None:
        self.bits, self.d = bits, public.d
        self.rotation = rotation(public.seed, public.d, "turboquant rotation")
        self.centroids = lloyd_max(public.d, bits)

    def codes(self, rows: FloatArray) -> tuple[Codes, FloatArray]:
        """Codes and norms of some rows."""
        norms = np.linalg.norm(rows, axis=1)
        rotated = rows @ self.rotation.T / np.where(norms > 0, norms, 1.0)[:, None]
        codes: Codes = np.searchsorted((self.centroids[1:] + self.centroids[:-1]) / 2, rotated).astype(np.int64)
        return codes, norms

    def restore(self, codes: Codes, norms: FloatArray) -> FloatArray:
        """The rows that they stand for."""
        rows: FloatArray = self.centroids[codes] @ self.rotation * norms[:, None]
        return rows

    def empty(self) -> tuple[Codes, FloatArray]:
        """No rows."""
        return np.zeros((0, self.d), dtype=np.int64), np.zeros(0)

    def write(self, writer: BitWriter, codes: Codes, norms: FloatArray) -> None:
        """Write codes and norms."""
        writer.uints("payload", codes, width=self.bits)
        writer.floats("scales", norms, width=NORM_BITS)

    def read(self, reader: BitReader, count: int) -> tuple[Codes, FloatArray]:
        """Read back `count` rows."""
        codes = reader.uints(count * self.d, width=self.bits).reshape(count, self.d)
        return codes, read_norms(reader, count)


def read_norms(reader: BitReader, count: int) -> FloatArray:
    """Read `count` norms; a negative one is corrupt."""
    norms = reader.floats(count, width=NORM_BITS)
    if count and norms.min() < 0:
        raise CorruptState(f"state must hold norms >= 0, got {float(norms.min())}")
    return norms


class TurboQuantMSE(RestoredTokens):
    """A random rotation makes every coordinate of every vector alike, so that one public codebook is nearly optimal.

    Idea: x -> |x| in float16, and the b-bit Lloyd-Max code of each coordinate of Pi x / |x|; decode by centroids and
    Pi^T. Keys and values alike; a token is coded once. Bits: 2 T (b d + 16). Mean squared error of a unit vector:
    0.36, 0.117, 0.03, 0.009 at b = 1..4. Broken by: value levels finer than that; it stores Omega(T d) bits, so the
    floor does not forbid it. There is no reference code; the published 2.5 and 3.5 bits give some channels one bit
    more, which is left out here.
    """

    family: ClassVar[str] = "quantised"
    reference: ClassVar[str] = "Zandieh et al. 2025, arXiv:2504.19874, Q_mse"
    budget_meaning: ClassVar[str] = "bits of a code over 16, rounded down, at least 1 and at most 8"
    default_budget: ClassVar[Fraction | None] = Fraction(3, 16)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._codec = RotatedCodebook(public, self.code_bits)
        self._codes, self._norms = self._codec.empty()

    @property
    def code_bits(self) -> int:
        """b."""
        return min(MOST_BITS, max(1, int(self.budget * 16)))

    def write(self, writer: BitWriter) -> None:
        codes, norms = self._codec.codes(np.stack([self.new_keys, self.new_values], axis=1).reshape(-1, self.public.d))
        self._codec.write(writer, np.concatenate([self._codes, codes]), np.concatenate([self._norms, norms]))

    def read(self, reader: BitReader) -> None:
        self._codes, self._norms = self._codec.read(reader, 2 * self.n_old)
        restored = self._codec.restore(self._codes, self._norms).reshape(self.n_old, 2, self.public.d)
        self.old_keys, self.old_values = restored[:, 0], restored[:, 1]


class TurboQuantProd(RestoredTokens):
    """Keys so that logits are unbiased: b - 1 bits for the vector, and one bit for the signs of a sketch of the rest.

    Idea: with x^ the (b - 1)-bit code of k / |k| and r the residual, store sign(S r) for a public Gaussian d x d
    matrix S, and |r|; restore k^ = |k| (x^ + sqrt(pi / 2) / d |r| S^T sign(S r)), whose expectation over S is k.
    Values are averaged, not multiplied, and get the b-bit code of least error. Bits: T (2 b d + 48). Broken by: as
    TurboQuantMSE, and by the variance of the sketch. There is no reference code; which of the two codes the paper's
    experiments give to values is not known to us.
    """

    family: ClassVar[str] = "quantised"
    reference: ClassVar[str] = "Zandieh et al. 2025, arXiv:2504.19874, Q_prod"
    budget_meaning: ClassVar[str] = "bits of a code over 16, rounded down, at least 1 and at most 8"
    default_budget: ClassVar[Fraction | None] = Fraction(3, 16)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        d = public.d
        self._key_codec = RotatedCodebook(public, self.code_bits - 1)
        self._value_codec = RotatedCodebook(public, self.code_bits)
        self._sketch = Stream(public.seed, f"turboquant sketch {d}").generator().standard_normal((d, d))
        self._key_codes, self._key_norms = self._key_codec.empty()
        self._value_codes, self._value_norms = self._value_codec.empty()
        self._signs: Codes = np.zeros((0, d), dtype=np.int64)
        self._rest_norms: FloatArray = np.zeros(0)

    @property
    def code_bits(self) -> int:
        """b."""
        return min(MOST_BITS, max(1, int(self.budget * 16)))

    def write(self, writer: BitWriter) -> None:
        codes, norms = self._key_codec.codes(self.new_keys)
        units = self.new_keys / np.where(norms > 0, norms, 1.0)[:, None]
        rest = units - self._key_codec.restore(codes, np.ones(len(units)))
        signs = (rest @ self._sketch.T >= 0).astype(np.int64)
        value_codes, value_norms = self._value_codec.codes(self.new_values)
        self._key_codec.write(
            writer, np.concatenate([self._key_codes, codes]), np.concatenate([self._key_norms, norms])
        )
        writer.bits("payload", np.concatenate([self._signs, signs]))
        writer.floats("scales", np.concatenate([self._rest_norms, np.linalg.norm(rest, axis=1)]), width=NORM_BITS)
        self._value_codec.write(
            writer, np.concatenate([self._value_codes, value_codes]), np.concatenate([self._value_norms, value_norms])
        )

    def read(self, reader: BitReader) -> None:
        n, d = self.n_old, self.public.d
        self._key_codes, self._key_norms = self._key_codec.read(reader, n)
        self._signs = reader.bits(n * d).astype(np.int64).reshape(n, d)
        self._rest_norms = read_norms(reader, n)
        self._value_codes, self._value_norms = self._value_codec.read(reader, n)
        lengths = math.sqrt(math.pi / 2) / d * self._key_norms * self._rest_norms
        rest = (2 * self._signs - 1) @ self._sketch * lengths[:, None]
        self.old_keys = self._key_codec.restore(self._key_codes, self._key_norms) + rest
        self.old_values = self._value_codec.restore(self._value_codes, self._value_norms)
