"""Keys from the extended Golay code: shells of its lattice in R^16 to R^24, and the roots of the Leech lattice."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import combinations, islice, product
from math import comb
from typing import ClassVar

import numpy as np

from lowerbound.core.keys.code_lattices import Shell
from lowerbound.core.keys.family import IntRows, KeyFamily, padded

LENGTH, SHORTEST = 24, 16
QUADRATIC_RESIDUES = {square * square % 23 for square in range(1, 23)}


@lru_cache
def golay_words() -> IntRows:
    """The 4096 words of the extended Golay code, with coordinates ordered so that the first eight form an octad."""
    idempotent = [int(place in QUADRATIC_RESIDUES) for place in range(23)]
    shifts = np.array([np.roll(idempotent, shift) for shift in range(23)])
    basis = _basis(shifts)
    bits = np.array([[word >> 22 - place & 1 for place in range(23)] for word in basis])
    coefficients = np.array(list(product((0, 1), repeat=len(basis))))
    words = coefficients @ bits % 2
    extended = np.concatenate([words, words.sum(axis=1, keepdims=True) % 2], axis=1)
    first = extended[extended.sum(axis=1) == 8][0]
    order = np.argsort(-first, kind="stable")
    return extended[:, order].astype(np.int64)


@lru_cache
def shortened_golay(width: int) -> tuple[int, ...]:
    """A basis of the words of the extended Golay code that are zero in the first 24 - width places."""
    words = golay_words()
    kept = words[~words[:, : LENGTH - width].any(axis=1), LENGTH - width :]
    return tuple(_basis(kept))


def _basis(rows: IntRows) -> list[int]:
    """A basis of the words that these rows of bits span, as integers, the first bit the highest."""
    basis: list[int] = []
    for row in rows:
        word = int("".join(map(str, row)), 2)
        for known in basis:
            word = min(word, word ^ known)
        if word:
            basis.append(word)
    return basis


class GolayShell(KeyFamily):
    """Template: one shell of the lattice of the Golay code, shortened to the head's dimension, in R^16 to R^24."""

    squared_norm: ClassVar[int]

    @classmethod
    def shell(cls, d: int) -> Shell:
        """The shell in R^d, d >= 16."""
        width = min(d, LENGTH)
        return Shell(width, shortened_golay(width), cls.squared_norm)

    def capacity(self, d: int) -> int:
        return self.shell(d).size if d >= SHORTEST else 0

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        return self.shell(max(d, SHORTEST)).coherence

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        return padded(np.array(list(islice(self.shell(d).vectors(), n)), dtype=np.int64), d)


class SecondGolayShell(GolayShell):
    """Vectors of squared norm 12 at coherence 2/3: 61440 in R^16, 150528 in R^18, 1272320 in R^21."""

    name = "golay-second-shell"
    source = "Conway and Sloane, Sphere Packings, Lattices and Groups, chapters 4 and 5"
    squared_norm = 12


class LeechSection(GolayShell):
    """Shortest vectors of the Leech lattice that are zero on the first 24 - d places of an octad: coherence 1/2.

    There are 4320 in R^16 (the shortest vectors of the Barnes-Wall lattice), 6500 in R^18, 10668 in R^19, 17400 in
    R^20 and 27720 in R^21. In R^24 they are the 98256 shortest vectors that have a zero coordinate. The rows are twice
    the vectors of the shell.
    """

    name = "leech-section"
    source = "Conway and Sloane, Sphere Packings, Lattices and Groups, chapters 4 and 6"
    squared_norm = 8

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        return padded(_leech_rows(min(d, LENGTH))[:n], d)


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
