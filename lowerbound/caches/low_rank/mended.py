"""Template: blocks of tokens as a quantized backbone plus a low-rank correction of its error."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.low_rank.backbone import Backbone
from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, bits_of_codes
from lowerbound.core.coins import Coins


class MendedBlocks(RestoredTokens):
    """Template: tokens wait in float16 until they fill a block of n_b; a block is compressed once.

    A block X of shape (n_b, d) is compressed in four steps: take the outliers out, quantize (the backbone), put the
    outliers back, which gives X^, and approximate the error E = X - X^ by P Q^T of rank r, by power iteration from a
    start that public coins draw. The block is restored as X^ + P Q^T; P and Q are stored in float16.
    """

    family: ClassVar[str] = "low-rank"
    reference: ClassVar[str] = "Kang et al. 2024, arXiv:2403.05527"
    budget_meaning: ClassVar[str] = "rank of the correction over d, rounded down, at least 1"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 16)
    power_rounds: ClassVar[int] = 3
    code_bits: ClassVar[int] = 2
    largest_block: ClassVar[int] = 64
    largest_group: ClassVar[int | None] = 64
    outlier_fraction: ClassVar[Fraction] = Fraction(1, 50)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        d, n_b = public.d, self.block
        group = d if self.largest_group is None else min(self.largest_group, d)
        self._key_backbone = Backbone(self.code_bits, n_b, self._outliers_a_side(n_b), (d, n_b))
        self._value_backbone = Backbone(self.code_bits, group, self._outliers_a_side(d), (n_b, d))
        self._start = Coins(public.seed, f"gear start {d} {self.rank}").generator().standard_normal((d, self.rank))
        self._left: FloatArray = np.zeros((0, 2, n_b, self.rank))
        self._right: FloatArray = np.zeros((0, 2, d, self.rank))

    @property
    def counted_bits(self) -> int:
        """The codes of all cached tokens; corrections, outliers and scales are not counted."""
        return bits_of_codes(self.public, self.code_bits)

    @property
    def block(self) -> int:
        """n_b: tokens per block."""
        return min(self.largest_block, self.public.d)

    @property
    def rank(self) -> int:
        """r: budget d, rounded down, at least 1 and at most n_b, the largest rank that a block can have."""
        return min(self.block, max(1, int(self.budget * self.public.d)))

    def _outliers_a_side(self, length: int) -> int:
        return min(length // 2, max(1, int(self.outlier_fraction * length / 2))) if self.outlier_fraction else 0

    def write(self, writer: BitWriter) -> None:
        d, n_b = self.public.d, self.block
        keys, values = self.keys, self.values
        start, stop = len(self._left) * n_b, self.n_seen - self.n_seen % n_b
        if stop > start:
            key_blocks = keys[start:stop].reshape(-1, n_b, d)
            value_blocks = values[start:stop].reshape(-1, n_b, d)
            key_rest = key_blocks - self._key_backbone.extend(key_blocks.swapaxes(1, 2)).swapaxes(1, 2)
            value_rest = value_blocks - self._value_backbone.extend(value_blocks)
            left, right = self._low_rank(np.stack([key_rest, value_rest], axis=1))
            self._left, self._right = np.concatenate([self._left, left]), np.concatenate([self._right, right])
        self._key_backbone.write(writer)
        self._value_backbone.write(writer)
        writer.floats("payload", self._left, width=FP16_BITS)
        writer.floats("payload", self._right, width=FP16_BITS)
        writer.floats("residual_window", keys[stop:], width=FP16_BITS)
        writer.floats("residual_window", values[stop:], width=FP16_BITS)

    def _low_rank(self, rest: FloatArray) -> tuple[FloatArray, FloatArray]:
        right: FloatArray = np.broadcast_to(self._start, (*rest.shape[:2], *self._start.shape))
        for _ in range(self.power_rounds):
            left = np.linalg.qr(rest @ right)[0]
            right = rest.swapaxes(2, 3) @ left
        return left, right

    def read(self, reader: BitReader) -> None:
        d, n_b = self.public.d, self.block
        n_blocks, n_tail = divmod(self.n_old, n_b)
        self._key_backbone.read(reader, n_blocks)
        self._value_backbone.read(reader, n_blocks)
        left_shape, right_shape = (n_blocks, 2, n_b, self.rank), (n_blocks, 2, d, self.rank)
        self._left = reader.floats(int(np.prod(left_shape)), width=FP16_BITS).reshape(left_shape)
        self._right = reader.floats(int(np.prod(right_shape)), width=FP16_BITS).reshape(right_shape)
        tail = reader.floats(2 * n_tail * d, width=FP16_BITS).reshape(2, n_tail, d)
        rest = self._left @ self._right.swapaxes(2, 3)
        keys = self._key_backbone.restore().swapaxes(1, 2) + rest[:, 0]
        values = self._value_backbone.restore() + rest[:, 1]
        self.old_keys = np.concatenate([keys.reshape(-1, d), tail[0]])
        self.old_values = np.concatenate([values.reshape(-1, d), tail[1]])
