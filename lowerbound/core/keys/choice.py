"""The choice of a key family: among the certified families with enough keys, the one of smallest coherence."""

from __future__ import annotations

from functools import lru_cache

from lowerbound.core.geometry import HasGeometry
from lowerbound.core.keys.family import KeyFamily, Keys
from lowerbound.core.keys.kerdock import Kerdock
from lowerbound.core.keys.orthoplex import Orthoplex
from lowerbound.core.keys.random import GaussianJL, GreedySigns, RandomSigns
from lowerbound.core.keys.steiner import Steiner
from lowerbound.core.keys.trace import Kasami, Trace2, Trace3
from lowerbound.errors import ImpossibleReduction, unknown

KEY_FAMILIES: tuple[KeyFamily, ...] = (
    Orthoplex(),
    Kerdock(),
    Trace2(),
    Kasami(),
    Trace3(),
    Steiner(),
    GreedySigns(),
    RandomSigns(),
    GaussianJL(),
)
"""All key families. Those with a proved coherence bound (certified families) come first."""


def find_family(name: str) -> KeyFamily:
    """The family called `name`; UnknownName otherwise."""
    for family in KEY_FAMILIES:
        if family.name == name:
            return family
    raise unknown("key family", name, (family.name for family in KEY_FAMILIES))


@lru_cache(maxsize=4)
def made_keys(name: str, n: int, d: int, seed: int) -> Keys:
    """n keys in R^d of the family called `name`, drawn with the public coins of `seed`, as read-only rows.

    Alice, Bob and the judge each compute the same keys from these arguments.
    """
    keys = find_family(name).keys(n, d, seed=seed)
    keys.rows.setflags(write=False)
    return keys


@lru_cache
def best_family(n: int, d: int) -> KeyFamily:
    """The family with the smallest proved coherence bound among those that contain n keys in R^d.

    Contract: returns a certified family if one is large enough, else the greedy signs if n <= 2^min(d, 31). Otherwise
    it raises ImpossibleReduction, whose message gives a possible d and a possible number of tokens.
    """
    certified = [
        (bound, place, family)
        for place, family in enumerate(KEY_FAMILIES)
        if family.capacity(d) >= n and (bound := family.coherence_bound(n, d)) is not None
    ]
    if certified:
        return min(certified, key=lambda choice: choice[:2])[2]
    greedy = find_family("greedy")
    if n <= greedy.capacity(d):
        return greedy
    proved = (family.capacity(d) for family in KEY_FAMILIES if family.coherence_bound(n, d) is not None)
    most = max(greedy.capacity(d), *proved)
    raise ImpossibleReduction(
        f"{n} tokens need {n} separated keys, and no family has more than {most} in R^{d}; "
        f"the nearest possible head dimension is {max(1, (n - 1).bit_length())}, "
        f"the nearest possible number of tokens {most}"
    )


def keys_for(place: HasGeometry | str, *, seed: int = 0) -> Keys:
    """Keys for every token that the last scale of a head attends to, including the tokens of the last scale.

    Contract: one key in R^d for each token, from `best_family`; an unknown model raises UnknownName.

    Parameters
    ----------
    place : a model of the catalogues, its name, or a geometry
    """
    from lowerbound.core.models import find_geometry  # the catalogues: a party, which knows its head, needs none

    head = find_geometry(place)
    return best_family(head.n_tokens, head.d).keys(head.n_tokens, head.d, seed=seed)
