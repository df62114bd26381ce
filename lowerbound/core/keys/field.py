"""The field GF(2^m), computed with logarithm tables; the bits of an element are its polynomial coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from lowerbound.errors import invalid

IntArray = NDArray[np.int64]


def _powers_of_x(m: int, polynomial: int) -> list[int]:
    powers, element = [], 1
    for _ in range(2**m - 1):
        powers.append(element)
        element <<= 1
        if element >> m:
            element ^= polynomial
    return powers


@dataclass(frozen=True)
class BinaryField:
    """The field GF(2^m), as polynomials modulo the smallest primitive polynomial of degree m.

    Contract: m outside [1, 12] raises InvalidArgument.
    """

    m: int

    def __post_init__(self) -> None:
        if not 1 <= self.m <= 12:
            raise invalid("m", "lie in [1, 12]", self.m)

    @property
    def order(self) -> int:
        """The number of elements."""
        return 1 << self.m

    @cached_property
    def _exp(self) -> IntArray:
        """The table of powers of x, repeated once."""
        # Repeating the table saves the reduction of a sum of two logarithms modulo 2^m - 1.
        for polynomial in range(2**self.m + 1, 2 ** (self.m + 1), 2):
            powers = _powers_of_x(self.m, polynomial)
            if len(set(powers)) == self.order - 1:
                return np.array(powers * 2, dtype=np.int64)
        raise AssertionError(f"a primitive polynomial of degree {self.m} exists")

    @cached_property
    def _log(self) -> IntArray:
        log = np.zeros(self.order, dtype=np.int64)
        log[self._exp[: self.order - 1]] = np.arange(self.order - 1)
        return log

    def multiply(self, a: IntArray, b: IntArray) -> IntArray:
        """The elementwise products a b, with broadcasting."""
        return np.where((a == 0) | (b == 0), 0, self._exp[self._log[a] + self._log[b]])

    def power(self, a: IntArray, exponent: int) -> IntArray:
        """The elementwise powers a**exponent, for exponent >= 1."""
        return np.where(a == 0, 0, self._exp[self._log[a] * exponent % (self.order - 1)])

    @cached_property
    def trace(self) -> IntArray:
        """The table of traces tr(a) = a + a^2 + ... + a^(2^(m-1)) in {0, 1}, indexed by the element a."""
        elements = np.arange(self.order)
        total = np.zeros(self.order, dtype=np.int64)
        for k in range(self.m):
            total ^= self.power(elements, 2**k)
        return total

    def subfield(self, degree: int) -> IntArray:
        """The elements of the subfield GF(2^degree), where degree divides m."""
        elements: IntArray = np.arange(self.order)
        members: IntArray = elements[self.power(elements, 2**degree) == elements]
        return members


@lru_cache
def binary_field(m: int) -> BinaryField:
    """The field GF(2^m), cached so that its tables are computed once."""
    return BinaryField(m)
