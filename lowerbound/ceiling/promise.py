"""What a cache with a proved error promises where a game names no error, and up to which logits."""

from __future__ import annotations

from fractions import Fraction

from lowerbound.core.cache import Public
from lowerbound.core.rules import MULTIPLIER_CAP, L2Norm

DEFAULT_ETA = Fraction(1, 100)
COARSEST_ETA = Fraction(1, 4)


def promise(public: Public) -> tuple[Fraction, Fraction]:
    """(multiplier, eta): what is promised where these things are public.

    Contract: eta is the public grid's error, at most 1/4, and 1/100 where no grid is public; the multiplier is the
    rule's under L2Norm, and under other rules 100, which scale |q||k| must then not exceed.
    """
    multiplier = Fraction(public.rule.multiplier) if isinstance(public.rule, L2Norm) else Fraction(MULTIPLIER_CAP)
    eta = public.grid.eta if public.grid and public.grid.eta else DEFAULT_ETA
    return multiplier, min(eta, COARSEST_ETA)
