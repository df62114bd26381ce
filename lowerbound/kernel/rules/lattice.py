"""Integer lattices: whether rows span every integer vector of their space, and how short a vector can be."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import gcd

from flint import fmpz, fmpz_mat, nmod_mat

from lowerbound.errors import Undecided
from lowerbound.kernel.codec import Rejected

PRIME = 2**61 - 1
MOST_MINORS = 16
LARGEST_PRIME = 2**12

Rows = list[list[int]]


def check_saturated(matrix: fmpz_mat) -> None:
    """Raise Rejected unless the rows span every integer vector of their space, Undecided if that stays open.

    The rows span them exactly if they are independent modulo every prime. A prime modulo which they are dependent
    divides every maximal minor, so that only the few prime factors of the gcd of a few minors need to be tried.
    """
    rank, n, table = matrix.nrows(), matrix.ncols(), matrix.table()
    stride = next(stride for stride in range(1 + n * 55 // 89, 2 * n + 2) if gcd(stride, n) == 1)
    shared = 0
    for start in range(0, n, -(-n // MOST_MINORS)):
        order = [(start + step * stride) % n for step in range(n)]  # neighbours are alike, and their minors too
        echelon, found = nmod_mat(_columns(table, order), PRIME).rref()
        if found < rank:
            raise Rejected("the rows of the basis are dependent")
        pivots: list[int] = []
        for row in range(rank):
            pivots.append(next(j for j in range(pivots[-1] + 1 if pivots else 0, n) if int(echelon[row, j])))
        shared = gcd(shared, int(_columns(table, [order[j] for j in pivots]).det()))
        primes, rest = _small_primes(shared)
        if rest == 1:
            break
    else:
        raise Undecided("whether the basis spans all integer vectors of the kernel")
    for prime in primes:
        if nmod_mat(matrix, prime).rank() < rank:
            raise Rejected(f"the basis does not span all integer vectors of the kernel: it is dependent mod {prime}")


def _small_primes(number: int) -> tuple[list[int], int]:
    """The primes below LARGEST_PRIME that divide a number, and the cofactor once all of them are divided out."""
    found = []
    for prime in range(2, LARGEST_PRIME):
        if number % prime == 0:
            found.append(prime)
            while number % prime == 0:
                number //= prime
    return found, number


def _columns(table: list[list[fmpz]], order: list[int]) -> fmpz_mat:
    return fmpz_mat(len(table), len(order), [row[j] for row in table for j in order])


def shortest(rows: Rows) -> Fraction | None:
    """The least squared Gram-Schmidt length: no nonzero integer combination of the rows is shorter. None of no rows."""
    lattice = fmpz_mat(len(rows), len(rows[0]), [entry for row in rows for entry in row]) if rows else fmpz_mat(0, 0)
    permutation, _, _, upper = (lattice * lattice.transpose()).fflu()
    volumes = [int(upper[n, n]) for n in range(len(rows))]  # leading minors of the Gram matrix, if no row was exchanged
    if not permutation.is_one() or 0 in volumes:
        raise Rejected("a combination of the basis is constant on each scale")
    return min((Fraction(after, before) for before, after in pairwise([1, *volumes])), default=None)
