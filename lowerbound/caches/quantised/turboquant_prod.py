"""TurboQuant for inner products: b - 1 bits for the codebook, and one bit for the sign of a sketch of the residual."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.caches.quantised.rotated_codebook import MOST_BITS, RotatedCodebook, read_norms
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, appended, bits_of_codes
from lowerbound.core.coins import Coins


class TurboQuantProd(RestoredTokens):
    """Keys with unbiased logits: per coordinate b - 1 bits of code, and one sign bit of a sketch of the residual.

    Idea: with x^ the (b - 1)-bit code of k / |k| and r the residual k / |k| - x^, store |r| and sign(S r) for a public
    Gaussian d x d matrix S. Restore k^ = |k| (x^ + sqrt(pi / 2) / d |r| S^T sign(S r)), whose expectation over S is k.
    Values enter no inner product, so they get the b-bit code of least squared error. Bits: T (2 b d + 48). Broken by:
    value levels that break turboquant, and logits that the variance of the sketch blurs. There is no reference code; we
    do not know which of the two codes the paper's experiments use for values.
    """

    family: ClassVar[str] = "quantised"
    reference: ClassVar[str] = "Zandieh et al. 2025, arXiv:2504.19874, Q_prod"
    budget_meaning: ClassVar[str] = "bits of a code over 16, rounded down, at least 1 and at most 8"
    default_budget: ClassVar[Fraction | None] = Fraction(3, 16)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        d = public.d
        self._key_codec = RotatedCodebook(public, self.code_bits - 1)
        self._value_codec = RotatedCodebook(public, self.code_bits)
        self._sketch = Coins(public.seed, f"turboquant sketch {d}").generator().standard_normal((d, d))
        self._key_codes, self._key_norms = self._key_codec.empty()
        self._value_codes, self._value_norms = self._value_codec.empty()
        self._signs: NDArray[np.int64] = np.zeros((0, d), dtype=np.int64)
        self._rest_norms: FloatArray = np.zeros(0)

    @property
    def code_bits(self) -> int:
        """b: bits per coordinate of a code."""
        return min(MOST_BITS, max(1, int(self.budget * 16)))

    @property
    def counted_bits(self) -> int:
        """The codes of all cached tokens."""
        return bits_of_codes(self.public, self.code_bits)

    def write(self, writer: BitWriter) -> None:
        codes, norms = self._key_codec.codes(self.new_keys)
        units = self.new_keys / np.where(norms > 0, norms, 1.0)[:, None]
        rest = units - self._key_codec.restore(codes, np.ones(len(units)))
        signs = (rest @ self._sketch.T >= 0).astype(np.int64)
        value_codes, value_norms = self._value_codec.codes(self.new_values)
        self._key_codec.write(writer, appended(self._key_codes, codes), appended(self._key_norms, norms))
        writer.bits("payload", appended(self._signs, signs))
        writer.floats("scales", np.concatenate([self._rest_norms, np.linalg.norm(rest, axis=1)]), width=FP16_BITS)
        self._value_codec.write(
            writer, appended(self._value_codes, value_codes), appended(self._value_norms, value_norms)
        )

    def read(self, reader: BitReader) -> None:
        n, d = self.n_old, self.public.d
        self._key_codes, self._key_norms = self._key_codec.read(reader, n)
        self._signs = reader.bits(n * d).astype(np.int64).reshape(n, d)
        self._rest_norms = read_norms(reader, n)
        self._value_codes, self._value_norms = self._value_codec.read(reader, n)
        lengths = math.sqrt(math.pi / 2) / d * self._key_norms * self._rest_norms
        rest = (2 * self._signs - 1) @ self._sketch * lengths[:, None]
        self.old_keys = self._key_codec.restore(self._key_codes, self._key_norms) + rest
        self.old_values = self._value_codec.restore(self._value_codes, self._value_norms)
