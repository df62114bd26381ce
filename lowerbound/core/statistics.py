"""The exact confidence interval of an error rate, rounded outwards."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

from flint import arb

from lowerbound.core.scalars import ball, certainly_less, precision
from lowerbound.errors import invalid

CONFIDENCE = 1 - Fraction(1, 10**6)
"""Of every interval printed: a million true statements for one false alarm."""

FIRST_MARGIN = Fraction(1, 2**40)


def _upper_tail(p: Fraction, count: int, trials: int) -> arb:
    """P[Bin(trials, p) >= count]. In Arb's regularised incomplete beta function, self is the argument p."""
    return ball(p).beta_lower(ball(count), ball(trials - count + 1), regularized=1)


@lru_cache(maxsize=1024)
def _refuted_rate(count: int, trials: int, tail: Fraction) -> Fraction:
    """A rate so small that `count` or more of `trials` is certainly less likely than `tail`, close to the largest.

    A float nominates the rate, a ball decides; while it does not, the margin below the nomination doubles.
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
    """The interval of error rates that `errors` wrong answers in `trials` do not refute.

    Contract: for 0 <= errors <= trials, trials >= 1, the interval certainly contains the Clopper-Pearson interval; so
    it misses the true rate of independent answers with probability at most 1 - confidence. For independent answers of
    unequal rates it is conservative about their mean (Hoeffding 1956).

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
