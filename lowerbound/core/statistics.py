"""The exact confidence interval of an error rate, rounded outwards."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from flint import arb

from lowerbound.core.scalars import ball, certainly_less, precision
from lowerbound.errors import invalid

CONFIDENCE = 1 - Fraction(1, 10**6)
"""Of every interval printed: a million true statements for one false alarm."""

_STEP_BITS = 40


def _upper_tail(p: Fraction, count: int, trials: int) -> arb:
    """P[Bin(trials, p) >= count]. In Arb's regularised incomplete beta function, self is the argument p."""
    return ball(p).beta_lower(ball(count), ball(trials - count + 1), regularized=1)


def clopper_pearson(
    errors: int, trials: int, *, confidence: Fraction = CONFIDENCE
) -> tuple[Fraction, Fraction]:
    """The interval of error rates that `errors` wrong answers in `trials` do not refute.

    Contract: for 0 <= errors <= trials, trials >= 1, the interval contains the Clopper-Pearson interval and exceeds
    it by at most 2^-40 an end; so it misses the true rate of independent answers with probability at most
    1 - confidence. For independent answers of unequal rates it is conservative about their mean (Hoeffding 1956).

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
    grid = 2**_STEP_BITS

    def first_not(refuted: Callable[[Fraction], bool]) -> int:
        """The least step that is not certainly refuted; steps below it are, by monotony."""
        low, high = 0, grid
        while low < high:
            middle = (low + high) // 2
            if refuted(Fraction(middle, grid)):
                low = middle + 1
            else:
                high = middle
        return low

    with precision(128):
        low, high = Fraction(0), Fraction(1)
        if errors:
            too_low = first_not(lambda p: certainly_less(_upper_tail(p, errors, trials), ball(tail)) is True)
            low = Fraction(max(0, too_low - 1), grid)
        if errors < trials:
            wrong = trials - errors
            too_high = first_not(lambda p: certainly_less(_upper_tail(p, wrong, trials), ball(tail)) is True)
            high = 1 - Fraction(max(0, too_high - 1), grid)
        return low, high
