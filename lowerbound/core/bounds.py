"""Every formula of the lower bound, written once: Arb evaluates it as a ball, sympy reads it and prints its LaTeX.

A formula is a plain Python function of its arguments and of an arithmetic (`log`, `exp`, `number`). The same function
body gives the enclosure, the symbolic expression and the typeset formula, so the three cannot disagree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Protocol

from lowerbound.core.scalars import (
    ball,
    certainly_less,
    decide,
    floor_float,
    lower_fraction,
    precision,
    upper_fraction,
)
from lowerbound.errors import invalid

if TYPE_CHECKING:
    from flint import arb

PRECISION_BITS = 128


class Arithmetic(Protocol):
    """The operations that a formula may use in addition to +, -, *, / and **."""

    def log(self, x: Any) -> Any: ...
    def exp(self, x: Any) -> Any: ...
    def number(self, x: Fraction | int) -> Any: ...


class _Balls:
    def log(self, x: Any) -> Any:
        return x.log()

    def exp(self, x: Any) -> Any:
        return x.exp()

    def number(self, x: Fraction | int) -> Any:
        return ball(x)


BALLS: Arithmetic = _Balls()
"""The arithmetic of Arb balls, at Arb's current precision."""


class _Symbols:
    def log(self, x: Any) -> Any:
        import sympy

        return sympy.log(x)

    def exp(self, x: Any) -> Any:
        import sympy

        return sympy.exp(x)

    def number(self, x: Fraction | int) -> Any:
        import sympy

        return sympy.Rational(Fraction(x).numerator, Fraction(x).denominator)


@dataclass(frozen=True)
class Formula:
    """One formula of the bound.

    Contract: `enclosure` contains the value at the exact arguments; `symbolic` is the same expression in the given
    symbols; `latex` is its typesetting.
    """

    name: str
    meaning: str
    source: str
    letters: tuple[str, ...]
    body: Callable[..., Any]

    def enclosure(self, *arguments: Fraction | int, precision_bits: int = PRECISION_BITS) -> arb:
        """A ball that contains the value at the exact `arguments`."""
        with precision(precision_bits):
            value: arb = self.body(_Balls(), *(ball(x) for x in arguments))
            return value

    def at_least(self, *arguments: Fraction | int) -> float:
        """A float that is certainly <= the value: the lower end of the enclosure, rounded down."""
        return floor_float(lower_fraction(self.enclosure(*arguments)))

    def at_most(self, *arguments: Fraction | int) -> Fraction:
        """A rational that is certainly >= the value: the upper end of the enclosure."""
        return upper_fraction(self.enclosure(*arguments))

    def symbolic(self) -> Any:
        """The formula as a sympy expression in the symbols `letters`, all positive."""
        import sympy

        return self.body(_Symbols(), *sympy.symbols(self.letters, positive=True))

    def latex(self) -> str:
        """The LaTeX source of the formula."""
        import sympy

        return str(sympy.latex(self.symbolic()))


def _log2(a: Arithmetic, x: Any) -> Any:
    return a.number(1) if x == 2 else a.log(x) / a.log(a.number(2))


def _entropy(a: Arithmetic, p: Any) -> Any:
    if p == 0 or p == 1:
        return a.number(0)
    return -(p * _log2(a, p) + (1 - p) * _log2(a, 1 - p))


def _symbol_floor(a: Arithmetic, m: Any, levels: Any, delta: Any) -> Any:
    wrong = a.number(0) if delta == 0 or levels == 2 else delta * _log2(a, levels - 1)
    return m * (_log2(a, levels) - _entropy(a, delta) - wrong)


def _index_floor(a: Arithmetic, m: Any, delta: Any) -> Any:
    return m * (1 - _entropy(a, delta))


def _leakage(a: Arithmetic, n: Any, multiplier: Any, mu: Any) -> Any:
    return (n - 1) * a.exp(-multiplier * (1 - mu))


def _multiplier_for_leakage(a: Arithmetic, n: Any, tau: Any, mu: Any) -> Any:
    return a.log((n - 1) / tau) / (1 - mu)


def _geometric_ratio(a: Arithmetic, eta: Any, tau: Any, v_min: Any) -> Any:
    return (1 + eta) / (1 - eta) * (1 + 2 * tau / v_min)


def _welch_squared(a: Arithmetic, n: Any, d: Any) -> Any:
    return (n - d) / (d * (n - 1))


def _union_bound(a: Arithmetic, n: Any, d: Any, mu: Any) -> Any:
    return n * (n - 1) / 2 * a.exp(-d * mu**2 / 2)


