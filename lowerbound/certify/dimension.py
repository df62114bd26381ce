"""How many keys of a coherence a dimension holds, from both sides: families that exist, and a certified upper bound."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

from flint import arb

from lowerbound.certify.design.delsarte import delsarte, levenshtein
from lowerbound.certify.sealed import sealed
from lowerbound.core.keys.choice import KEY_FAMILIES, best_family
from lowerbound.core.keys.family import KeyFamily
from lowerbound.core.keys.shells import E7DualShell, E8Roots, E8Shell, E8ThirdShell, LeechRoots, LeechSection
from lowerbound.core.scalars import Rational, ball, lower_fraction, precision, rational, upper_fraction
from lowerbound.errors import Undecided, invalid

FAMILIES: tuple[KeyFamily, ...] = (
    *KEY_FAMILIES,
    *(E7DualShell(), E8Roots(), E8Shell(), E8ThirdShell(), LeechSection(), LeechRoots()),
)
"""Families of keys, and short vectors of lattices."""


@dataclass(frozen=True)
class Room:
    """What a dimension holds at a coherence.

    Contract: so many keys exist: `at_least` by the family `made_by`, by caps that cover, or by the greedy choice of
    signs (`greedy_keys`); and no more than `at_most`, or None where nothing is certified. `document` is the certificate
    of that.
    """

    d: int
    coherence: Fraction
    at_least: int
    made_by: str
    greedy: int
    at_most: int | None
    reason: str
    document: bytes | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "d": self.d,
            "coherence": str(self.coherence),
            "at_least": self.at_least,
            "made_by": self.made_by,
            "greedy": self.greedy,
            "at_most": self.at_most,
            "reason": self.reason,
        }


def greedy_keys(d: int, coherence: Fraction) -> int:
    """floor(exp(d mu^2 / 2)) + 1 unit keys exist: while n - 1 < exp(d mu^2 / 2) one more fits (lemma greedy_keys)."""
    if coherence <= 0:
        return 1
    with precision(256):
        return floor(lower_fraction(ball(d * coherence * coherence / 2).exp())) + 1


def covering_keys(d: int, coherence: Fraction) -> int:
    """The least number of caps around keys that cover the sphere: where no key can be added, they do.

    Contract: so many unit keys of that coherence exist, as caps {x : <k, x> > mu} of measure s cover only if n s >= 1.
    """
    if coherence < 0:
        return 1
    with precision(256):
        return ceil(lower_fraction(1 / _cap(d, 1 - coherence * coherence)))


def packed_keys(d: int, coherence: Fraction) -> int:
    """The largest number of caps of half the angle that do not overlap, by their measure.

    Contract: no more unit keys of that coherence, in [-1, 1), exist; half the angle has the squared sine (1 - mu) / 2.
    """
    with precision(256):
        return floor(upper_fraction(1 / _cap(d, (1 - coherence) / 2)))


def _cap(d: int, squared_sine: Fraction) -> arb:
    """The measure of a cap of at most a right angle: half of what Beta((d - 1) / 2, 1/2) has below the squared sine."""
    return ball(squared_sine).beta_lower(arb(d - 1) / 2, arb(1) / 2, True) / 2


def room(d: int, coherence: Rational) -> Room:
    """Both sides for one dimension and one coherence.

    Contract: as `Room`; a coherence outside [-1, 1) or a dimension below 2 raise InvalidArgument.
    """
    mu = rational(coherence, name="coherence")
    if not -1 <= mu < 1:
        raise invalid("coherence", "lie in [-1, 1)", str(coherence))
    if isinstance(d, bool) or not isinstance(d, int) or d < 2:
        raise invalid("d", "be an integer >= 2", d, nearest=2)
    greedy = greedy_keys(d, mu)
    found = [(greedy, "greedy"), (covering_keys(d, mu), "caps")]
    for family in FAMILIES:
        capacity = family.capacity(d)
        bound = family.coherence_bound(capacity, d) if capacity else None
        if bound is not None and bound <= mu:
            found.append((capacity, family.name))
    if mu >= 0:
        found.append((2 * d, "orthoplex"))
    else:
        found.append((min(d + 1, floor(1 - 1 / mu)), "simplex"))
    at_least, made_by = max(found)
    try:
        dual = delsarte(d, mu)
    except Undecided as nothing:
        return Room(d, mu, at_least, made_by, greedy, None, str(nothing), None)
    upper = sealed(f"keys of coherence {mu} in R^{d}", "keys_at_most", dual.claim(), dual.payload())
    if not upper.is_verified:
        return Room(d, mu, at_least, made_by, greedy, None, upper.verdict.reason, None)
    return Room(d, mu, at_least, made_by, greedy, dual.most, upper.verdict.reason, upper.document())


@dataclass(frozen=True)
class Needed:
    """The coherence that n keys in a dimension have: of the best keys that are made here, and what is certainly less.

    Contract: no n unit vectors have inner products of at most `impossible`, by a certificate; `made` is exact.
    """

    n: int
    d: int
    made: Fraction
    made_by: str
    impossible: Fraction | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        impossible = None if self.impossible is None else str(self.impossible)
        return {"n": self.n, "d": self.d, "made": str(self.made), "made_by": self.made_by, "impossible": impossible}


def needed(n: int, d: int) -> Needed:
    """Both sides of the coherence of n keys, the certified one to a multiple of 1/256."""
    family = best_family(n, d)
    bound = family.coherence_bound(n, d)
    made = family.keys(n, d).coherence if bound is None else bound
    return Needed(n, d, made, family.name, impossible(n, d))


def impossible(n: int, d: int) -> Fraction | None:
    """The largest multiple of 1/256 at which fewer than n unit keys of R^d are certified to fit; None below 0."""
    low, high = -1, STEPS
    while high - low > 1:
        middle = (low + high) // 2
        dual = levenshtein(d, Fraction(middle, STEPS))
        low, high = (middle, high) if dual is not None and dual.most < n else (low, middle)
    if low < 0:
        return None
    most = room(d, Fraction(low, STEPS)).at_most
    return Fraction(low, STEPS) if most is not None and most < n else None


def least_coherence(n: int, d: int) -> tuple[Fraction, str]:
    """The smallest coherence of n keys of R^d that are known to exist, and by what: a family, or caps that cover.

    Contract: a proved bound; that of caps is a multiple of 2^-24, and 1 where not even that is enough.
    """
    low, high = 0, FINE_STEPS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if covering_keys(d, Fraction(middle, FINE_STEPS)) >= n else (middle, high)
    found = [(Fraction(high, FINE_STEPS), "caps")]
    for family in FAMILIES:
        bound = family.coherence_bound(n, d) if family.capacity(d) >= n else None
        if bound is not None:
            found.append((bound, family.name))
    return min(found)


STEPS = 256
FINE_STEPS = 2**24
