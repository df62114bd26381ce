"""The interface of a key family, and the exact one-sided coherence of a set of keys.

Keys are stored as integer rows; the unit key is row / |row|. Softmax depends only on the one-sided coherence
max_{i != j} <k_i, k_j>, so a key and its negative may both be in the set.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bounds import welch
from lowerbound.core.threads import blocks, each, n_threads
from lowerbound.errors import ImpossibleReduction, invalid

IntRows = NDArray[np.int64]
_GRAM_BLOCK = 1024
_WORTH_THREADS = 2**21
"""The number of entries of a Gram matrix from which on several threads are faster than one."""


def coherence(rows: NDArray[Any]) -> Fraction:
    """The one-sided coherence: the maximum over i != j of <r_i, r_j> / (|r_i| |r_j|), from the integer Gram matrix.

    Contract: the exact maximum if all rows have the same squared norm; otherwise, and for rows of Python integers, the
    smallest multiple of 2^-32 that is >= the maximum. For fewer than two rows it is -1. Zero rows, and 64-bit entries
    too large for exact products, raise InvalidArgument.

    Notes
    -----
    Products are computed in floating point, and they are exact: every partial sum is an integer small enough for the
    format. Only blocks on and above the diagonal of the Gram matrix are formed. Cost O(n^2 d / 2).
    """
    n_rows, d = rows.shape
    squared_norms = (rows * rows).sum(axis=1)
    if n_rows and squared_norms.min() == 0:
        raise invalid("rows", "be nonzero", int(squared_norms.argmin()))
    if n_rows < 2:
        return Fraction(-1)
    if rows.dtype == object:
        return _largest_cosine(rows, rows.astype(np.float64), squared_norms)
    largest = int(np.abs(rows).max()) ** 2 * d
    if largest >= 2**53:
        raise invalid("rows", "have max|entry|^2 * d < 2^53, so that the Gram matrix is exact", largest)
    # BLAS multiplies floats only, and is far faster than NumPy's integer product. Where every partial sum is below
    # 2^24, float32 is exact as well, and twice as fast as float64.
    exact: NDArray[np.floating[Any]] = rows.astype(np.float32 if largest < 2**24 else np.float64)
    if not (squared_norms == squared_norms[0]).all():
        return _largest_cosine(rows, exact, squared_norms)

    def largest_beside(block: slice) -> float:
        return max(float(gram.max()) for _, gram in _upper_gram(exact, block))

    threads = n_threads() if n_rows * n_rows >= _WORTH_THREADS else 1
    largest_product = max(each(largest_beside, blocks(n_rows, _GRAM_BLOCK), threads=threads))
    return Fraction(int(largest_product), int(squared_norms[0]))


def _upper_gram(exact: NDArray[Any], block: slice) -> Iterator[tuple[slice, NDArray[Any]]]:
    """For one block of rows, its products with itself and with every later block, as pairs (columns, Gram block).

    The diagonal of the Gram matrix is set to -infinity. All Gram blocks share one buffer, so the caller must be done
    with a block before it asks for the next.
    """
    # The Gram matrix is symmetric, so the blocks below the diagonal are skipped. One reused buffer per thread keeps
    # memory at 1024^2 entries, independent of n, and avoids page faults.
    room = np.empty((_GRAM_BLOCK, _GRAM_BLOCK), dtype=exact.dtype)
    here = exact[block]
    for other in blocks(len(exact) - block.start, _GRAM_BLOCK):
        beside = slice(block.start + other.start, block.start + other.stop)
        gram = room.reshape(-1)[: len(here) * (beside.stop - beside.start)].reshape(len(here), -1)
        np.matmul(here, exact[beside].T, out=gram)
        if beside.start == block.start:
            np.fill_diagonal(gram, -np.inf)
        yield beside, gram


def _largest_cosine(rows: NDArray[Any], floats: NDArray[Any], squared_norms: NDArray[Any]) -> Fraction:
    """The coherence of rows with different norms, rounded up to a multiple of 2^-32.

    Floats only select candidates: in each block, every pair whose cosine is within 1e-5 of the block's maximum is
    compared exactly.
    """
    lengths = np.sqrt(squared_norms.astype(np.float64))  # a product of two squared norms may exceed 64 bits
    worst = Fraction(-1)
    for block in blocks(len(rows), _GRAM_BLOCK):
        for beside, gram in _upper_gram(floats, block):
            near = gram / (lengths[block, None] * lengths[beside])
            for i, j in np.argwhere(np.isfinite(near) & (near >= near.max() - 1e-5)):
                product = int(rows[block.start + i] @ rows[beside.start + j])
                squares = int(squared_norms[block.start + i]) * int(squared_norms[beside.start + j])
                worst = max(worst, _cosine_above(product, squares))
    return worst


def _cosine_above(product: int, squares: int) -> Fraction:
    """The smallest multiple of 2^-32 that is >= product / sqrt(squares)."""
    scale = 2**32
    if product <= 0:
        return Fraction(-math.isqrt(product * product * scale * scale // squares), scale)
    numerator = product * product * scale * scale
    root = math.isqrt(numerator // squares)
    while root * root * squares < numerator:
        root += 1
    return Fraction(root, scale)


@dataclass(frozen=True)
class Keys:
    """n keys of one family, as integer rows of shape (n, d): 64-bit, or Python integers where those are too short."""

    family: str
    rows: NDArray[Any]

    @cached_property
    def coherence(self) -> Fraction:
        """Exact one-sided coherence of these rows."""
        return coherence(self.rows)

    @property
    def welch(self) -> Fraction:
        """Welch's bound for n unit vectors in R^d, rounded down: no n unit vectors have a smaller max |<k_i, k_j>|."""
        return welch(*self.rows.shape)

    @cached_property
    def unit(self) -> NDArray[np.float64]:
        """The unit keys as floats, shape (n, d), read-only."""
        norms = np.sqrt((self.rows * self.rows).sum(axis=1, keepdims=True).astype(np.float64))
        unit: NDArray[np.float64] = self.rows.astype(np.float64) / norms
        unit.setflags(write=False)
        return unit


