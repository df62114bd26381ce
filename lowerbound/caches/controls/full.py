"""Full precision caches: everything is stored, in an IEEE format."""

from __future__ import annotations

from typing import ClassVar

from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import StoredTokens


class _Full(StoredTokens):
    """Template: all keys and values as floats of `float_bits`."""

    family: ClassVar[str] = "full"
    reference: ClassVar[str] = "the cache as generated"
    float_bits: ClassVar[int]

    def write(self, writer: BitWriter) -> None:
        writer.floats("payload", self.keys, width=self.float_bits)
        writer.floats("payload", self.values, width=self.float_bits)

    def read(self, reader: BitReader) -> None:
        shape = self.n_seen, self.public.d
        self.keys = reader.floats(self.n_seen * self.public.d, width=self.float_bits).reshape(shape)
        self.values = reader.floats(self.n_seen * self.public.d, width=self.float_bits).reshape(shape)


class Full64(_Full):
    """float64: the oracle's own numbers.

    Idea: forget nothing. Bits: 128 T d. Broken by: nothing; it is the control that must read every symbol.
    """

    float_bits = 64


class Full32(_Full):
    """float32: what autocast leaves of normalised keys.

    Idea: forget the last digits. Bits: 64 T d. Broken by: nothing here; levels 2^-24 apart elsewhere.
    """

    float_bits = 32


class Full16(_Full):
    """float16: the unit in which published ratios are counted.

    Idea: forget half of float32. Bits: 32 T d. Broken by: nothing here; levels 2^-11 apart elsewhere.
    """

    float_bits = 16
