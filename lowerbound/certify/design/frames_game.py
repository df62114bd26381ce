"""The game of Theorem F' on the strongest design that the search finds for a head."""

from __future__ import annotations

from fractions import Fraction

from lowerbound.certify.design.frames import frames_by_classes_design
from lowerbound.certify.design.target import NoInstance, Target, instance_of
from lowerbound.core.geometry import Geometry
from lowerbound.core.scalars import Rational, rational
from lowerbound.errors import ImpossibleReduction, invalid
from lowerbound.game.frames import FramesDesign
from lowerbound.game.frames_reduction import FramesReduction, frames_rounding


def frames_game(
    place: Geometry, *, eta: Rational, multiplier: Rational | None = None, seed: int = 0
) -> FramesReduction:
    """The game of Theorem F' at delta = 0 for a head and an additive error.

    Contract: eta outside [0, 1/2), or a head without a design at eta, raises ImpossibleReduction; lambda <= 0 raises
    InvalidArgument. The letters stay apart when float64 answers are off by another `frames_rounding`.
    """
    error = rational(eta, name="eta")
    chosen = place.largest_logit if multiplier is None else rational(multiplier, name="lambda")
    if chosen <= 0:
        raise invalid("lambda", "be > 0", str(chosen), nearest=str(place.largest_logit))
    if not 0 <= error < Fraction(1, 2):
        raise ImpossibleReduction(f"eta must lie in [0, 1/2), got {error}; the nearest possible value is below 1/2")
    head = Target(place, error + frames_rounding(place, chosen), Fraction(0), chosen)
    try:
        found = instance_of(frames_by_classes_design, head)
    except NoInstance as refused:
        raise ImpossibleReduction(
            f"frames must exist for T = {head.n_tokens} in R^{head.d}, with letters and values that can be told "
            f"apart at eta = {error} and lambda = {chosen}, got none, as {refused}; the nearest possible eta is "
            "smaller, or d larger"
        ) from None
    return FramesReduction(FramesDesign(place, found.payload, chosen, error), seed)
