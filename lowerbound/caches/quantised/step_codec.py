"""A 2-bit code by the thresholds of Approx-BP: an illustration, not a published cache."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter, Codes, code_type
from lowerbound.core.cache import FloatArray, Public, appended, bits_of_codes
from lowerbound.errors import CorruptState

THRESHOLDS = (-3.1858810036855245, -0.001178821281161997, 3.190832613414926)
"""The three places where the derivative of ReGELU2, a step function, jumps."""

CODE_BITS = 2
"""How many thresholds lie below a coordinate: none to three."""

GAIN = 3.248
"""Rows are scaled to this standard deviation; the outer thresholds are then optimal for 2-bit codes of normal data."""


def cell_means() -> FloatArray:
    """The mean of a standard normal variable in each of the four cells between the thresholds."""
    edges = [-math.inf, *(c / GAIN for c in THRESHOLDS), math.inf]
    density = [math.exp(-edge * edge / 2) / math.sqrt(2 * math.pi) for edge in edges]
    below = [(1 + math.erf(edge / math.sqrt(2))) / 2 for edge in edges]
    return np.array([(density[i] - density[i + 1]) / (below[i + 1] - below[i]) for i in range(4)])


class StepCodec(RestoredTokens):
    """Two bits per coordinate: how many of three thresholds lie below it.

    Idea: Approx-BP (a training method, not a KV cache) stores of each activation only how many thresholds lie below
    it. This illustration stores the same for each coordinate of K and V, after scaling each row to mean 0 and a fixed
    standard deviation, and restores the mean of a normal variable in that cell. The code carries over; the derivative
    for which it was designed does not. Each token is coded once. Bits: 2 T (2 d + 32). Broken by: values with more than
    four levels. It stores Omega(T d) bits, so the lower bound (floor) does not rule it out. That each row has its own
    mean and deviation, and the fixed deviation, are our choices.
    """

    family: ClassVar[str] = "quantised"
    reference: ClassVar[str] = (
        "thresholds of Yang et al. 2024, arXiv:2406.16282 (ReGELU2); the cache is an illustration"
    )

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._codes: Codes = np.zeros((0, 2, public.d), dtype=code_type(CODE_BITS))
        self._moments: FloatArray = np.zeros((0, 2, 2))

    @property
    def counted_bits(self) -> int:
        """Two bits for each coordinate of all cached tokens."""
        return bits_of_codes(self.public, CODE_BITS)

    def write(self, writer: BitWriter) -> None:
        rows = np.stack([self.new_keys, self.new_values], axis=1)
        means, spreads = rows.mean(axis=2), rows.std(axis=2)
        standard = (rows - means[:, :, None]) / np.where(spreads > 0, spreads, 1.0)[:, :, None]
        codes = np.searchsorted(np.array(THRESHOLDS), GAIN * standard).astype(code_type(CODE_BITS))
        writer.uints("payload", appended(self._codes, codes), width=CODE_BITS)
        moments = np.concatenate([self._moments, np.stack([means, spreads], axis=2)])
        writer.floats("scales", moments, width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        shape = self.n_old, 2, self.public.d
        self._codes = reader.codes(int(np.prod(shape)), width=CODE_BITS).reshape(shape)
        self._moments = reader.floats(self.n_old * 4, width=FP16_BITS).reshape(self.n_old, 2, 2)
        if self.n_old and self._moments[:, :, 1].min() < 0:
            raise CorruptState(f"state must hold deviations >= 0, got {float(self._moments[:, :, 1].min())}")
        restored = self._moments[:, :, :1] + self._moments[:, :, 1:] * cell_means()[self._codes]
        self.old_keys, self.old_values = restored[:, 0], restored[:, 1]
