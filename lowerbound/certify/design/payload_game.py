"""The game in which keys and values both carry secrets, on the strongest design that explicit addresses give."""

from __future__ import annotations

from lowerbound.certify.design.addresses import books
from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.family import Keys
from lowerbound.core.reading import Kind
from lowerbound.core.scalars import Rational
from lowerbound.game.payload_plan import plan_payload
from lowerbound.game.payload_reduction import PayloadReduction


def payload_game(
    place: Geometry, kind: Kind, *, eta: Rational, multiplier: Rational | None = None, seed: int = 0
) -> PayloadReduction:
    """The game of Theorem C ("C", one read per symbol) or C' ("C'", read until sure) for a head and an additive error.

    Contract: errors as `plan_payload`.
    """
    known = [(Keys(book.family.name, book.rows), book.coherence) for book in books(place.n_tokens_cached)]
    return PayloadReduction(plan_payload(place, eta=eta, kind=kind, multiplier=multiplier, addresses=known), seed)
