"""Template: store the signs of a random sketch of every key, and quantize values per token."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.quantised.restored import GroupQuantiser, RestoredTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, appended
from lowerbound.core.coins import Coins
from lowerbound.errors import CorruptState


def mean_coordinate(d: int) -> float:
    """E |u_1| for a uniform unit vector u in R^d."""
    return math.exp(math.lgamma(d / 2) - math.lgamma((d + 1) / 2)) / math.sqrt(math.pi)


class SketchedKeys(RestoredTokens):
    """Template: one sign bit per sketched coordinate of a key; outlier channels are sketched apart from the others.

    Tokens wait in float16 until g of them form a group. The channels in which the group's keys have the largest norm
    are the group's outlier channels. Each token is coded once.
    """

    family: ClassVar[str] = "sketch"
    reference: ClassVar[str] = "Zandieh et al. 2024, arXiv:2406.03482"
    budget_meaning: ClassVar[str] = "sign bits per key coordinate (m / d) over 16, rounded down, at least one per key"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 8)
    largest_group: ClassVar[int] = 32
    value_bits: ClassVar[int] = 2
    outlier_fraction: ClassVar[Fraction] = Fraction(1, 16)
    orthogonal: ClassVar[bool]

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        d = public.d
        self._sketch = self._draw_sketch()
        self._quantiser = GroupQuantiser(self.value_bits, self.group)
        self._outliers: NDArray[np.int64] = np.zeros((0, self.n_outliers), dtype=np.int64)
        self._signs: NDArray[np.int64] = np.zeros((0, self.m), dtype=np.int64)
        self._outlier_signs: NDArray[np.int64] = np.zeros((0, self.m_outlier), dtype=np.int64)
        self._norms: FloatArray = np.zeros((0, 2))
        self._value_codes = self._quantiser.no_codes(d)
        self._value_ends: FloatArray = np.zeros((0, self._quantiser.n_groups(d), 2))

    @property
    def m(self) -> int:
        """m: sign bits per key for the ordinary channels."""
        return max(1, int(self.budget * 16 * self.public.d))

    @property
    def counted_bits(self) -> int:
        """Sign bits of all cached keys (outliers included), 2 bits per value and 1 for its group's ends.

        Norms and outlier indices are not counted, as in the method's own accounting.
        """
        per_token = self.m + self.m_outlier + (self.value_bits + 1) * self.public.d
        return self.public.schedule.n_tokens_cached * per_token

    @property
    def m_outlier(self) -> int:
        """Sign bits per key for the outlier channels."""
        return max(1, self.m // 2)

    @property
    def group(self) -> int:
        """g: tokens that share their outlier channels, and channels per group of values."""
        return min(self.largest_group, self.public.d)

    @property
    def n_outliers(self) -> int:
        """o: outlier channels per group of tokens."""
        return max(1, int(self.outlier_fraction * self.public.d))

    @property
    def index_bits(self) -> int:
        """Bits of the index of a channel."""
        return (self.public.d - 1).bit_length()

    @property
    def correction(self) -> float:
        """The factor that makes the estimator of an inner product unbiased."""
        if self.orthogonal:
            return 1 / (math.sqrt(self.public.d) * mean_coordinate(self.public.d))
        return math.sqrt(math.pi / 2)

    def _draw_sketch(self) -> FloatArray:
        d = self.public.d
        n_blocks = -(-self.m // d)
        gaussian = Coins(self.public.seed, f"qjl sketch {d}").generator().standard_normal((n_blocks, d, d))
        if not self.orthogonal:
            return gaussian.reshape(-1, d)[: self.m]
        q, r = np.linalg.qr(gaussian)
        signs = np.where(np.diagonal(r, axis1=1, axis2=2) < 0, -1.0, 1.0)
        blocks: FloatArray = q * signs[:, None, :] * math.sqrt(d)
        return blocks.reshape(-1, d)[: self.m]

    def write(self, writer: BitWriter) -> None:
        d, g = self.public.d, self.group
        keys, values = self.keys, self.values
        start, stop = len(self._signs), self.n_seen - self.n_seen % g
        blocks = keys[start:stop].reshape(-1, g, d)
        sizes = np.linalg.norm(blocks, axis=1)
        outliers = np.sort(np.argsort(-sizes, axis=1, kind="stable")[:, : self.n_outliers], axis=1)
        inside = blocks.copy()
        np.put_along_axis(inside, outliers[:, None, :], 0.0, axis=2)
        outside = (blocks - inside).reshape(-1, d)
        norms = np.stack([np.linalg.norm(keys[start:stop], axis=1), np.linalg.norm(outside, axis=1)], axis=1)
        ends = self._quantiser.ends(values[start:stop])
        codes = self._quantiser.codes(values[start:stop], ends)
        writer.uints("indices", appended(self._outliers, outliers), width=self.index_bits)
        writer.bits("payload", appended(self._signs, self._signs_of(inside.reshape(-1, d), self.m)))
        writer.bits("payload", appended(self._outlier_signs, self._signs_of(outside, self.m_outlier)))
        writer.floats("scales", appended(self._norms, norms), width=FP16_BITS)
        writer.uints("payload", appended(self._value_codes, codes), width=self.value_bits)
        writer.floats("scales", appended(self._value_ends, ends), width=FP16_BITS)
        writer.floats("residual_window", keys[stop:], width=FP16_BITS)
        writer.floats("residual_window", values[stop:], width=FP16_BITS)

    def _signs_of(self, rows: FloatArray, count: int) -> NDArray[np.int64]:
        signs: NDArray[np.int64] = (rows @ self._sketch[:count].T >= 0).astype(np.int64)
        return signs

    def read(self, reader: BitReader) -> None:
        d, g = self.public.d, self.group
        n_groups, n_tail = divmod(self.n_old, g)
        n = n_groups * g
        self._outliers = reader.uints(n_groups * self.n_outliers, width=self.index_bits)
        self._outliers = self._outliers.reshape(n_groups, self.n_outliers)
        if n_groups and (self._outliers.max() >= d or (np.diff(self._outliers, axis=1) <= 0).any()):
            raise CorruptState(f"state must list increasing channels below {d}")
        self._signs = reader.bits(n * self.m).astype(np.int64).reshape(n, self.m)
        self._outlier_signs = reader.bits(n * self.m_outlier).astype(np.int64).reshape(n, self.m_outlier)
        self._norms = reader.floats(2 * n, width=FP16_BITS).reshape(n, 2)
        if n and self._norms.min() < 0:
            raise CorruptState(f"state must hold norms >= 0, got {float(self._norms.min())}")
        self._value_codes = reader.codes(n * d, width=self.value_bits).reshape(n, d)
        self._value_ends = self._quantiser.read_ends(reader, (n, self._quantiser.n_groups(d)))
        tail = reader.floats(2 * n_tail * d, width=FP16_BITS).reshape(2, n_tail, d)
        self.old_keys = appended(self._estimated_keys(), tail[0])
        self.old_values = appended(self._quantiser.restore(self._value_codes, self._value_ends), tail[1])

    def _estimated_keys(self) -> FloatArray:
        """Rows k^ such that <q, k^> is the estimate of <q, k>.

        The estimate is linear in q, so S^T sign(S k) is computed once per state rather than once per query.
        """
        d, n = self.public.d, len(self._signs)
        whole, outer = self._norms[:, 0], self._norms[:, 1]
        inner = np.sqrt(np.maximum(whole**2 - outer**2, 0.0))
        ordinary = (2 * self._signs - 1) @ self._sketch * (self.correction / self.m * inner)[:, None]
        outlying = (
            (2 * self._outlier_signs - 1)
            @ self._sketch[: self.m_outlier]
            * (self.correction / self.m_outlier * outer)[:, None]
        )
        is_outlier = np.zeros((len(self._outliers), d), dtype=bool)
        np.put_along_axis(is_outlier, self._outliers, True, axis=1)
        rows: FloatArray = np.where(np.repeat(is_outlier, self.group, axis=0), outlying, ordinary)
        return rows.reshape(n, d)
