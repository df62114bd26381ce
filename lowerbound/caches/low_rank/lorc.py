"""LoRC: store keys and values as a few coefficients in a basis, which is public or computed from the data."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins


class _LoRC(RestoredTokens):
    """Template: `rank` coefficients per key and per value."""

    family: ClassVar[str] = "low-rank"
    default_budget: ClassVar[Fraction | None] = Fraction(2, 5)
    budget_meaning: ClassVar[str] = "rank over d, rounded down, at least 1"

    @property
    def rank(self) -> int:
        """r: coefficients per key and per value."""
        return max(1, int(self.budget * self.public.d))

    @property
    def counted_bits(self) -> int:
        """The coefficients of all cached tokens, in float16; no basis is counted."""
        n_tokens = self.public.schedule.n_tokens_cached
        return 2 * FP16_BITS * n_tokens * self.rank_of(n_tokens)

    def rank_of(self, n_tokens: int) -> int:
        """How many coefficients a key or a value has when so many tokens are stored."""
        return self.rank


class LoRCPublic(_LoRC):
    """Coefficients in a basis that is fixed before the data: the effect of low-rank weights on a cache.

    Idea: truncating the weight matrices W_K and W_V to rank r makes every k and v a combination of r public vectors, so
    only the coefficients are stored. The weights do not depend on the image, so two random orthonormal d x r bases
    stand in for them. Bits: 2 T r 16. Broken by: any value outside the span of the basis; a value bit is read correctly
    with probability 1/2 + Theta(sqrt(r / d)). We know no reference code. The published rank of a layer comes from
    products of condition numbers over layers, which we know only at second hand, and a single head has one layer; so
    the rank is set by the budget (default 2/5, the published reduction by 60 %).
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
    """Coefficients in the best basis for this data: the singular vectors of K and of V, which are stored too.

    Idea: after each scale, a truncated SVD of the restored old rows together with the new ones (so old rows are
    compressed again; if no token is new, the state is unchanged). This is the best case for low rank, and not what LoRC
    does: its basis comes with the weights. Bits: 2 min(r, n) (n + d) 16 for n tokens. Broken by: values of full rank,
    such as random bits.
    """

    reference: ClassVar[str] = "the best case of Zhang et al. 2024, arXiv:2410.03111; truncated SVD"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._codes: FloatArray = np.zeros((2, 0, 0))
        self._bases: FloatArray = np.zeros((2, 0, public.d))

    def write(self, writer: BitWriter) -> None:
        if len(self.new_keys):
            keys, values = self.keys, self.values
            rank = self.rank_of(self.n_seen)
            left, sizes, right = np.linalg.svd(np.stack([keys, values]), full_matrices=False)
            self._codes = left[:, :, :rank] * sizes[:, None, :rank]
            self._bases = right[:, :rank]
        writer.floats("payload", self._codes, width=FP16_BITS)
        writer.floats("payload", self._bases, width=FP16_BITS)

    def rank_of(self, n_tokens: int) -> int:
        return min(self.rank, n_tokens)

    def read(self, reader: BitReader) -> None:
        rank = self.rank_of(self.n_old)
        self._codes = reader.floats(2 * self.n_old * rank, width=FP16_BITS).reshape(2, self.n_old, rank)
        self._bases = reader.floats(2 * rank * self.public.d, width=FP16_BITS).reshape(2, rank, self.public.d)
        self.old_keys, self.old_values = self._codes @ self._bases
