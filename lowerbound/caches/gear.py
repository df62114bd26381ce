"""GEAR: a quantised backbone, a low-rank piece of what it misses, and the few largest entries as they are."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.restored import Codes, GroupQuantiser, RestoredTokens
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.streams import Stream
from lowerbound.errors import CorruptState

FLOAT_BITS = 16


class _Backbone:
    """The codec of one matrix a block, given as `lanes`: groups run along the last axis (tokens for K, channels for V).

    Fields, blocks first: outlier positions and entries, codes, ends.
    """

    def __init__(self, bits: int, group: int, n_side: int, shape: tuple[int, int]) -> None:
        self.quantiser, self.n_side, self.shape = GroupQuantiser(bits, group), n_side, shape
        self.index_bits = (shape[1] - 1).bit_length()
        n_groups = self.quantiser.n_groups(shape[1])
        self.places: Codes = np.zeros((0, shape[0], 2 * n_side), dtype=np.int64)
        self.entries: FloatArray = np.zeros((0, shape[0], 2 * n_side))
        self.codes: Codes = np.zeros((0, *shape), dtype=np.int64)
        self.ends: FloatArray = np.zeros((0, shape[0], n_groups, 2))

    def extend(self, lanes: FloatArray) -> FloatArray:
        """Code some more blocks, (n, lanes, length), and return what the backbone restores of them."""
        order = np.argsort(lanes, axis=2, kind="stable")
        ends = [order[:, :, : self.n_side], order[:, :, lanes.shape[2] - self.n_side :]]
        places = np.sort(np.concatenate(ends, axis=2), axis=2)
        entries = np.take_along_axis(lanes, places, axis=2).astype(np.float16).astype(np.float64)
        dense = lanes.copy()
        means = np.broadcast_to(lanes.mean(axis=2, keepdims=True), places.shape)
        np.put_along_axis(dense, places, means, axis=2)
        group_ends = self.quantiser.ends(dense)
        first = len(self.codes)
        self.places = np.concatenate([self.places, places])
        self.entries = np.concatenate([self.entries, entries])
        self.codes = np.concatenate([self.codes, self.quantiser.codes(dense, group_ends)])
        self.ends = np.concatenate([self.ends, group_ends])
        return self.restore()[first:]

    def restore(self) -> FloatArray:
        """Backbone with the outliers put back, (n_blocks, lanes, length)."""
        restored = self.quantiser.restore(self.codes, self.ends)
        np.put_along_axis(restored, self.places, self.entries, axis=2)
        return restored

    def write(self, writer: BitWriter) -> None:
        """Write all blocks."""
        writer.uints("indices", self.places, width=self.index_bits)
        writer.floats("payload", self.entries, width=FLOAT_BITS)
        writer.uints("payload", self.codes, width=self.quantiser.bits)
        writer.floats("scales", self.ends, width=FLOAT_BITS)

    def read(self, reader: BitReader, n_blocks: int) -> None:
        """Read back `n_blocks` blocks."""
        place_shape = n_blocks, *self.places.shape[1:]
        self.places = reader.uints(int(np.prod(place_shape)), width=self.index_bits).reshape(place_shape)
        if self.places.size and (self.places.max() >= self.shape[1] or (np.diff(self.places, axis=2) <= 0).any()):
            raise CorruptState(f"state must list increasing positions below {self.shape[1]}")
        self.entries = reader.floats(int(np.prod(place_shape)), width=FLOAT_BITS).reshape(place_shape)
        code_shape = n_blocks, *self.shape
        self.codes = reader.uints(int(np.prod(code_shape)), width=self.quantiser.bits).reshape(code_shape)
        self.ends = self.quantiser.read_ends(reader, (n_blocks, *self.ends.shape[1:3]))


class _GEAR(RestoredTokens):
    """Tokens wait in float16 until they fill a block of n_b; a block is compressed once.

    Compressing X of shape (n_b, d): outliers out, backbone, outliers back, then rank r of the rest E = X - X^ by
    power iteration from public coins: X ~ X^ + P Q^T with float16 factors.
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
        self._key_backbone = _Backbone(self.code_bits, n_b, self._outliers_a_side(n_b), (d, n_b))
        self._value_backbone = _Backbone(self.code_bits, group, self._outliers_a_side(d), (n_b, d))
        self._start = Stream(public.seed, f"gear start {d} {self.rank}").generator().standard_normal((d, self.rank))
        self._left: FloatArray = np.zeros((0, 2, n_b, self.rank))
        self._right: FloatArray = np.zeros((0, 2, d, self.rank))

    @property
    def block(self) -> int:
        """n_b: tokens a block."""
        return min(self.largest_block, self.public.d)

    @property
    def rank(self) -> int:
        """r, at most the rank of a block."""
        return min(self.block, max(1, int(self.budget * self.public.d)))

    def _outliers_a_side(self, length: int) -> int:
        return min(length // 2, max(1, int(self.outlier_fraction * length / 2))) if self.outlier_fraction else 0

    def write(self, writer: BitWriter) -> None:
        d, n_b = self.public.d, self.block
        keys = np.concatenate([self.old_keys, self.new_keys])
        values = np.concatenate([self.old_values, self.new_values])
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
        writer.floats("payload", self._left, width=FLOAT_BITS)
        writer.floats("payload", self._right, width=FLOAT_BITS)
        writer.floats("residual_window", keys[stop:], width=FLOAT_BITS)
        writer.floats("residual_window", values[stop:], width=FLOAT_BITS)

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
        self._left = reader.floats(int(np.prod(left_shape)), width=FLOAT_BITS).reshape(left_shape)
        self._right = reader.floats(int(np.prod(right_shape)), width=FLOAT_BITS).reshape(right_shape)
        tail = reader.floats(2 * n_tail * d, width=FLOAT_BITS).reshape(2, n_tail, d)
        rest = self._left @ self._right.swapaxes(2, 3)
        keys = self._key_backbone.restore().swapaxes(1, 2) + rest[:, 0]
        values = self._value_backbone.restore() + rest[:, 1]
        self.old_keys = np.concatenate([keys.reshape(-1, d), tail[0]])
        self.old_values = np.concatenate([values.reshape(-1, d), tail[1]])


class GEAR(_GEAR):
    """Quantise to 2 bits, then mend: rank r of the error, and the 2 % largest and smallest entries exactly.

    Idea: a block of n_b = min(64, d) tokens; keys a channel, values a token in groups of 64; s = max(1, 1 % of the
    vector) outliers a side, held out at the vector's mean; rank r = budget d of the residual. Bits, a full block:
    2 n_b d 2 + 32 (d + n_b ceil(d / 64)) + 2 s_K d (16 + log2 n_b) + 2 s_V n_b (16 + log2 d) + 2 r (n_b + d) 16, with
    logarithms rounded up; a waiting token: 32 d. Broken by: residuals that are not of low rank, as of random values,
    but 2 bits a value already store Omega(T d) bits. Reference code differs: outliers are picked over all heads
    flattened, here in one head; rank 4 for the prompt and 2 later, here one rank, 4 at d = 64; it orthogonalises in
    the last power round only, here in each (the same span); tokens over a multiple of the group stay in float16, here
    they wait.
    """


class GEARL(_GEAR):
    """GEAR without the sparse part: backbone and low rank alone.

    Bits, a full block: 2 n_b d 2 + 32 (d + n_b ceil(d / 64)) + 2 r (n_b + d) 16. Broken by: as GEAR.
    """

    outlier_fraction: ClassVar[Fraction] = Fraction(0)


class GEARKCVT(_GEAR):
    """GEAR over 4-bit codes with one group a vector: keys a channel, values a token.

    Bits, a full block of n_b = min(20, d): 2 n_b d 4 + 32 (d + n_b) + outliers and low rank as GEAR. Broken by: as
    GEAR. The rank is bounded by the short block.
    """

    code_bits: ClassVar[int] = 4
    largest_block: ClassVar[int] = 20
    largest_group: ClassVar[int | None] = None
