"""Places to attack: a list of small heads, or one head of a model."""

from __future__ import annotations

from dataclasses import replace

from lowerbound.core.models import find_model
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from lowerbound.game.question import Terms
from lowerbound.game.respondent import Respondent

LADDER = (
    ("1x1 1x1", 1),
    ("1x2 1x1", 2),
    ("1x4 1x1", 1),
    ("1x1 1x4 1x1", 1),
    ("1x8 1x1", 1),
    ("1x4 1x1", 2),
    ("1x4 1x1", 5),
    ("1x8 1x1", 4),
    ("1x8 1x1", 9),
    ("1x16 1x1", 4),
    ("1x16 1x1", 17),
    ("1x1 2x2 4x4 2x2", 16),
)
"""Maps and head dimension, smallest first. The last map is the one whose queries are asked. Some places have d at least
the number of tokens, so that every token can have an axis of its own as its key."""


def ladder(base: Terms) -> list[Terms]:
    """The same terms at each place of LADDER."""
    return [replace(base, schedule=ScaleSchedule.parse(maps), d=d) for maps, d in LADDER]


LARGEST = "var-d16"
"""The model whose head is attacked where every place of LADDER was too small for a cache to lose anything."""


def whole(base: Terms) -> Terms:
    """The same terms on a whole head of LARGEST."""
    head = find_model(LARGEST).geometry
    return replace(base, schedule=head.schedule, d=head.d)


def as_told(cache: Respondent, terms: Terms) -> Terms:
    """These terms; or, for a cache that needs public keys and value levels, the same with those of the hard family.

    Contract: the cache can be made under the returned terms. If it can be made under neither, InvalidArgument says why.
    """
    in_r2 = cache.facts.computation_model != "R1"
    try:
        if not in_r2:
            cache.make(terms)
            return terms
    except InvalidArgument as error:
        return _public(cache, terms, in_r2, error)
    return _public(cache, terms, in_r2, None)


def _public(cache: Respondent, terms: Terms, in_r2: bool, first: InvalidArgument | None) -> Terms:
    told = replace(terms, key_family=terms.reduction.keys.family, network=in_r2)
    try:
        cache.make(told)
    except InvalidArgument as second:
        raise first or second from None
    return told
