"""Explicit keys from traces of polynomials: x -> (-1)^{tr(a x + b x^e + ...)} over GF(2^m).

The functions tr(a x + b x^e + ...) form a linear code, so the inner product of two keys is the character sum of their
difference. One Walsh transform for each nonlinear part therefore gives the exact coherence of the whole family, without
a Gram matrix.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar

import numpy as np

from lowerbound.core.keys.family import IntRows, KeyFamily, padded, with_negatives
from lowerbound.core.keys.field import binary_field

_WALSH_BLOCK = 2**13
_LARGEST_WALSH_TABLE = 2**24


@dataclass(frozen=True)
class TraceCode:
    """The sign vectors of tr(a x + sum_j c_j x^{e_j}), where a and c_j run over GF(2^m) or a subfield.

    The digits of the number i are the coefficients of vector i: a is the lowest digit, then come c_1, c_2, ... For the
    exponent e = 2^(m/2) + 1 with m even, c runs over GF(2^(m/2)) and the trace is that of this subfield.
    """

    m: int
    exponents: tuple[int, ...]

    @property
    def sizes(self) -> dict[int, int]:
        """The number of coefficients c_j of each exponent e_j."""
        return {e: 2 ** (self.m // 2) if self._in_subfield(e) else 2**self.m for e in self.exponents}

    def _in_subfield(self, exponent: int) -> bool:
        return self.m % 2 == 0 and exponent == 2 ** (self.m // 2) + 1

    @property
    def n_nonlinear(self) -> int:
        """The number of nonlinear parts sum_j c_j x^{e_j}, zero included."""
        return math.prod(self.sizes.values())

    @property
    def size(self) -> int:
        """The number of vectors."""
        return self.n_nonlinear << self.m

    def bits(self, numbers: IntRows) -> IntRows:
        """The bits tr(...) of the vectors with these numbers, shape (len(numbers), 2^m); entries are (-1)^bit."""
        rest, linear = np.divmod(numbers, 2**self.m)
        bits = self.part(1, linear)
        for exponent, digit in self.digits(rest):
            bits = bits ^ self.part(exponent, digit)
        return bits

    def digits(self, nonlinear: IntRows) -> Iterator[tuple[int, IntRows]]:
        """(e_j, the digits c_j) of these nonlinear parts, for each exponent."""
        for exponent, size in self.sizes.items():
            nonlinear, digit = np.divmod(nonlinear, size)
            yield exponent, digit

    def part(self, exponent: int, digit: IntRows) -> IntRows:
        """The bits tr(c x^e) for the coefficients c with these digits, shape (len(digit), 2^m)."""
        field = binary_field(self.m)
        powers = field.power(np.arange(field.order), exponent)
        if self._in_subfield(exponent):
            # tr_{m/2}(c N(x)) for c in the subfield equals tr_m(w c N(x)) with tr_{m/m/2}(w) = 1.
            digit = field.multiply(np.array(self._unit_relative_trace()), field.subfield(self.m // 2)[digit])
        return field.trace[field.multiply(digit[:, None], powers)]

    def _unit_relative_trace(self) -> int:
        field = binary_field(self.m)
        elements = np.arange(field.order)
        relative = elements ^ field.power(elements, 2 ** (self.m // 2))
        return int(np.flatnonzero(relative == 1)[0])

    @property
    def weil_bound(self) -> int:
        """Weil's bound |sum_x (-1)^{tr f(x)}| <= (deg f - 1) 2^{m/2} (Weil, Carlitz-Uchiyama), rounded down."""
        return math.isqrt((max(self.exponents) - 1) ** 2 * 2**self.m)

    def largest_sum(self) -> int:
        """The maximum of |<u, v>| over distinct vectors, or an upper bound on it.

        It is exact (by Walsh transforms) if their table has at most 2^24 entries; otherwise Weil's bound is returned.
        """
        return _largest_walsh_sum(self)