ENTROPY = Formula("binary entropy", "H2 of an error rate, in bits", "Shannon", (r"\delta",), _entropy)
INDEX_FLOOR = Formula(
    "INDEX floor",
    "bits of any one-way message that lets each of m fair bits be read with mean error delta",
    "Theorem A; arXiv:2503.14881, Theorem 1.1 with its constant",
    ("m", r"\delta"),
    _index_floor,
)
SYMBOL_FLOOR = Formula(
    "INDEX floor over L symbols",
    "bits of any one-way message that lets each of m uniform L-ary symbols be read with mean error delta",
    "Theorem B; Fano's inequality",
    ("m", "L", r"\delta"),
    _symbol_floor,
)
LEAKAGE = Formula(
    "softmax leakage",
    "weight that n - 1 keys of one-sided coherence mu take from the key that is asked for",
    "arXiv:2503.14881, proof of Theorem 1.1",
    ("n", r"\lambda", r"\mu"),
    _leakage,
)
MULTIPLIER = Formula(
    "multiplier for a leakage",
    "the multiplier at which n keys of one-sided coherence mu leak exactly tau",
    "inverse of the softmax leakage",
    ("n", r"\tau", r"\mu"),
    _multiplier_for_leakage,
)
GEOMETRIC_RATIO = Formula(
    "ratio of geometric levels",
    "neighbouring value levels must differ by more than this factor under relative error eta",
    "Theorem B, relative form",
    (r"\eta", r"\tau", r"v_{\min}"),
    _geometric_ratio,
)
WELCH_SQUARED = Formula(
    "Welch's bound, squared",
    "no n unit vectors in R^d have largest |inner product| below its square root",
    "Welch 1974",
    ("n", "d"),
    _welch_squared,
)
UNION_BOUND = Formula(
    "union bound for random signs",
    "bound on the probability that n random sign vectors in R^d have one-sided coherence above mu",
    "Hoeffding 1963",
    ("n", "d", r"\mu"),
    _union_bound,
)

FORMULAS = (
    ENTROPY,
    INDEX_FLOOR,
    SYMBOL_FLOOR,
    LEAKAGE,
    MULTIPLIER,
    GEOMETRIC_RATIO,
    WELCH_SQUARED,
    UNION_BOUND,
)


def additive_levels(eta: Fraction, tau: Fraction) -> int:
    """L_V, the largest number of levels of a uniform grid on [0, 1] whose step exceeds 2 (eta + tau).

    Contract: 1/(L - 1) > 2 (eta + tau) >= 1/L, exactly, or L = 1 when not even two levels fit; eta + tau <= 0 raises
    InvalidArgument.
    Source: Theorem B.
    """
    step = 2 * (eta + tau)
    if step <= 0:
        raise invalid("eta + tau", "be > 0", eta + tau)
    return max(1, math.ceil(1 / step))


def welch(n: int, d: int) -> Fraction:
    """Welch's lower bound on the coherence of n unit vectors in R^d, rounded down to a multiple of 2^-40.

    It is 0 if n <= d.
    """
    if n <= d:
        return Fraction(0)
    square = Fraction(n - d, d * (n - 1))
    return Fraction(math.isqrt(int(square * 4**40)), 2**40)


def floor_in_interval(m: int, levels: int, low: Fraction, high: Fraction) -> Fraction:
    """A lower bound (floor), in bits, for m symbols of `levels` levels that holds at every error rate in [low, high].

    Contract: the result is >= 0 and certainly <= the INDEX lower bound at each error rate of the interval; an interval
    that is not within [0, 1] raises InvalidArgument. The INDEX lower bound decreases in delta until
    delta = (L - 1)/L, where it is 0, and increases beyond. So its minimum over the interval is at the end nearest to
    that point, or is 0 if the interval contains the point.
    """
    if not 0 <= low <= high <= 1:
        raise invalid("error interval", "satisfy 0 <= low <= high <= 1", (low, high))
    chance = Fraction(levels - 1, levels)
    if low <= chance <= high:
        return Fraction(0)
    delta = high if high < chance else low
    return max(Fraction(0), lower_fraction(SYMBOL_FLOOR.enclosure(m, levels, delta)))


def is_above(bits: int, m: int, levels: int, low: Fraction, high: Fraction) -> bool:
    """Whether `bits` is at or above the smallest lower bound (floor) over the error rates in [low, high].

    Contract: the answer is certain, or Undecided is raised. True means that some error rate of the interval is
    compatible with `bits`; False means that none is.
    """
    if low <= Fraction(levels - 1, levels) <= high:
        return bits >= 0
    from flint import ctx

    delta = high if high < Fraction(levels - 1, levels) else low

    def question() -> bool | None:
        less = certainly_less(ball(bits), SYMBOL_FLOOR.enclosure(m, levels, delta, precision_bits=ctx.prec))
        return None if less is None else not less

    return decide(question, what=f"whether {bits} bits are above the floor at error {float(delta)}")
