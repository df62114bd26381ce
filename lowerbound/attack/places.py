"""Where to attack: small places first, or one head of a model."""

from __future__ import annotations

from dataclasses import replace

from lowerbound.core.cache import Memory
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from lowerbound.game.question import Terms

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
"""Maps and head dimension. The last map holds whoever asks; where d is at least all tokens, each has an axis."""


def ladder(base: Terms) -> list[Terms]:
    """The same terms on ever larger maps."""
    return [replace(base, schedule=ScaleSchedule.parse(maps), d=d) for maps, d in LADDER]


def as_told(cache: type[Memory], terms: Terms) -> Terms:
    """These terms, or, for a cache that can only be made where keys and levels are public, those of the hard family.

    Contract: the cache can be made under the returned terms, or InvalidArgument says why under neither.
    """
    in_r2 = cache.computation_model != "R1"
    try:
        if not in_r2:
            cache(terms.public)
            return terms
    except InvalidArgument as error:
        return _public(cache, terms, in_r2, error)
    return _public(cache, terms, in_r2, None)


def _public(cache: type[Memory], terms: Terms, in_r2: bool, first: InvalidArgument | None) -> Terms:
    told = replace(terms, key_family=terms.reduction.keys.family, network=in_r2)
    try:
        cache(told.public)
    except InvalidArgument as second:
        raise first or second from None
    return told
