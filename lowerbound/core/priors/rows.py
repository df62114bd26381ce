"""Priors on each value row: sparse in a public basis, with or without coefficients, or in a public subspace."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np

from lowerbound.core.enumerative import SparseWords
from lowerbound.core.priors.basis import coefficients, combined
from lowerbound.core.priors.prior import LARGEST_ALPHABET, FloatArray, Group, IntArray, Prior
from lowerbound.core.schedule import ScaleSchedule

TABLE_SHARE = 16
"""The printed table uses rows with at most max(1, d / 16) nonzero coefficients."""
TABLE_DEPTH_BITS = 2


def nearest_letters(found: FloatArray, most: int, n_letters: int) -> IntArray:
    """The letters nearest to n_letters times each coefficient, where each row keeps only its `most` largest.

    Letters are in 0..n_letters, and all others of a row are set to 0. Ties go to the smaller index.
    """
    letters = np.clip(np.rint(found * n_letters), 0, n_letters).astype(np.int64)
    order = np.argsort(-np.where(letters > 0, found, -1.0), axis=1, kind="stable")
    np.put_along_axis(letters, order[:, most:], 0, axis=1)
    return letters


@dataclass(frozen=True)
class _SparseRows(Prior):
    """Template: value rows 1/2 + c B / (2 s), where c has at most s = `most` nonzero entries, in {1/A, 2/A, ..., 1}."""

    most: int

    @property
    def words(self) -> SparseWords:
        """The words that name the possible rows."""
        return SparseWords(self.d, self.most, self.n_letters)

    @property
    def n_letters(self) -> int:
        """A, the number of values that a nonzero coefficient may have."""
        return 1

    @property
    def groups(self) -> tuple[Group, ...]:
        return (Group("rows", self.words.size, self.n_tokens),)

    def values(self, symbols: IntArray) -> FloatArray:
        letters = np.array([self.words.word(int(symbol)) for symbol in symbols], dtype=np.float64)
        return combined(letters / self.n_letters, self.most)

    def symbols(self, values: FloatArray) -> IntArray:
        letters = nearest_letters(coefficients(values, self.most), self.most, self.n_letters)
        return np.array([self.words.rank(row) for row in letters.tolist()], dtype=np.int64)

    @property
    def margin(self) -> Fraction:
        return Fraction(1, 4 * self.most * self.n_letters)

    @property
    def n_value_levels(self) -> int:
        return 2 * self.most * self.n_letters + 1

    @property
    def budget(self) -> Fraction:
        return Fraction(self.most, self.d)


def _most(d: int, n_letters: int) -> int:
    """The largest s <= max(1, d / 16) for which one symbol names a row: at most LARGEST_ALPHABET rows; at least 1."""
    most = max(1, d // TABLE_SHARE)
    while most > 1 and SparseWords(d, most, n_letters).size > LARGEST_ALPHABET:
        most -= 1
    return most


@dataclass(frozen=True)
class SparseRowsPrior(_SparseRows):
    """Each value row is 1/2 plus 1/(2s) times a sum of at most s rows of a public basis."""

    name: ClassVar[str] = "sparse"
    lemma: ClassVar[str] = "prior_sparse_rows"

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        return cls(schedule, d, _most(d, 1))

    @property
    def definition(self) -> str:
        return f"each value row is 1/2 + 1/{2 * self.most} of the sum of at most s = {self.most} rows of a public basis"


@dataclass(frozen=True)
class SparseCoefficientsPrior(_SparseRows):
    """Each value row is 1/2 plus 1/(2s) times a combination of at most s rows of a public basis.

    The coefficients have b = `depth_bits` bits each: they are in {1/2^b, 2/2^b, ..., 1}.
    """

    name: ClassVar[str] = "sparse-coefficients"
    lemma: ClassVar[str] = "prior_sparse_coefficients"

    depth_bits: int = TABLE_DEPTH_BITS

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        return cls(schedule, d, _most(d, 2**TABLE_DEPTH_BITS))

    @property
    def n_letters(self) -> int:
        return 1 << self.depth_bits

    @property
    def definition(self) -> str:
        return (
            f"as sparse, s = {self.most}, each term with a factor of {self.depth_bits} bits: "
            f"1/{self.n_letters}, ..., {self.n_letters}/{self.n_letters}"
        )


@dataclass(frozen=True)
class LowRankPrior(Prior):
    """Each value row is 1/2 plus 1/(2r) times a combination, with signs +-1, of r public rows.

    So the matrix V - 1/2 has rank at most r.
    """

    name: ClassVar[str] = "rank"
    lemma: ClassVar[str] = "prior_rank"

    rank: int

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        return cls(schedule, d, max(1, d // 8))

    @property
    def definition(self) -> str:
        return (
            f"each value row is 1/2 + 1/{2 * self.rank} of the first r = {self.rank} rows of a public basis, with a "
            "sign each"
        )

    @property
    def groups(self) -> tuple[Group, ...]:
        return (Group("signs", 2, self.n_tokens * self.rank),)

    def values(self, symbols: IntArray) -> FloatArray:
        letters = np.zeros((self.n_tokens, self.d))
        letters[:, : self.rank] = 2.0 * symbols.reshape(self.n_tokens, self.rank) - 1
        return combined(letters, self.rank)

    def symbols(self, values: FloatArray) -> IntArray:
        found: IntArray = (coefficients(values, self.rank)[:, : self.rank] > 0).astype(np.int64).ravel()
        return found

    @property
    def margin(self) -> Fraction:
        return Fraction(1, 4 * self.rank)

    @property
    def n_value_levels(self) -> int:
        return 2 * self.rank + 1

    @property
    def budget(self) -> Fraction:
        return Fraction(self.rank, self.d)
