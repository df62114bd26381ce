"""Value rows in a public space of low rank: one bit per coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.ranked import RankedMember, as_bits
from lowerbound.core.cache import FloatArray
from lowerbound.core.enumerative import ProductCode, Range
from lowerbound.core.priors.basis import coefficients, combined


class RowSpace(RankedMember):
    """Each value row is 1/2 plus 1 / (2 r) times a sum of the first r rows of a public basis, each with a sign.

    Idea: low-rank weights make every value a combination of r public rows, whose coefficients `lorc` stores in float16.
    If the coefficients are signs, one bit each suffices. Bits: n r. Broken by: values outside the row space, such as
    random bits: the sign of a coefficient determines almost nothing about any single bit.
    """

    reference: ClassVar[str] = "the exact counterpart of LoRC, arXiv:2410.03111, on signs"
    budget_meaning: ClassVar[str] = "rank over d, rounded down, at least 1"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 8)
    needs_bits: ClassVar[bool] = False

    @property
    def rank(self) -> int:
        """r: coefficients per value row."""
        return max(1, int(self.budget * self.public.d))

    def code(self, n_tokens: int) -> ProductCode:
        return ProductCode((Range(2, n_tokens * self.rank),))

    def word_of(self, values: FloatArray) -> Sequence[int]:
        return as_bits(coefficients(values, self.rank)[:, : self.rank] + 0.5)

    def member(self, word: Sequence[int], n_tokens: int) -> FloatArray:
        letters = np.zeros((n_tokens, self.public.d))
        letters[:, : self.rank] = 2.0 * np.array(word, dtype=np.float64).reshape(n_tokens, self.rank) - 1
        return combined(letters, self.rank)
