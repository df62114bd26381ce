"""Value rows that are sparse in a public basis: store the rank of the support, without or with 2-bit coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.ranked import RankedMember
from lowerbound.core.cache import FloatArray
from lowerbound.core.enumerative import ProductCode, Range, SparseWords
from lowerbound.core.priors.basis import coefficients, combined
from lowerbound.core.priors.rows import nearest_letters


class SparseRows(RankedMember):
    """Each value row is 1/2 plus 1 / (2 s) times a sum of at most s rows of a public basis; the set's rank is stored.

    Idea: an s-sparse row is one of sum_(w <= s) C(d, w) possible rows, and all rows together are coded as one number
    (Cover 1973). The basis is Sylvester's Hadamard matrix, repeated along the diagonal. Of a row that is not s-sparse,
    the s largest of the coefficients that are at least 1/2 are kept. Bits: ceil(n log2 sum_(w <= s) C(d, w)).
    Broken by: rows that are not sparse in this basis, such as random bits.
    """

    reference: ClassVar[str] = "enumerative source coding: Cover 1973"
    budget_meaning: ClassVar[str] = "s over d, rounded down, at least 1"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 16)
    needs_bits: ClassVar[bool] = False
    n_letters: ClassVar[int] = 1

    @property
    def most(self) -> int:
        """s: the largest number of basis rows in a value row."""
        return max(1, int(self.budget * self.public.d))

    @property
    def words(self) -> SparseWords:
        """The possible words of one row."""
        return SparseWords(self.public.d, self.most, self.n_letters)

    def code(self, n_tokens: int) -> ProductCode:
        return ProductCode((Range(self.words.size, n_tokens),))

    def word_of(self, values: FloatArray) -> Sequence[int]:
        letters = nearest_letters(coefficients(values, self.most), self.most, self.n_letters)
        return [self.words.rank(row) for row in letters.tolist()]

    def member(self, word: Sequence[int], n_tokens: int) -> FloatArray:
        letters = np.array([self.words.word(rank) for rank in word], dtype=np.float64).reshape(n_tokens, self.public.d)
        return combined(letters / self.n_letters, self.most)


class SparseCoefficients(SparseRows):
    """As `sparse-rows`, where each basis row in the sum is multiplied by 1/4, 1/2, 3/4 or 1.

    Idea: a row's support and coefficients are one of sum_(w <= s) C(d, w) 4^w words.
    Bits: ceil(n log2 sum_(w <= s) C(d, w) 4^w). Broken by: rows that are not sparse in this basis.
    """

    n_letters: ClassVar[int] = 4
