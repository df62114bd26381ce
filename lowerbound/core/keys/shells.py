"""Keys from short lattice vectors: many keys of moderate coherence in very low dimension, for short addresses.

The difference of two lattice vectors is a lattice vector. So if the shortest nonzero vectors of a lattice have squared
norm m, two of its vectors of squared norm N have an inner product of at most (2 N - m) / 2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, product
from math import comb
from typing import ClassVar

import numpy as np

from lowerbound.core.keys.family import IntRows, KeyFamily, padded

HAMMING = ((1, 1, 0, 1, 0, 0, 0), (0, 1, 1, 0, 1, 0, 0), (0, 0, 1, 1, 0, 1, 0), (0, 0, 0, 1, 1, 0, 1))
"""A basis of the cyclic [7, 4, 3] Hamming code with generator polynomial 1 + x + x^3."""
EXTENDED_HAMMING = tuple((*word, sum(word) % 2) for word in HAMMING)
"""A basis of the extended [8, 4, 4] Hamming code."""
QUADRATIC_RESIDUES = {square * square % 23 for square in range(1, 23)}


def _words(basis: Sequence[Sequence[int]]) -> Iterator[tuple[int, ...]]:
    for coefficients in product((0, 1), repeat=len(basis)):
        rows = [row for row, taken in zip(basis, coefficients, strict=True) if taken]
        yield tuple(sum(column) % 2 for column in zip(*rows, strict=True)) if rows else (0,) * len(basis[0])


def _of_norm(parities: Sequence[int], squared_norm: int) -> Iterator[tuple[int, ...]]:
    """All integer vectors whose entries have these parities and whose squared norm is `squared_norm`."""
    if not parities:
        if squared_norm == 0:
            yield ()
        return
    size = parities[0]
    while size * size <= squared_norm:
        for tail in _of_norm(parities[1:], squared_norm - size * size):
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
        vectors = (vector for word in _words(cls.basis) for vector in _of_norm(word, cls.squared_norm))
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


@lru_cache
def golay_words() -> IntRows:
    """The 4096 words of the extended Golay code, with coordinates ordered so that the first eight form an octad."""
    idempotent = [int(place in QUADRATIC_RESIDUES) for place in range(23)]
    shifts = np.array([np.roll(idempotent, shift) for shift in range(23)])
    basis: list[int] = []
    for row in shifts:
        word = int("".join(map(str, row)), 2)
        for known in basis:
            word = min(word, word ^ known)
        if word:
            basis.append(word)
    bits = np.array([[word >> 22 - place & 1 for place in range(23)] for word in basis])
    coefficients = np.array(list(product((0, 1), repeat=len(basis))))
    words = coefficients @ bits % 2
    extended = np.concatenate([words, words.sum(axis=1, keepdims=True) % 2], axis=1)
    first = extended[extended.sum(axis=1) == 8][0]
    order = np.argsort(-first, kind="stable")
    return extended[:, order].astype(np.int64)


class LeechSection(KeyFamily):
    """Shortest vectors of the Leech lattice that are zero on the first 24 - d places of an octad: coherence 1/2.

    There are 4320 in R^16 (the shortest vectors of the Barnes-Wall lattice), 6500 in R^18, 10668 in R^19, 17400 in
    R^20 and 27720 in R^21. In R^24 they are the 98256 shortest vectors that have a zero coordinate.
    """

    name = "leech-section"
    source = "Conway and Sloane, Sphere Packings, Lattices and Groups, chapters 4 and 6"

    def capacity(self, d: int) -> int:
        return 0 if d < 16 else len(_leech_rows(min(d, 24)))

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        return Fraction(1, 2)

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        return padded(_leech_rows(min(d, 24))[:n], d)


@lru_cache
def _leech_rows(width: int) -> IntRows:
    words = golay_words()[:, 24 - width :]
    octads = words[(words.sum(axis=1) == 8) & (golay_words()[:, : 24 - width].sum(axis=1) == 0)]
    signs = np.array([s for s in product((1, -1), repeat=8) if np.prod(s) == 1], dtype=np.int64)
    rows = np.zeros((len(octads), len(signs), width), dtype=np.int64)
    places = np.nonzero(octads)[1].reshape(-1, 8)
    np.put_along_axis(rows, np.broadcast_to(places[:, None], (len(octads), len(signs), 8)), 2 * signs[None], axis=2)
    pairs = list(combinations(range(width), 2))
    corners = np.zeros((len(pairs), 4, width), dtype=np.int64)
    for index, (i, j) in enumerate(pairs):
        corners[index, :, i] = (4, 4, -4, -4)
        corners[index, :, j] = (4, -4, 4, -4)
    return np.concatenate([rows.reshape(-1, width), corners.reshape(-1, width)])


class LeechRoots(KeyFamily):
    """All 196560 shortest vectors of the Leech lattice, in R^24 at coherence 1/2: no larger set has that coherence.

    First come the vectors of `LeechSection`. Then come those obtained from (-3, 1^23) by moving -3 to any place and
    changing the signs on a word of the Golay code.
    """

    name = "leech-roots"
    source = "Conway and Sloane, Sphere Packings, Lattices and Groups, chapter 4, section 11"

    def capacity(self, d: int) -> int:
        return 759 * 2**7 + 4 * comb(24, 2) + 24 * 2**12 if d >= 24 else 0

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        return Fraction(1, 2)

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        odd = (1 - 4 * np.eye(24, dtype=np.int64)) * (1 - 2 * golay_words()[:, None])
        return padded(np.concatenate([_leech_rows(24), odd.reshape(-1, 24)])[:n], d)
