"""How many keys fit: Delsarte's linear program on the sphere, whose dual solution is a polynomial, checked exactly.

If f = sum f_k P_k in the Gegenbauer polynomials of the dimension, P_k(1) = 1, with f_0 > 0, all f_k >= 0, and f <= 0 on
[-1, mu], then unit vectors whose inner products are at most mu number at most f(1) / f_0 (Delsarte, Goethals and Seidel
1977): sum over all pairs of f is at least n^2 f_0, as each P_k is positive definite (Schoenberg), and at most n f(1).
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb, floor, lcm
from typing import Any

from flint import fmpq, fmpq_poly

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown, typed
from lowerbound.kernel.verdict import Outcome, Verdict

MOST_DIMENSION = 4096
MOST_DEGREE = 64
MOST_SPLITS = 1024
MOST_COEFFICIENT_BITS = 2**13
MOST_WORK = 2**34
"""Intervals and roots, times the square of the degree, times the bits of a coefficient after a change of variable."""


def check(claim: Any, payload: Any) -> Verdict:
    """Whether at most n_max unit vectors of R^d have pairwise inner products of at most mu.

    Contract: VERIFIED only if the polynomial has the three properties exactly, and f(1) / f_0 < n_max + 1. The payload
    names double roots, which are divided out; the cofactor is then at most 0 on each interval between the given
    marks, since its Bernstein coefficients are.
    """
    dimension, coherence, most = fields(claim, "the claim", "d", "coherence", "n_max")
    d = integer(dimension, "the dimension", 2, MOST_DIMENSION)
    mu = rational(coherence, "the coherence")
    if not -1 <= mu < 1:
        raise Rejected(f"the coherence must lie in [-1, 1), got {shown(coherence)}")
    n_max = integer(most, "n_max", 1, 2**256)
    listed, roots, marks = fields(payload, "the payload", "coefficients", "double_roots", "marks")
    weights = [rational(each, "a coefficient") for each in typed(listed, list, "the coefficients")]
    if not 2 <= len(weights) <= MOST_DEGREE + 1:
        raise Rejected(f"there must be 2 to {MOST_DEGREE + 1} coefficients, got {len(weights)}")
    cuts = [rational(each, "a mark") for each in typed(marks, list, "the marks")]
    doubles = [rational(each, "a double root") for each in typed(roots, list, "the double roots")]
    if len(cuts) > MOST_SPLITS:
        raise Rejected(f"there must be at most {MOST_SPLITS} marks, got {len(cuts)}")
    _check_work(weights, doubles, [mu, *cuts])
    if weights[0] <= 0 or min(weights) < 0:
        raise Rejected("the coefficients must be at least 0, and the first above 0")
    bound = sum(weights) / weights[0]
    if floor(bound) > n_max:
        raise Rejected(f"the polynomial bounds the number by {floor(bound)}, not by {n_max}")
    rest = sum(
        (fmpq(w.numerator, w.denominator) * p for w, p in zip(weights, gegenbauer(d), strict=False)), fmpq_poly([0])
    )
    for at in doubles:
        square = fmpq_poly([fmpq(-at.numerator, at.denominator), 1]) ** 2
        rest, remainder = divmod(rest, square)
        if remainder.degree() >= 0:
            raise Rejected(f"{shown(str(at))} is no double root")
    edges = [Fraction(-1), *cuts, mu]
    if any(low >= high for low, high in pairwise(edges)):
        raise Rejected("the marks must increase, between -1 and the coherence")
    for low, high in pairwise(edges):
        ends = fmpq(low.numerator, low.denominator), fmpq(high.numerator, high.denominator)
        if any(coefficient > 0 for coefficient in bernstein(rest, *ends)):
            raise Rejected(f"the polynomial is not shown to be at most 0 between {low} and {high}")
    return Verdict(
        Outcome.VERIFIED, f"at most {floor(bound)} unit vectors of R^{d} have inner products of at most {mu}"
    )


def _check_work(weights: list[Fraction], doubles: list[Fraction], edges: list[Fraction]) -> None:
    """Raise Rejected if the polynomial and the places at which it is cut have too many digits together."""
    common = 1
    for weight in weights:
        common = lcm(common, weight.denominator)
        if common.bit_length() > MOST_COEFFICIENT_BITS:
            break
    own = common.bit_length() + max(map(_size, weights))
    moved = own + len(weights) * max(map(_size, (*doubles, *edges)))
    work = (len(edges) + len(doubles)) * len(weights) ** 2 * moved
    if own > 2 * MOST_COEFFICIENT_BITS or common.bit_length() > MOST_COEFFICIENT_BITS or work > MOST_WORK:
        raise Rejected(f"{len(edges)} intervals and coefficients of {own} bits exceed the limit of work")


def _size(value: Fraction) -> int:
    return value.numerator.bit_length() + value.denominator.bit_length()


def gegenbauer(d: int) -> list[fmpq_poly]:
    """P_0 to P_64 of dimension d, with P_k(1) = 1: (k + d - 2) P_(k+1) = (2 k + d - 2) t P_k - k P_(k-1)."""
    t = fmpq_poly([0, 1])
    made = [fmpq_poly([1]), t]
    for k in range(1, MOST_DEGREE):
        made.append(((2 * k + d - 2) * t * made[k] - k * made[k - 1]) / fmpq(k + d - 2))
    return made


def bernstein(polynomial: fmpq_poly, low: fmpq, high: fmpq) -> list[fmpq]:
    """The coefficients in the Bernstein basis of [low, high]; on it, the polynomial lies between least and largest."""
    moved = polynomial(fmpq_poly([low, high - low]))
    degree = max(moved.degree(), 0)
    return [
        sum((fmpq(comb(i, j), comb(degree, j)) * moved[j] for j in range(i + 1)), fmpq(0)) for i in range(degree + 1)
    ]
