"""Upper bounds on the number of keys of a given coherence: a search for polynomials of Delsarte's linear program.

There are two sources, and the smaller bound is taken. Levenshtein's polynomials have double roots at the nodes of a
Gauss quadrature that has mu as a node. The others are replaced by nearby rational numbers: the sign on [-1, mu] is
evident from the factors, and the coefficients stay positive, because they are well above 0. These polynomials give the
exact size of the best codes (240 for E8, 196560 for Leech). In few dimensions a linear program on a grid of inner
products may give a better polynomial (25 keys of coherence 1/2 in R^4, not 26). Its coefficients are rounded to
rational numbers, and the constant coefficient is lowered until the polynomial is nowhere above 0 on [-1, mu].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, product
from math import floor

import numpy as np
from flint import fmpq, fmpq_poly
from scipy.linalg import eigh_tridiagonal
from scipy.optimize import linprog

from lowerbound.core.scalars import Rational, rational
from lowerbound.errors import Undecided, invalid
from lowerbound.kernel.rules.spherical import MOST_DEGREE, MOST_SPLITS, bernstein, gegenbauer

DEGREES = (2, 4, 6, 8, 10, 12, 16, 20)
GRID = 400
FINE = 8001
ROUNDS = 4
LARGEST_DENOMINATOR = 2**24
"""The largest denominator of a double root."""
DIGITS = 2**44
SLACK = 1e-9


@dataclass(frozen=True)
class Dual:
    """A polynomial in the Gegenbauer basis P_k of R^d, with the data that prove its sign on [-1, coherence].

    `double_roots` are factored out, and `marks` cut the interval into parts on which Bernstein coefficients show the
    sign of the rest.

    Contract: `bound` = f(1) / f_0 is exact; the kernel accepts the payload for n_max = floor(bound).
    """

    d: int
    coherence: Fraction
    coefficients: tuple[Fraction, ...]
    double_roots: tuple[Fraction, ...]
    marks: tuple[Fraction, ...]

    @property
    def bound(self) -> Fraction:
        """f(1) / f_0: at most this many unit vectors have pairwise inner products of at most the coherence."""
        return sum(self.coefficients, Fraction(0)) / self.coefficients[0]

    @property
    def most(self) -> int:
        """The bound, rounded down to an integer."""
        return floor(self.bound)

    def claim(self) -> dict[str, object]:
        """The claim of the certificate."""
        return {"d": self.d, "coherence": str(self.coherence), "n_max": self.most}

    def payload(self) -> dict[str, list[str]]:
        """The payload of the certificate."""
        return {
            "coefficients": [str(each) for each in self.coefficients],
            "double_roots": [str(each) for each in self.double_roots],
            "marks": [str(each) for each in self.marks],
        }


def delsarte(d: int, coherence: Rational) -> Dual:
    """The best dual polynomial found: Levenshtein's of degree up to 64, or a linear program's of degree up to 20.

    Contract: what is returned is accepted by the kernel; Undecided where no degree gives one, InvalidArgument for a
    dimension below 2 or a coherence outside [-1, 1).
    """
    mu = rational(coherence, name="coherence")
    if not -1 <= mu < 1:
        raise invalid("coherence", "lie in [-1, 1)", str(coherence))
    if d < 2:
        raise invalid("d", "be an integer >= 2", d, nearest=2)
    best: Dual | None = None
    for found in chain([levenshtein(d, mu)], _linear_programs(d, mu)):
        if found is not None and (best is None or found.bound < best.bound):
            best = found
    if best is None:
        raise Undecided(f"no polynomial of degree up to {MOST_DEGREE} bounds keys of coherence {mu} in R^{d}")
    return best


def levenshtein(d: int, mu: Fraction) -> Dual | None:
    """The best of Levenshtein's polynomials, or None: fast; a linear program may be a few percent better."""
    return min(_levenshtein(d, mu), key=lambda found: found.bound, default=None)


