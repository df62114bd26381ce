"""GEAR's backbone quantizer: codes per group, with the few largest and smallest entries stored unquantized."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.quantised.restored import GroupQuantiser
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray
from lowerbound.errors import CorruptState


class Backbone:
    """Quantizer of blocks of tokens, each given as a matrix of lanes: one lane per channel for K, per token for V.

    Groups and outliers are counted along a lane (over tokens for K, over channels for V). The arrays `places` and
    `entries` (outliers), `codes` and `ends` have the block as their first axis.
    """

    def __init__(self, bits: int, group: int, n_side: int, shape: tuple[int, int]) -> None:
        self.quantiser, self.n_side, self.shape = GroupQuantiser(bits, group), n_side, shape
        self.index_bits = (shape[1] - 1).bit_length()
        n_groups = self.quantiser.n_groups(shape[1])
        self.places: NDArray[np.int64] = np.zeros((0, shape[0], 2 * n_side), dtype=np.int64)
        self.entries: FloatArray = np.zeros((0, shape[0], 2 * n_side))
        self.codes = self.quantiser.no_codes(*shape)
        self.ends: FloatArray = np.zeros((0, shape[0], n_groups, 2))

    def extend(self, lanes: FloatArray) -> FloatArray:
        """Code more blocks, shape (n, lanes, length), and return them as the backbone restores them."""
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
        """The restored blocks with their outliers put back, shape (n_blocks, lanes, length)."""
        restored = self.quantiser.restore(self.codes, self.ends)
        np.put_along_axis(restored, self.places, self.entries, axis=2)
        return restored

    def write(self, writer: BitWriter) -> None:
        """Write all blocks."""
        writer.uints("indices", self.places, width=self.index_bits)
        writer.floats("payload", self.entries, width=FP16_BITS)
        writer.uints("payload", self.codes, width=self.quantiser.bits)
        writer.floats("scales", self.ends, width=FP16_BITS)

    def read(self, reader: BitReader, n_blocks: int) -> None:
        """Read back `n_blocks` blocks."""
        place_shape = n_blocks, *self.places.shape[1:]
        self.places = reader.uints(int(np.prod(place_shape)), width=self.index_bits).reshape(place_shape)
        if self.places.size and (self.places.max() >= self.shape[1] or (np.diff(self.places, axis=2) <= 0).any()):
            raise CorruptState(f"state must list increasing positions below {self.shape[1]}")
        self.entries = reader.floats(int(np.prod(place_shape)), width=FP16_BITS).reshape(place_shape)
        code_shape = n_blocks, *self.shape
        self.codes = reader.codes(int(np.prod(code_shape)), width=self.quantiser.bits).reshape(code_shape)
        self.ends = self.quantiser.read_ends(reader, (n_blocks, *self.ends.shape[1:3]))
