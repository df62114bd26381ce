"""Covering codes: fewer than one bit per symbol, at the cost of a known fraction of wrong symbols."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.coded import CodedSymbols, SymbolArray
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import Public
from lowerbound.errors import InvalidArgument
from lowerbound.game.codes import CoveringCode, golay, hamming, majority_of_three


class CoveredSymbols(CodedSymbols):
    """Template: each block of value bits is stored as the nearest codeword; an unfinished block waits uncoded."""

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        if self._grid.n_levels != 2:
            raise InvalidArgument(
                f"{type(self).__name__} must be played with 2 value levels, got {self._grid.n_levels}"
            )

    @property
    @abstractmethod
    def code(self) -> CoveringCode:
        """The covering code of a final class."""

    def forget(self) -> None:
        super().forget()
        self._messages: SymbolArray = np.zeros((0, self.code.n_message_bits), dtype=np.int64)
        self._waiting: SymbolArray = np.zeros(0, dtype=np.int64)

    def write_code(self, writer: BitWriter, fresh: SymbolArray) -> None:
        bits = np.concatenate([self._waiting, fresh])
        n_blocks = len(bits) // self.code.n_block_bits
        whole = n_blocks * self.code.n_block_bits
        messages = self.code.quantise(bits[:whole].reshape(n_blocks, -1)) if n_blocks else self._messages[:0]
        writer.bits("payload", np.concatenate([self._messages, messages]))
        writer.bits("residual_window", bits[whole:])

    def read_code(self, reader: BitReader, count: int) -> SymbolArray:
        n_blocks, n_waiting = divmod(count, self.code.n_block_bits)
        shape = n_blocks, self.code.n_message_bits
        self._messages = reader.bits(n_blocks * self.code.n_message_bits).astype(np.int64).reshape(shape)
        self._waiting = reader.bits(n_waiting).astype(np.int64)
        return np.concatenate([self.code.codewords(self._messages).ravel(), self._waiting])


class Majority(CoveredSymbols):
    """Every three bits are stored as their majority.

    Idea: the repetition code of length 3. Bits: floor(m / 3) + m mod 3, m = n d. Broken by: a quarter of all queries.
    """

    reference: ClassVar[str] = "repetition code of length 3"

    @property
    def code(self) -> CoveringCode:
        return majority_of_three()


class Hamming(CoveredSymbols):
    """Every seven bits are stored as the nearest Hamming codeword, four bits.

    Idea: the Hamming [7, 4] code. Bits: 4 floor(m / 7) + m mod 7, m = n d. Broken by: an eighth of all queries.
    """

    reference: ClassVar[str] = "Hamming 1950"

    @property
    def code(self) -> CoveringCode:
        return hamming()


class Golay(CoveredSymbols):
    """Every 23 bits are stored as the nearest Golay codeword, twelve bits.

    Idea: the Golay [23, 12] code. Bits: 12 floor(m / 23) + m mod 23, m = n d. Broken by: 12.4 % of all queries.
    """

    reference: ClassVar[str] = "Golay 1949"

    @property
    def code(self) -> CoveringCode:
        return golay()
