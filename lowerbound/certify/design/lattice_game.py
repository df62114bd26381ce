"""The game of lattice keys, on the strongest instance of Theorem E1."""

from __future__ import annotations

from fractions import Fraction

from lowerbound.certify.design.lattice_cliques import lattice_clique_design
from lowerbound.certify.design.target import NoInstance, Target, instance_of
from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import MOST_LEVELS
from lowerbound.core.scalars import Rational, plainly, rational
from lowerbound.errors import ImpossibleReduction
from lowerbound.game.lattice_pairs import MOST_STEPS, LatticePairs

OUTSIDE = Fraction(1001, 1000)
"""Two keys of a pair are so many times as far apart as any two keys of a clique may be."""


def lattice_game(place: Geometry, *, eta: Rational, multiplier: Rational | None = None, seed: int = 0) -> LatticePairs:
    """The game of Theorem E1 for a head and an additive error, at the parameters that force the most bits.

    Contract: raises ImpossibleReduction if the theorem has no instance there, or if float64 attention is too coarse to
    play it. Values have at most 4096 levels, where the theorem may count more.
    """
    error = rational(eta, name="eta")
    chosen = place.largest_logit if multiplier is None else rational(multiplier, name="lambda")
    try:
        told = instance_of(lattice_clique_design, Target(place, error, Fraction(0), chosen)).payload
    except NoInstance as refused:
        raise ImpossibleReduction(
            f"lattice keys must be told apart at eta {plainly(error)} with lambda {float(chosen):g}: Theorem E1 has no "
            f"instance for T = {place.n_tokens_cached} in R^{place.d} there, as {refused}; the nearest possible eta is "
            "smaller"
        ) from None
    return LatticePairs(
        geometry=place,
        eta=error,
        coherence=Fraction(told["mu"]),
        tilt=Fraction(told["tilt"]),
        distance=OUTSIDE * Fraction(*told["diameter"]),
        steps=min(told["steps"], MOST_STEPS),
        n_levels_values=min(told["levels"], MOST_LEVELS),
        multiplier=chosen,
        seed=seed,
    )
