"""Keys from the lattice that a binary linear code makes (Construction B): a whole shell is described by the code alone.

The vectors of the lattice are code words modulo 2, and 4 divides the sum of their entries. If every nonzero word of the
code has at least 8 ones, no nonzero vector has a squared norm below 8; so two vectors of squared norm N have an inner
product of at most N - 4.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from lowerbound.core.keys.shells import of_norm

LEAST_WEIGHT = 8


@dataclass(frozen=True)
class Shell:
    """All vectors of one squared norm in the lattice of a binary code.

    Parameters
    ----------
    basis : tuple of int
        Independent words; the highest of the `length` bits is the first letter.
    """

    length: int
    basis: tuple[int, ...]
    squared_norm: int

    @cached_property
    def words(self) -> tuple[int, ...]:
        """All words of the code, in increasing order."""
        words = [0]
        for each in self.basis:
            words += [word ^ each for word in words]
        return tuple(sorted(words))

    @property
    def coherence(self) -> Fraction:
        """1 - 8 / (2 N): no two vectors have a larger cosine."""
        return 1 - Fraction(LEAST_WEIGHT, 2 * self.squared_norm)

    @property
    def size(self) -> int:
        """The number of vectors.

        Over the fourth roots of unity, the sums of i^(k e) q^(e^2) are, over even e, 1 + 2 q^4 + ... for even k and
        1 - 2 q^4 + ... for odd k; over odd e they are 2 q + 2 q^9 + ... for k = 0, its negative for k = 2, else 0.
        """
        order = self.squared_norm + 1
        entries = [*range(-order, order)]
        even, signed, odd = (
            _series(((e * e, sign(e)) for e in entries if e % 2 == parity), order)
            for parity, sign in ((0, lambda e: 1), (0, lambda e: 1 - e % 4), (1, lambda e: 1))
        )
        total = _power(signed, self.length, order)[-1]
        for weight, many in Counter(word.bit_count() for word in self.words).items():
            both = np.convolve(_power(even, self.length - weight, order), _power(odd, weight, order))[:order]
            total += many * both[-1]
        return int(total) // 2

    def vectors(self) -> Iterator[tuple[int, ...]]:
        """The vectors, word by word."""
        for word in self.words:
            letters = [word >> place & 1 for place in reversed(range(self.length))]
            yield from (vector for vector in of_norm(letters, self.squared_norm) if sum(vector) % 4 == 0)

    def described(self) -> dict[str, Any]:
        """The shell in the form in which the kernel counts it."""
        digits = -(-self.length // 4)
        basis = [f"{word:0{digits}x}" for word in self.basis]
        return {"length": self.length, "basis": basis, "norm": self.squared_norm}


def _series(terms: Iterator[tuple[int, int]], order: int) -> Any:
    found = np.zeros(order, dtype=object)
    for exponent, factor in terms:
        if exponent < order:
            found[exponent] += factor
    return found


def _power(series: Any, exponent: int, order: int) -> Any:
    found = np.array([1] + [0] * (order - 1), dtype=object)
    for _ in range(exponent):
        found = np.convolve(found, series)[:order]
    return found