def _levenshtein(d: int, mu: Fraction) -> Iterator[Dual]:
    """Yield (t - mu) (t + 1)^e (product of (t - node)^2), for e = 0 and 1 and every degree (Levenshtein 1978)."""
    t = fmpq_poly([0, 1])
    for extra, count in product((0, 1), range(1, MOST_DEGREE // 2 + 1)):
        nodes = _nodes(d, float(mu), extra, count)
        if nodes is None:
            continue
        f = (t - _exact(mu)) * (t + 1) ** extra
        for node in nodes:
            f *= (t - _exact(node)) ** 2
        found = _dual(d, mu, f, nodes)
        if found is not None:
            yield found


def _nodes(d: int, mu: float, extra: int, count: int) -> tuple[Fraction, ...] | None:
    """The nodes other than mu of the Gauss quadrature with `count` nodes, mu among them, or None.

    The weight is (1 - t)^(a + 1) (1 + t)^(a + extra), a = (d - 3) / 2. The nodes are the eigenvalues of a Jacobi matrix
    whose last diagonal entry is changed so that mu is an eigenvalue (Golub 1973). None if a node is outside (-1, mu].
    """
    a, b = (d - 1) / 2, (d - 3) / 2 + extra
    i = np.arange(1, count, dtype=np.float64)
    s = 2 * i + a + b
    diagonal = np.concatenate([[(b - a) / (a + b + 2)], (b - a) * (b + a) / (s * (s + 2))])
    squares = 4 * i * (i + a) * (i + b) * (i + a + b) / (s**2 * (s + 1) * (s - 1))
    gap = mu - diagonal[0]
    for here, square in zip(diagonal[1:], squares, strict=True):
        if gap == 0:
            return None
        gap = mu - here - square / gap
    diagonal[-1] += gap
    nodes = eigh_tridiagonal(diagonal, np.sqrt(squares), eigvals_only=True)
    others = np.delete(nodes, np.abs(nodes - mu).argmin())
    if len(others) and not (others.min() > -1 and others.max() < mu):
        return None
    return tuple(Fraction(node).limit_denominator(LARGEST_DENOMINATOR) for node in others.tolist())


def _linear_programs(d: int, mu: Fraction) -> Iterator[Dual]:
    """Yield the solutions of linear programs of DEGREES, made exact."""
    for degree in DEGREES:
        proposal = _proposal(d, mu, degree)
        found = None if proposal is None else _lowered(d, mu, proposal)
        if found is not None:
            yield found


def _values(d: int, degree: int, at: np.ndarray) -> np.ndarray:
    """P_0 to P_degree at the points `at`, by their recurrence: shape (degree + 1, points)."""
    made = [np.ones_like(at), at]
    for k in range(1, degree):
        made.append(((2 * k + d - 2) * at * made[k] - k * made[k - 1]) / (k + d - 2))
    return np.array(made[: degree + 1])


def _proposal(d: int, mu: Fraction, degree: int) -> np.ndarray | None:
    """The best polynomial on a grid; points where it exceeds SLACK are added to the grid, for at most ROUNDS rounds."""
    at = (float(mu) - 1) / 2 - (float(mu) + 1) / 2 * np.cos(np.linspace(0, np.pi, GRID))
    fine = np.linspace(-1, float(mu), FINE)
    between = _values(d, degree, fine)
    for _ in range(ROUNDS):
        values = _values(d, degree, at)[1:]
        solved = linprog(np.ones(degree), A_ub=values.T, b_ub=-np.ones(len(at)), bounds=(0, None), method="highs")
        if not solved.success:
            return None
        proposal = np.concatenate([[1.0], solved.x])
        heights = proposal @ between
        over = np.flatnonzero(heights > SLACK)
        if not len(over):
            break
        at = np.concatenate([at, fine[over]])
    return proposal


def _lowered(d: int, mu: Fraction, proposal: np.ndarray) -> Dual | None:
    """The proposal with rational coefficients, of which the constant is lowered until the sign is proved; or None."""
    at = np.linspace(-1, float(mu), FINE)
    over = max(0.0, float((proposal @ _values(d, len(proposal) - 1, at)).max()))
    rounded = [Fraction(round(max(0.0, weight) * DIGITS), DIGITS) for weight in proposal]
    for step in (1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2):
        lift = Fraction(round((over + step) * DIGITS), DIGITS)
        weights = (rounded[0] - lift, *rounded[1:])
        if weights[0] <= 0:
            return None
        f = sum((_exact(w) * p for w, p in zip(weights, gegenbauer(d), strict=False)), fmpq_poly([0]))
        marks = _marks(f, mu)
        if marks is not None:
            return Dual(d, mu, weights, (), marks)
    return None


def _dual(d: int, mu: Fraction, f: fmpq_poly, roots: tuple[Fraction, ...]) -> Dual | None:
    basis = gegenbauer(d)
    weights: list[Fraction] = []
    rest = f
    for k in range(f.degree(), -1, -1):
        weight = rest[k] / basis[k][k]
        rest = rest - weight * basis[k]
        weights.append(Fraction(int(weight.p), int(weight.q)))
    weights.reverse()
    if weights[0] <= 0 or min(weights) < 0:
        return None
    cofactor = f
    for root in roots:
        cofactor, _ = divmod(cofactor, (fmpq_poly([0, 1]) - _exact(root)) ** 2)
    marks = _marks(cofactor, mu)
    return None if marks is None else Dual(d, mu, tuple(weights), roots, marks)


def _marks(f: fmpq_poly, mu: Fraction) -> tuple[Fraction, ...] | None:
    """Points that cut [-1, mu] into parts on which all Bernstein coefficients are <= 0; None if none are found."""
    todo, edges = [(Fraction(-1), mu)], []
    while todo:
        low, high = todo.pop()
        if all(coefficient <= 0 for coefficient in bernstein(f, _exact(low), _exact(high))):
            edges.append(high)
            continue
        if len(edges) + len(todo) > MOST_SPLITS or high - low < Fraction(1, 2**20):
            return None
        middle = (low + high) / 2
        todo += [(middle, high), (low, middle)]
    return tuple(edges[:-1])


def _exact(number: Fraction) -> fmpq:
    return fmpq(number.numerator, number.denominator)