@lru_cache
def _largest_walsh_sum(code: TraceCode) -> int:
    order = 1 << code.m
    if code.n_nonlinear * order > _LARGEST_WALSH_TABLE:
        return min(order, code.weil_bound)
    # The code is linear, so only vectors with a nonzero nonlinear part need comparing with the linear ones, and one
    # product with a Hadamard matrix does that for all linear parts at once. Float32 holds these integers exactly.
    transform = np.ones((1, 1), dtype=np.float32)
    for _ in range(code.m):
        transform = np.block([[transform, transform], [transform, -transform]])
    parts = {e: (1 - 2 * code.part(e, np.arange(size))).astype(np.float32) for e, size in code.sizes.items()}
    largest = 0
    for start in range(1, code.n_nonlinear, _WALSH_BLOCK):
        numbers = np.arange(start, min(start + _WALSH_BLOCK, code.n_nonlinear))
        signs = np.ones((1, order), dtype=np.float32)
        for exponent, digit in code.digits(numbers):
            signs = signs * parts[exponent][digit]
        largest = max(largest, int(np.abs(signs @ transform).max()))
    return largest


def _degree(d: int) -> int:
    return d.bit_length() - 1


class TraceCodeFamily(KeyFamily):
    """The vectors of a trace code over the largest field that fits in R^d, and their negatives."""

    @staticmethod
    @abstractmethod
    def code(d: int) -> TraceCode | None:
        """The code that is used in R^d, or None if there is none."""

    def capacity(self, d: int) -> int:
        code = self.code(d)
        return 0 if code is None else 2 * code.size

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        code = self.code(d)
        return None if code is None else Fraction(code.largest_sum(), 2**code.m)

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        code = self.code(d)
        assert code is not None
        signs = 1 - 2 * code.bits(np.arange(min(n, code.size)))
        return padded(with_negatives(signs, n), d)


class Trace2(TraceCodeFamily):
    """The sign vectors (-1)^{tr(a x + b x^3)}: d^2 of them, and their negatives, in R^d with d = 2^m.

    Their coherence is 2^{(m+1)/2}/d for odd m and 2^{(m+2)/2}/d for even m.
    """

    name: ClassVar[str] = "trace"
    source: ClassVar[str] = "Gold 1968"

    @staticmethod
    def code(d: int) -> TraceCode | None:
        m = d.bit_length() - 1
        return TraceCode(m, (3,)) if 3 <= m <= 12 else None


class Trace3(TraceCodeFamily):
    """The sign vectors (-1)^{tr(a x + b x^3 + c x^5)}: d^3 of them, and their negatives, in R^d with d = 2^m.

    They come from the dual of the triple-error-correcting BCH code.
    """

    name: ClassVar[str] = "trace3"
    source: ClassVar[str] = "Weil 1948; Carlitz and Uchiyama 1957"

    @staticmethod
    def code(d: int) -> TraceCode | None:
        m = d.bit_length() - 1
        return TraceCode(m, (3, 5)) if 5 <= m <= 12 else None


class Kasami(TraceCodeFamily):
    """The large Kasami set: sign vectors of tr(a x + b x^{2^{(m+2)/2}+1}) + tr_{m/2}(c x^{2^{m/2}+1}), m = 2 mod 4.

    There are 2^{5m/2} of them, and their negatives, in R^d with d = 2^m, at coherence 2^{(m+2)/2}/d. In R^64 these are
    eight times as many as in the trace family, at the same coherence 1/4.
    """

    name: ClassVar[str] = "kasami"
    source: ClassVar[str] = "Kasami 1966; Sarwate and Pursley 1980"

    @staticmethod
    def code(d: int) -> TraceCode | None:
        m = d.bit_length() - 1
        m -= (m - 2) % 4
        return TraceCode(m, (2 ** ((m + 2) // 2) + 1, 2 ** (m // 2) + 1)) if 6 <= m <= 10 else None