class KeyFamily(ABC):
    """A construction of keys: its number of keys in R^d, a bound on their coherence, and the rows themselves."""

    name: ClassVar[str]
    source: ClassVar[str]

    @abstractmethod
    def capacity(self, d: int) -> int:
        """The number of keys of the family in R^d."""

    @abstractmethod
    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        """A proved upper bound on the one-sided coherence of the first n keys in R^d.

        It is None for a random family, whose coherence must be measured on the sample.
        """

    @abstractmethod
    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        """The first n rows, shape (n, d); the caller has checked that n <= capacity(d)."""

    def keys(self, n: int, d: int, *, seed: int = 0) -> Keys:
        """The first n keys in R^d.

        Contract: returns n nonzero integer rows of width d, the same for the same (n, d, seed). It raises
        ImpossibleReduction if the family has fewer than n, and InvalidArgument if n < 1 or d < 1.
        """
        if n < 1 or d < 1:
            raise invalid("n and d", "be >= 1", (n, d))
        capacity = self.capacity(d)
        if n > capacity:
            raise ImpossibleReduction(
                f"{n} keys must fit in R^{d}, but the {self.name} family holds {capacity} there; "
                f"the nearest possible number is {capacity}"
            )
        rows = self._rows(n, d, seed)
        return Keys(self.name, rows)


def padded(rows: IntRows, d: int) -> IntRows:
    """The rows, extended by zero columns to width d."""
    return np.pad(rows, ((0, 0), (0, d - rows.shape[1])))


def with_negatives(rows: IntRows, n: int) -> IntRows:
    """The first n rows of [rows; -rows]. Negatives are free, because <k, -k> < 0 does not raise one-sided coherence."""
    return rows[:n] if n <= len(rows) else np.concatenate([rows, -rows[: n - len(rows)]])
