"""Full caches: every key and value is stored, in an IEEE format."""

from __future__ import annotations

from typing import ClassVar

from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import StoredTokens


class _Full(StoredTokens):
    """Template: all keys and values, as floats of `float_bits` bits."""

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
    """Keys and values in float64, the format in which the oracle computes.

    Idea: lose nothing. Bits: 128 T d. Broken by: nothing; it is the control that must read every symbol correctly.
    """

    float_bits = 64


class Full32(_Full):
    """Keys and values in float32, the format in which autocast keeps normalized keys.

    Idea: drop the last digits of float64. Bits: 64 T d. Broken by: nothing in this game; in others, value levels that
    are 2^-24 apart.
    """

    float_bits = 32


class Full16(_Full):
    """Keys and values in float16, the format to which published compression ratios refer.

    Idea: half the bits of float32. Bits: 32 T d. Broken by: nothing in this game; in others, value levels that are
    2^-11 apart.
    """

    float_bits = 16
