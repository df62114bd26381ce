"""The exact (Clopper-Pearson) confidence interval of an error rate, rounded outward."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING

from lowerbound.core.scalars import ball, certainly_less, precision
from lowerbound.errors import invalid

if TYPE_CHECKING:
    from flint import arb

CONFIDENCE = 1 - Fraction(1, 10**6)
"""Default confidence of every printed interval: an interval misses the true rate with probability at most 10^-6."""

FIRST_MARGIN = Fraction(1, 2**40)
"""How far below the float estimate `_refuted_rate` first looks; the margin doubles until a ball decides."""


def _upper_tail(p: Fraction, count: int, trials: int) -> arb:
    """P[Bin(trials, p) >= count], as a ball. Arb's method takes the argument p of the beta function as `self`."""
    return ball(p).beta_lower(ball(count), ball(trials - count + 1), regularized=1)


@lru_cache(maxsize=1024)
def _refuted_rate(count: int, trials: int, tail: Fraction) -> Fraction:
    """A rate p for which P[Bin(trials, p) >= count] is certainly below `tail`; it is close to the largest such p.

    A float computation proposes the rate and interval arithmetic decides. As long as interval arithmetic does not
    confirm it, the margin below the proposal doubles.
    """
    from scipy.special import betaincinv

    nominated = Fraction(float(betaincinv(count, trials - count + 1, float(tail))))
    margin = FIRST_MARGIN
    while (rate := nominated - margin) > 0:
        with precision(128):
            if certainly_less(_upper_tail(rate, count, trials), ball(tail)) is True:
                return rate
        margin *= 2
    return Fraction(0)


def clopper_pearson(errors: int, trials: int, *, confidence: Fraction = CONFIDENCE) -> tuple[Fraction, Fraction]:
    """The exact confidence interval (low, high) of an error rate, given `errors` wrong answers in `trials` answers.

    Contract: for 0 <= errors <= trials, trials >= 1, the interval certainly contains the Clopper-Pearson interval, so
    it misses the true rate of independent answers with probability at most 1 - confidence; other arguments raise
    InvalidArgument. If independent answers have unequal error rates, the interval is conservative for the mean rate
    (Hoeffding 1956).

    Returns
    -------
    low, high : Fraction in [0, 1]
    """
    if not (isinstance(trials, int) and trials >= 1):
        raise invalid("trials", "be an integer >= 1", trials)
    if not (isinstance(errors, int) and 0 <= errors <= trials):
        raise invalid("errors", f"be an integer in [0, {trials}]", errors)
    if not 0 < confidence < 1:
        raise invalid("confidence", "lie strictly between 0 and 1", confidence)
    tail = (1 - Fraction(confidence)) / 2
    low = _refuted_rate(errors, trials, tail) if errors else Fraction(0)
    high = 1 - _refuted_rate(trials - errors, trials, tail) if errors < trials else Fraction(1)
    return low, high
