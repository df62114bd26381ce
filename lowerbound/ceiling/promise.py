"""The error and the largest logit for which a cache with a proved error is built, also if the game names no error."""

from __future__ import annotations

from fractions import Fraction

from lowerbound.core.cache import Public
from lowerbound.core.rules import MULTIPLIER_CAP, L2Norm

DEFAULT_ETA = Fraction(1, 100)
COARSEST_ETA = Fraction(1, 4)


def promise(public: Public) -> tuple[Fraction, Fraction]:
    """The pair (multiplier, eta) that a cache with these public parameters promises.

    Contract: eta is the error of the public grid, but at most 1/4; it is 1/100 if no grid is public or the grid's error
    is 0. The multiplier is that of the rule under L2Norm. Under other rules it is 100, and the promise then holds only
    if scale |q||k| <= 100.
    """
    multiplier = Fraction(public.rule.multiplier) if isinstance(public.rule, L2Norm) else Fraction(MULTIPLIER_CAP)
    eta = public.grid.eta if public.grid and public.grid.eta else DEFAULT_ETA
    return multiplier, min(eta, COARSEST_ETA)
