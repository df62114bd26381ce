"""Every symbol of the hard family, packed without loss: the upper bound that matches the theorem at error 0."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.coded import CodedSymbols, SymbolArray
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.errors import CorruptState


def radix_block(n_levels: int) -> tuple[int, int]:
    """(symbols, bits) of the block, at most 62 bits long, that packs L-ary symbols with the fewest bits per symbol.

    Contract: n_levels ** symbols <= 2 ** bits, and no other block of at most 62 bits has fewer bits per symbol.
    """
    if n_levels & (n_levels - 1) == 0:
        return 1, n_levels.bit_length() - 1
    blocks = ((count, (n_levels**count - 1).bit_length()) for count in range(1, 63))
    return min((b for b in blocks if b[1] <= 62), key=lambda block: (block[1] / block[0], block[0]))


class ExactSymbols(CodedSymbols):
    """Every symbol, packed at log2 L bits; with the levels 0 and 1, one bit per symbol.

    Idea: keys are public, so storing the symbols suffices. Bits: n d log2 L, rounded up per block of symbols.
    Broken by: nothing; it meets the lower bound (floor) at error 0.
    """

    reference: ClassVar[str] = "Theorem A's upper side: store x"

    def write_code(self, writer: BitWriter, fresh: SymbolArray) -> None:
        count, width = radix_block(self._grid.n_levels)
        symbols = np.concatenate([self._symbols, fresh])
        blocks = np.pad(symbols, (0, -len(symbols) % count)).reshape(-1, count)
        writer.uints("payload", blocks @ self._weights(count), width=width)

    def read_code(self, reader: BitReader, count: int) -> SymbolArray:
        length, width = radix_block(self._grid.n_levels)
        words = reader.uints(math.ceil(count / length), width=width)
        if len(words) and int(words.max()) >= self._grid.n_levels**length:
            raise CorruptState(f"state must hold words below {self._grid.n_levels}**{length}, got {int(words.max())}")
        return (words[:, None] // self._weights(length) % self._grid.n_levels).ravel()[:count]

    def _weights(self, count: int) -> SymbolArray:
        return np.array([self._grid.n_levels**j for j in range(count)], dtype=np.int64)
