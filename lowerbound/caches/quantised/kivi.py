"""KIVI: quantize keys per channel and values per token; the newest tokens wait in float16."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.quantised.restored import GroupQuantiser, RestoredTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, appended, bits_of_codes


class KIVI(RestoredTokens):
    """Key outliers concentrate in a few channels, value outliers do not: quantize keys per channel, values per token.

    Idea: with g = min(32, d), keys wait in float16 until g of them form a group; then each channel of the group gets
    b-bit codes between its minimum and maximum. The newest g values wait in float16; older values are coded one token
    at a time, in groups of g channels. Each token is coded once. Bits: for n tokens, K = g floor(n / g) coded keys and
    V = max(0, n - g) coded values: (K + V) d b + 32 K d / g + 32 V ceil(d / g) + 16 d (2 n - K - V).
    Broken by: value levels finer than its step. It stores Omega(T d) bits, so the lower bound (floor) does not rule
    it out. Reference code differs: it stores (step, minimum) in float16, this class (minimum, maximum) in float16. Its
    group and window are 32 (128 for the window in the paper's tables); here both are at most d, so that short caches
    are coded too.
    """

    family: ClassVar[str] = "quantised"
    reference: ClassVar[str] = "Liu et al. 2024, arXiv:2402.02750"
    budget_meaning: ClassVar[str] = "bits of a code over 16, rounded down, at least 1"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 8)
    largest_group: ClassVar[int] = 32

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._quantiser = GroupQuantiser(self.code_bits, self.group)
        self._key_codes = self._quantiser.no_codes(public.d, self.group)
        self._key_ends: FloatArray = np.zeros((0, public.d, 1, 2))
        self._value_codes = self._quantiser.no_codes(public.d)
        self._value_ends: FloatArray = np.zeros((0, self._quantiser.n_groups(public.d), 2))

    @property
    def code_bits(self) -> int:
        """b: bits per coordinate of a code."""
        return max(1, int(self.budget * 16))

    @property
    def counted_bits(self) -> int:
        """The codes of all cached tokens."""
        return bits_of_codes(self.public, self.code_bits)

    @property
    def group(self) -> int:
        """g: tokens per group of keys, channels per group of values, and newest tokens whose values stay in float16."""
        return min(self.largest_group, self.public.d)

    def coded(self, n_tokens: int) -> tuple[int, int]:
        """(K, V): how many of the oldest keys, and of the oldest values, are stored as codes."""
        return n_tokens - n_tokens % self.group, max(0, n_tokens - self.group)

    def write(self, writer: BitWriter) -> None:
        d, (n_keys, n_values) = self.public.d, self.coded(self.n_seen)
        keys, values = self.keys, self.values
        blocks = keys[len(self._key_codes) * self.group : n_keys].reshape(-1, self.group, d).swapaxes(1, 2)
        key_ends = self._quantiser.ends(blocks)
        rows = values[len(self._value_codes) : n_values]
        value_ends = self._quantiser.ends(rows)
        key_codes, value_codes = self._quantiser.codes(blocks, key_ends), self._quantiser.codes(rows, value_ends)
        writer.uints("payload", appended(self._key_codes, key_codes), width=self.code_bits)
        writer.uints("payload", appended(self._value_codes, value_codes), width=self.code_bits)
        writer.floats("scales", appended(self._key_ends, key_ends), width=FP16_BITS)
        writer.floats("scales", appended(self._value_ends, value_ends), width=FP16_BITS)
        writer.floats("residual_window", keys[n_keys:], width=FP16_BITS)
        writer.floats("residual_window", values[n_values:], width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        d, (n_keys, n_values) = self.public.d, self.coded(self.n_old)
        key_shape, value_shape = (n_keys // self.group, d, self.group), (n_values, d)
        self._key_codes = reader.codes(n_keys * d, width=self.code_bits).reshape(key_shape)
        self._value_codes = reader.codes(n_values * d, width=self.code_bits).reshape(value_shape)
        self._key_ends = self._quantiser.read_ends(reader, (key_shape[0], d, 1))
        self._value_ends = self._quantiser.read_ends(reader, (n_values, self._quantiser.n_groups(d)))
        key_tail = reader.floats((self.n_old - n_keys) * d, width=FP16_BITS).reshape(-1, d)
        value_tail = reader.floats((self.n_old - n_values) * d, width=FP16_BITS).reshape(-1, d)
        old = self._quantiser.restore(self._key_codes, self._key_ends).swapaxes(1, 2).reshape(-1, d)
        self.old_keys = appended(old, key_tail)
        self.old_values = appended(self._quantiser.restore(self._value_codes, self._value_ends), value_tail)
