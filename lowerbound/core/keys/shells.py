"""Keys from short lattice vectors: many keys of moderate coherence in very low dimension, for short addresses.

The difference of two lattice vectors is a lattice vector. So if the shortest nonzero vectors of a lattice have squared
norm m, two of its vectors of squared norm N have an inner product of at most (2 N - m) / 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import ClassVar

import numpy as np

from lowerbound.core.keys.family import IntRows, KeyFamily, padded

HAMMING = ((1, 1, 0, 1, 0, 0, 0), (0, 1, 1, 0, 1, 0, 0), (0, 0, 1, 1, 0, 1, 0), (0, 0, 0, 1, 1, 0, 1))
"""A basis of the cyclic [7, 4, 3] Hamming code with generator polynomial 1 + x + x^3."""
EXTENDED_HAMMING = tuple((*word, sum(word) % 2) for word in HAMMING)
"""A basis of the extended [8, 4, 4] Hamming code."""


def _words(basis: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    for coefficients in product((0, 1), repeat=len(basis)):
        rows = [row for row, taken in zip(basis, coefficients, strict=True) if taken]
        yield tuple(sum(column) % 2 for column in zip(*rows, strict=True)) if rows else (0,) * len(basis[0])


def of_norm(parities: Sequence[int], squared_norm: int) -> Iterator[tuple[int, ...]]:
    """All integer vectors whose entries have these parities and whose squared norm is `squared_norm`."""
    if not parities:
        if squared_norm == 0:
            yield ()
        return
    size = parities[0]
    while size * size <= squared_norm:
        for tail in of_norm(parities[1:], squared_norm - size * size):
            yield (size, *tail)
            if size:
                yield (-size, *tail)
        size += 2


class CodeShell(KeyFamily):
    """Template for a lattice shell: all integer vectors of a fixed squared norm that are code words modulo 2.

    The code words modulo 2 are those of a binary code (Construction A).
    """

    basis: ClassVar[tuple[tuple[int, ...], ...]]
    shortest: ClassVar[int]
    squared_norm: ClassVar[int]

    @classmethod
    @lru_cache
    def all_rows(cls) -> IntRows:
        """All vectors of the shell, in a fixed order."""
        vectors = (vector for word in _words(cls.basis) for vector in of_norm(word, cls.squared_norm))
        return np.array(sorted(vectors, reverse=True), dtype=np.int64)

    def capacity(self, d: int) -> int:
        return len(self.all_rows()) if d >= len(self.basis[0]) else 0

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        return Fraction((2 * self.squared_norm - self.shortest) // 2, self.squared_norm)

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        return padded(self.all_rows()[:n], d)


class E7DualShell(CodeShell):
    """576 vectors in R^7 at coherence 5/7: the third shell of the dual of E7."""

    name = "e7-dual-shell"
    source = "Conway and Sloane, Sphere Packings, Lattices and Groups, chapter 4"
    basis = HAMMING
    shortest = 3
    squared_norm = 7


class E8Roots(CodeShell):
    """240 vectors in R^8 at coherence 1/2: the shortest vectors of E8."""

    name = "e8-roots"
    source = "Conway and Sloane, Sphere Packings, Lattices and Groups, chapter 4"
    basis = EXTENDED_HAMMING
    shortest = 4
    squared_norm = 4


class E8Shell(CodeShell):
    """2160 vectors in R^8 at coherence 3/4: the second shell of E8."""

    name = "e8-second-shell"
    source = "Conway and Sloane, Sphere Packings, Lattices and Groups, chapter 4"
    basis = EXTENDED_HAMMING
    shortest = 4
    squared_norm = 8


class E8ThirdShell(CodeShell):
    """6720 vectors in R^8 at coherence 5/6: the third shell of E8."""

    name = "e8-third-shell"
    source = "Conway and Sloane, Sphere Packings, Lattices and Groups, chapter 4"
    basis = EXTENDED_HAMMING
    shortest = 4
    squared_norm = 12
