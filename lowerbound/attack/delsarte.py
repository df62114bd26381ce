"""At most how many keys fit: a search for the polynomials that Delsarte's linear program asks for.

scipy proposes a polynomial on a grid of inner products; what is returned has exact rational coefficients. Where the
proposal touches 0 at simple fractions, the polynomial with exactly those double roots is tried first: it is how the
best codes (E8's 240, Leech's 196560) meet their bounds. Elsewhere the proposal is lowered by as much as it errs.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

import numpy as np
from flint import fmpq, fmpq_poly
from scipy.optimize import linprog

from lowerbound.core.scalars import Rational, rational
from lowerbound.errors import Undecided, invalid
from lowerbound.kernel.spherical import MOST_DEGREE, MOST_SPLITS, bernstein, gegenbauer

DEGREES = (2, 4, 6, 8, 10, 12, 16, 20)
GRID = 400
FINE = 8001
ROUNDS = 4
LARGEST_DENOMINATOR = 12
"""Of double roots that are tried as they are."""
TOUCH = 1e-4
DIGITS = 2**44
SLACK = 1e-9


@dataclass(frozen=True)
class Dual:
    """A polynomial in the basis P_k of dimension d, and how its sign is shown: what a certificate carries.

    Contract: `bound` = f(1) / f_0 is exact; the kernel accepts the payload for n_max = floor(bound).
    """

    d: int
    coherence: Fraction
    coefficients: tuple[Fraction, ...]
    double_roots: tuple[Fraction, ...]
    marks: tuple[Fraction, ...]

    @property
    def bound(self) -> Fraction:
        """No more unit vectors than this have inner products of at most the coherence."""
        return sum(self.coefficients, Fraction(0)) / self.coefficients[0]

    @property
    def most(self) -> int:
        """The whole part of the bound."""
        return floor(self.bound)

    def claim(self) -> dict[str, object]:
        """What a certificate states."""
        return {"d": self.d, "coherence": str(self.coherence), "n_max": self.most}

    def payload(self) -> dict[str, list[str]]:
        """What it carries."""
        return {
            "coefficients": [str(each) for each in self.coefficients],
            "double_roots": [str(each) for each in self.double_roots],
            "marks": [str(each) for each in self.marks],
        }


def delsarte(d: int, coherence: Rational) -> Dual:
    """The best dual polynomial found of degree up to 20.

    Contract: what is returned is accepted by the kernel; Undecided where no degree gives one, InvalidArgument for a
    dimension below 2 or a coherence outside [-1, 1).
    """
    mu = rational(coherence, name="coherence")
    if not -1 <= mu < 1:
        raise invalid("coherence", "lie in [-1, 1)", str(coherence))
    if d < 2:
        raise invalid("d", "be an integer >= 2", d, nearest=2)
    best: Dual | None = None
    for degree in DEGREES:
        proposal = _proposal(d, mu, degree)
        if proposal is None:
            continue
        for found in (_sharp(d, mu, proposal), _lowered(d, mu, proposal)):
            if found is not None and (best is None or found.bound < best.bound):
                best = found
    if best is None:
        raise Undecided(f"no polynomial of degree up to {DEGREES[-1]} bounds keys of coherence {mu} in R^{d}")
    return best


def _values(d: int, degree: int, at: np.ndarray) -> np.ndarray:
    """P_0 to P_degree at some points, by the recurrence."""
    made = [np.ones_like(at), at]
    for k in range(1, degree):
        made.append(((2 * k + d - 2) * at * made[k] - k * made[k - 1]) / (k + d - 2))
    return np.array(made[: degree + 1])


def _proposal(d: int, mu: Fraction, degree: int) -> np.ndarray | None:
    """The best polynomial on a grid, to which places where it rises above 0 are added until it hardly does."""
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


def _sharp(d: int, mu: Fraction, proposal: np.ndarray) -> Dual | None:
    """The polynomial with the proposal's double roots, if they are simple fractions."""
    at = np.linspace(-1, float(mu), FINE)
    heights = proposal @ _values(d, len(proposal) - 1, at)
    scale = np.abs(heights).max()
    tops = [n for n in range(1, len(at) - 1) if heights[n] >= heights[n - 1] and heights[n] >= heights[n + 1]]
    roots = sorted(
        {Fraction(float(at[n])).limit_denominator(LARGEST_DENOMINATOR) for n in tops if heights[n] > -TOUCH * scale}
    )
    t = fmpq_poly([0, 1])
    for at_minus_one in (True, False):
        f = t - _exact(mu)
        f = f * (t + 1) if at_minus_one else f
        for root in roots:
            f = f * (t - _exact(root)) ** 2
        if f.degree() > MOST_DEGREE:
            continue
        found = _dual(d, mu, f, tuple(roots))
        if found is not None:
            return found
    return None


def _lowered(d: int, mu: Fraction, proposal: np.ndarray) -> Dual | None:
    """The proposal with rational coefficients, lowered until it is nowhere above 0."""
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
    """Where to cut [-1, mu] so that Bernstein coefficients show the sign of each part; None if they do not."""
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
