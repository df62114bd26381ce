"""Caches that know the public keys and levels, and store a code of the value symbols alone.

They show that the bound is tight: on the hard family the keys cost nothing, and a symbol costs what its error allows.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.attention import attention
from lowerbound.core.bits import BitReader, BitWriter, EncodedState
from lowerbound.core.cache import COUNT_BITS, Cache, FloatArray, Public
from lowerbound.errors import CorruptState, InvalidArgument
from lowerbound.game.codes import CoveringCode, golay, hamming, majority_of_three

SymbolArray = NDArray[np.int64]


class CodedSymbols(Cache):
    """Template: remembers the symbols of all earlier scales, in token order, through a code.

    A final class turns a flat array of symbols into fields and back; the newest scale is held as it came until
    `encode`.
    """

    family: ClassVar[str] = "code"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        if public.keys is None or public.grid is None:
            raise InvalidArgument(
                f"{type(self).__name__} must be played where keys and value levels are public, got an instance "
                "without them"
            )
        self._public_keys = public.keys.unit
        self._grid = public.grid
        self._forget_all()

    def _forget_all(self) -> None:
        d = self.public.d
        self._symbols: SymbolArray = np.zeros(0, dtype=np.int64)
        self._new_keys: FloatArray = np.zeros((0, d))
        self._new_values: FloatArray = np.zeros((0, d))

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        self._new_keys = np.concatenate([self._new_keys, keys])
        self._new_values = np.concatenate([self._new_values, values])

    def attend(self, queries: FloatArray) -> FloatArray:
        old = self._grid.level_array[self._symbols].reshape(-1, self.public.d)
        keys = np.concatenate([self._public_keys[: len(old)], self._new_keys])
        values = np.concatenate([old, self._new_values])
        if not len(keys):
            return np.zeros((len(queries), self.public.d))
        outputs: FloatArray = attention(queries, keys, values, rule=self.public.rule)
        return outputs

    def encode(self) -> EncodedState:
        fresh = self._grid.decode(self._new_values).ravel()
        writer = BitWriter()
        n_tokens = (len(self._symbols) + len(fresh)) // self.public.d
        writer.uints("indices", [n_tokens], width=COUNT_BITS)
        self.write(writer, fresh)
        state = writer.encoded()
        self.decode(state)
        return state

    def decode(self, data: bytes) -> None:
        self._forget_all()
        reader = BitReader(data)
        (n_tokens,) = reader.uints(1, width=COUNT_BITS)
        if n_tokens > self.public.schedule.n_tokens:
            raise CorruptState(
                f"state must speak of at most {self.public.schedule.n_tokens} tokens, got {int(n_tokens)}"
            )
        self._symbols = self.read(reader, int(n_tokens) * self.public.d)
        reader.end()

    @abstractmethod
    def write(self, writer: BitWriter, fresh: SymbolArray) -> None:
        """Write the code of the remembered symbols followed by the fresh ones."""

    @abstractmethod
    def read(self, reader: BitReader, count: int) -> SymbolArray:
        """The `count` symbols that the code stands for."""


def radix_block(n_levels: int) -> tuple[int, int]:
    """(symbols, bits): the block length, and its bits, at which L-ary symbols pack best into at most 62 bits.

    Contract: n_levels ** symbols <= 2 ** bits, and no other block of at most 62 bits wastes less a symbol.
    """
    if n_levels & (n_levels - 1) == 0:
        return 1, n_levels.bit_length() - 1
    blocks = ((count, (n_levels**count - 1).bit_length()) for count in range(1, 63))
    return min((b for b in blocks if b[1] <= 62), key=lambda block: (block[1] / block[0], block[0]))


class ExactSymbols(CodedSymbols):
    """Every symbol, packed at log2 L bits: one bit each when levels are 0 and 1.

    Bits: n d log2 L, rounded up a block. Broken by: nothing; it meets the floor at error 0.
    """

    reference: ClassVar[str] = "Theorem A's upper side: store x"

    def write(self, writer: BitWriter, fresh: SymbolArray) -> None:
        count, width = radix_block(self._grid.n_levels)
        symbols = np.concatenate([self._symbols, fresh])
        blocks = np.pad(symbols, (0, -len(symbols) % count)).reshape(-1, count)
        writer.uints("payload", blocks @ self._weights(count), width=width)

    def read(self, reader: BitReader, count: int) -> SymbolArray:
        length, width = radix_block(self._grid.n_levels)
        words = reader.uints(math.ceil(count / length), width=width)
        if len(words) and int(words.max()) >= self._grid.n_levels**length:
            raise CorruptState(f"state must hold words below {self._grid.n_levels}**{length}, got {int(words.max())}")
        return (words[:, None] // self._weights(length) % self._grid.n_levels).ravel()[:count]

    def _weights(self, count: int) -> SymbolArray:
        return np.array([self._grid.n_levels**j for j in range(count)], dtype=np.int64)


class _Covered(CodedSymbols):
    """Blocks of value bits through a covering code; an unfinished block waits as it is."""

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        if self._grid.n_levels != 2:
            raise InvalidArgument(
                f"{type(self).__name__} must be played with 2 value levels, got {self._grid.n_levels}"
            )

    @property
    @abstractmethod
    def code(self) -> CoveringCode:
        """The code."""

    def _forget_all(self) -> None:
        super()._forget_all()
        self._messages: SymbolArray = np.zeros((0, self.code.n_message_bits), dtype=np.int64)
        self._waiting: SymbolArray = np.zeros(0, dtype=np.int64)

    def write(self, writer: BitWriter, fresh: SymbolArray) -> None:
        bits = np.concatenate([self._waiting, fresh])
        n_blocks = len(bits) // self.code.n_block_bits
        whole = n_blocks * self.code.n_block_bits
        messages = self.code.quantise(bits[:whole].reshape(n_blocks, -1)) if n_blocks else self._messages[:0]
        writer.bits("payload", np.concatenate([self._messages, messages]))
        writer.bits("residual_window", bits[whole:])

    def read(self, reader: BitReader, count: int) -> SymbolArray:
        n_blocks, n_waiting = divmod(count, self.code.n_block_bits)
        shape = n_blocks, self.code.n_message_bits
        self._messages = reader.bits(n_blocks * self.code.n_message_bits).astype(np.int64).reshape(shape)
        self._waiting = reader.bits(n_waiting).astype(np.int64)
        return np.concatenate([self.code.codewords(self._messages).ravel(), self._waiting])


class Majority(_Covered):
    """Three bits as their majority. Bits: floor(m / 3) + m mod 3, m = n d. Broken by: a quarter of all queries."""

    reference: ClassVar[str] = "repetition code of length 3"

    @property
    def code(self) -> CoveringCode:
        return majority_of_three()


class Hamming(_Covered):
    """Seven bits as a Hamming codeword. Bits: 4 floor(m / 7) + m mod 7, m = n d. Broken by: an eighth of queries."""

    reference: ClassVar[str] = "Hamming 1950"

    @property
    def code(self) -> CoveringCode:
        return hamming()


class Golay(_Covered):
    """23 bits as a Golay codeword. Bits: 12 floor(m / 23) + m mod 23, m = n d. Broken by: 12.4 % of all queries."""

    reference: ClassVar[str] = "Golay 1949"

    @property
    def code(self) -> CoveringCode:
        return golay()
