"""Uniform b-bit quantization of keys and values, per token."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.core.bits import FP32_BITS, BitReader, BitWriter, Codes, code_type
from lowerbound.core.cache import FloatArray, Public, StoredTokens, appended, bits_of_codes
from lowerbound.errors import CorruptState


class UniformQuantiser(StoredTokens):
    """Each row of K and V as b-bit codes between its own minimum and maximum.

    Idea: code = round((x - min) / step), step = (max - min) / (2^b - 1). Each row is quantized once, when its scale
    ends. Bits: 2 T (d b + 2 * 32). Broken by: value levels finer than its step. It stores Omega(T d) bits, so the lower
    bound (floor) does not rule it out.
    """

    family: ClassVar[str] = "quantised"
    reference: ClassVar[str] = "round-to-nearest asymmetric quantisation, one group a token"
    budget_meaning: ClassVar[str] = "bits of a code over 16, rounded down, at least 1"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 4)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._codes: Codes = np.zeros((0, 2, public.d), dtype=code_type(self.code_bits))
        self._ranges: FloatArray = np.zeros((0, 2, 2))

    @property
    def code_bits(self) -> int:
        """b: bits per coordinate of a code."""
        return max(1, int(self.budget * 16))

    @property
    def counted_bits(self) -> int:
        """The codes of all cached tokens."""
        return bits_of_codes(self.public, self.code_bits)

    def write(self, writer: BitWriter) -> None:
        fresh = np.stack([self.keys, self.values], axis=1)[len(self._codes) :]
        # The ends are rounded to float32 before coding, so that codes refer to the very ends that `read` will have.
        low = fresh.min(axis=2).astype(np.float32).astype(np.float64)
        high = fresh.max(axis=2).astype(np.float32).astype(np.float64)
        span = np.where(high > low, high - low, 1.0)[:, :, None]
        top = 2**self.code_bits - 1
        codes = np.clip(np.rint((fresh - low[:, :, None]) / span * top), 0, top).astype(code_type(self.code_bits))
        writer.uints("payload", appended(self._codes, codes), width=self.code_bits)
        ranges = np.concatenate([self._ranges, np.stack([low, high], axis=2)])
        writer.floats("scales", ranges, width=FP32_BITS)

    def read(self, reader: BitReader) -> None:
        shape = self.n_seen, 2, self.public.d
        self._codes = reader.codes(int(np.prod(shape)), width=self.code_bits).reshape(shape)
        self._ranges = reader.floats(self.n_seen * 4, width=FP32_BITS).reshape(self.n_seen, 2, 2)
        low, high = self._ranges[:, :, 0, None], self._ranges[:, :, 1, None]
        if (low > high).any():
            raise CorruptState("state must hold rows whose minimum is at most their maximum")
        restored = low + (high - low) * self._codes / (2**self.code_bits - 1)
        self.keys, self.values = restored[:, 0], restored[:, 1]
