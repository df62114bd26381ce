"""Caches that know the public keys and value levels, and store only a code of the value symbols.

They show that the bound is tight: on the hard family the keys cost no bits, and each symbol costs the number of bits
that the lower bound asks for at the code's error.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import Cache, CountedState, FloatArray, Public, check_pairs
from lowerbound.core.oracle.attention import attention
from lowerbound.errors import InvalidArgument

SymbolArray = NDArray[np.int64]


class KnownKeys(CountedState, Cache):
    """Template: keys are public; only `old_values`, one row per token, is remembered of earlier scales.

    The newest scale is held unchanged until `encode`. A final class sets `old_values` in `read`.
    """

    answers_apart: ClassVar[bool] = True

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        if public.keys is None or public.grid is None:
            raise InvalidArgument(
                f"{type(self).__name__} must be played where keys and value levels are public, got an instance "
                "without them"
            )
        self._public_keys = public.keys.unit
        self._grid = public.grid
        self.forget()

    @property
    @abstractmethod
    def old_values(self) -> FloatArray:
        """Value rows of the tokens before the newest scale, shape (n_old, d)."""

    @property
    def old_keys(self) -> FloatArray:
        """The public keys of the tokens in `old_values`."""
        return self._public_keys[: len(self.old_values)]

    def forget(self) -> None:
        """Drop the newest scale's keys and values."""
        d = self.public.d
        self._new_keys: FloatArray = np.zeros((0, d))
        self._new_values: FloatArray = np.zeros((0, d))

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        check_pairs(self.public, keys, values, queries)
        self._new_keys = np.concatenate([self._new_keys, keys])
        self._new_values = np.concatenate([self._new_values, values])
        self.n_new += len(keys)

    def attend(self, queries: FloatArray) -> FloatArray:
        keys = np.concatenate([self.old_keys, self._new_keys])
        values = np.concatenate([self.old_values, self._new_values])
        if not len(keys):
            return np.zeros((len(queries), self.public.d))
        outputs: FloatArray = attention(queries, keys, values, rule=self.public.rule)
        return outputs


class CodedSymbols(KnownKeys):
    """Template: stores a code of the symbols of all earlier scales, in token order.

    A final class writes the code of a flat array of symbols in `write_code` and reads it in `read_code`.
    """

    family: ClassVar[str] = "code"

    def forget(self) -> None:
        super().forget()
        self._symbols: SymbolArray = np.zeros(0, dtype=np.int64)

    @property
    def old_values(self) -> FloatArray:
        rows: FloatArray = self._grid.level_array[self._symbols].reshape(-1, self.public.d)
        return rows

    def write(self, writer: BitWriter) -> None:
        self.write_code(writer, self._grid.decode(self._new_values).ravel())

    def read(self, reader: BitReader) -> None:
        self.forget()
        self._symbols = self.read_code(reader, self.n_old * self.public.d)

    @abstractmethod
    def write_code(self, writer: BitWriter, fresh: SymbolArray) -> None:
        """Write the code of all symbols: those remembered, followed by the fresh ones."""

    @abstractmethod
    def read_code(self, reader: BitReader, count: int) -> SymbolArray:
        """The `count` symbols that the code represents."""
