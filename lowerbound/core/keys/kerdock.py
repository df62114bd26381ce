"""Kerdock sets: 2^{m-1} pairwise unbiased bases of R^d, for d = 2^m with m even, and the standard basis.

There is one quadratic form Q_a on GF(2^{m-1}) x GF(2) for each a in GF(2^{m-1}), and all differences of two forms have
full rank. The form Q_a gives the basis of sign vectors (-1)^{Q_a + linear}. The standard basis is unbiased to all of
these bases, so it is added to the set.
"""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.core.keys.family import IntRows, KeyFamily, padded, with_negatives
from lowerbound.core.keys.field import binary_field


def kerdock_forms(m: int) -> IntRows:
    """The 2^{m-1} quadratic forms as bits, shape (2^{m-1}, 2^m): the difference of any two has full rank."""
    field = binary_field(m - 1)
    order, half = 2**m, 2 ** (m - 1)
    points = np.arange(order)
    x, x0 = points % half, points // half
    forms = np.empty((half, order), dtype=np.int64)
    for a in range(half):
        ax = field.multiply(np.array(a), x)
        form = x0 * field.trace[ax]
        for i in range(1, (m - 2) // 2 + 1):
            form = form ^ field.trace[field.power(ax, 2**i + 1)]
        forms[a] = form
    return forms


def kerdock_rows(m: int) -> IntRows:
    """All 2^{2m-1} sign vectors, then 2^{m/2} times the standard basis; every row has squared norm 2^m."""
    order = 2**m
    points = np.arange(order)
    parity = np.array([bin(k).count("1") & 1 for k in range(order)])
    linear = parity[points[:, None] & points]
    bits = kerdock_forms(m)[:, None, :] ^ linear
    return np.concatenate([1 - 2 * bits.reshape(-1, order), 2 ** (m // 2) * np.eye(order, dtype=np.int64)])


class Kerdock(KeyFamily):
    """2^{2m-1} + 2^m vectors in R^d and their negatives, for d = 2^m with m even; coherence exactly 2^{m/2}/d.

    In other dimensions d >= 16, the largest of 16, 64 and 256 that fits is used, and the other coordinates are zero.
    """

    name: ClassVar[str] = "kerdock"
    source: ClassVar[str] = "Kerdock 1972; Calderbank, Cameron, Kantor and Seidel 1997"

    @staticmethod
    def _degree(d: int) -> int:
        m = d.bit_length() - 1
        return m - m % 2

    def capacity(self, d: int) -> int:
        m = self._degree(d)
        return 2 * (2 ** (2 * m - 1) + 2**m) if 4 <= m <= 8 else 0

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        m = self._degree(d)
        return Fraction(2 ** (m // 2), 2**m) if 4 <= m <= 8 else None

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        return padded(with_negatives(kerdock_rows(self._degree(d)), n), d)
