"""LoRC: keys and values as a few coefficients in a basis, which is public or found in the data."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins


class _LoRC(RestoredTokens):
    """Template: `rank` coefficients a token and matrix."""

    family: ClassVar[str] = "low-rank"
    default_budget: ClassVar[Fraction | None] = Fraction(2, 5)
    budget_meaning: ClassVar[str] = "rank over d, rounded down, at least 1"

    @property
    def rank(self) -> int:
        """r."""
        return max(1, int(self.budget * self.public.d))


class LoRCPublic(_LoRC):
    """Coefficients in a basis fixed before the data: what low-rank weights do to a cache.

    Idea: truncating the weight matrices W_K and W_V to rank r makes every k and v a combination of r public vectors,
    of which only the coefficients are stored; here two random orthonormal d x r bases, since the weights do not
    depend on the image. Bits: 2 T r 16. Broken by: any value outside the basis; bits survive with probability
    1/2 + Theta(sqrt(r / d)). No reference code is known to us; the published rank of a layer, from products of
    condition numbers over layers, we know at second hand only, and one head has one layer: the rank is the budget
    (default 2/5: the published reduction by 60 %).
    """

    reference: ClassVar[str] = "Zhang et al. 2024, arXiv:2410.03111"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        gaussian = Coins(public.seed, f"lorc bases {public.d}").generator().standard_normal((2, public.d, public.d))
        self._bases: FloatArray = np.linalg.qr(gaussian)[0][:, :, : self.rank]
        self._codes: FloatArray = np.zeros((2, 0, self.rank))

    def write(self, writer: BitWriter) -> None:
        fresh = np.stack([self.new_keys, self.new_values]) @ self._bases
        writer.floats("payload", np.concatenate([self._codes, fresh], axis=1), width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        shape = 2, self.n_old, self.rank
        self._codes = reader.floats(int(np.prod(shape)), width=FP16_BITS).reshape(shape)
        self.old_keys, self.old_values = self._codes @ self._bases.swapaxes(1, 2)


class LoRCOracle(_LoRC):
    """Coefficients in the best basis for the very data: singular vectors of K and of V, which then are state too.

    Idea: truncated SVD of all that is remembered and the newest scale, taken anew at each scale (the method itself
    re-compresses; without new tokens nothing is touched). The best case for low rank, and not what LoRC does, whose
    basis comes with the weights. Bits: 2 min(r, n) (n + d) 16 for n tokens. Broken by: values of full rank, as random
    bits are.
    """

    reference: ClassVar[str] = "the best case of Zhang et al. 2024, arXiv:2410.03111; truncated SVD"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._codes: FloatArray = np.zeros((2, 0, 0))
        self._bases: FloatArray = np.zeros((2, 0, public.d))

    def write(self, writer: BitWriter) -> None:
        if len(self.new_keys):
            keys = np.concatenate([self.old_keys, self.new_keys])
            values = np.concatenate([self.old_values, self.new_values])
            rank = self._rank_at(self.n_seen)
            left, sizes, right = np.linalg.svd(np.stack([keys, values]), full_matrices=False)
            self._codes = left[:, :, :rank] * sizes[:, None, :rank]
            self._bases = right[:, :rank]
        writer.floats("payload", self._codes, width=FP16_BITS)
        writer.floats("payload", self._bases, width=FP16_BITS)

    def _rank_at(self, n_tokens: int) -> int:
        return min(self.rank, n_tokens)

    def read(self, reader: BitReader) -> None:
        rank = self._rank_at(self.n_old)
        self._codes = reader.floats(2 * self.n_old * rank, width=FP16_BITS).reshape(2, self.n_old, rank)
        self._bases = reader.floats(2 * rank * self.public.d, width=FP16_BITS).reshape(2, rank, self.public.d)
        self.old_keys, self.old_values = self._codes @ self._bases
