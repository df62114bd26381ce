"""How many unit keys of a given coherence fit in R^d: a lower bound by constructions, and a certified upper bound."""

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
from lowerbound.core.keys.golay import LeechRoots, LeechSection
from lowerbound.core.keys.shells import E7DualShell, E8Roots, E8Shell, E8ThirdShell
from lowerbound.core.scalars import Rational, ball, lower_fraction, precision, rational, upper_fraction
from lowerbound.errors import Undecided, invalid

FAMILIES: tuple[KeyFamily, ...] = (
    *KEY_FAMILIES,
    *(E7DualShell(), E8Roots(), E8Shell(), E8ThirdShell(), LeechSection(), LeechRoots()),
)
"""The families of keys that floors use, and the short vectors of lattices."""


@dataclass(frozen=True)
class Room:
    """Bounds on the largest number of unit keys of R^d whose inner products are at most `coherence`.

    Contract: `at_least` keys exist, and `made_by` names the reason: a family, "caps" (`covering_keys`), "greedy"
    (`greedy_keys`), "orthoplex" or "simplex". No more than `at_most` keys exist, and `document` is the certificate of
    that; both are None where nothing is certified.
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
    """floor(exp(d mu^2 / 2)) + 1 unit keys exist: one more fits beside any n < exp(d mu^2 / 2) (lemma greedy_keys)."""
    if coherence <= 0:
        return 1
    with precision(256):
        return floor(lower_fraction(ball(d * coherence * coherence / 2).exp())) + 1


def covering_keys(d: int, coherence: Fraction) -> int:
    """A number of unit keys of that coherence that exist, by the volume of caps.

    Contract: a set of n keys to which none can be added exists, and its caps {x : <k, x> > mu} cover the sphere. So
    n s >= 1, where s is the measure of a cap; the result is 1 / s, rounded up.
    """
    if coherence < 0:
        return 1
    with precision(256 + 2 * coherence.denominator.bit_length()):  # so that 1 - mu^2 is not mistaken for 1
        return ceil(lower_fraction(1 / _cap(d, 1 - coherence * coherence)))


def packed_keys(d: int, coherence: Fraction) -> int:
    """An upper bound on the number of unit keys of that coherence, by the volume of caps.

    Contract: for a coherence mu in [-1, 1), no more unit keys exist than caps of half the angle arccos(mu) can have
    room on the sphere without overlap. The squared sine of half the angle is (1 - mu) / 2.
    """
    with precision(256):
        return floor(upper_fraction(1 / _cap(d, (1 - coherence) / 2)))


def _cap(d: int, squared_sine: Fraction) -> arb:
    """The measure of a cap of angle <= pi / 2: half the CDF of Beta((d - 1) / 2, 1/2) at its squared sine."""
    return ball(squared_sine).beta_lower(arb(d - 1) / 2, arb(1) / 2, True) / 2


def room(d: int, coherence: Rational) -> Room:
    """Bounds on the number of unit keys of R^d of one coherence, from below and above.

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
    """Bounds on the least coherence of n unit keys of R^d.

    Contract: `made` is the exact coherence, or a proved bound on it, of keys of the family `made_by`. No n unit vectors
    have inner products of at most `impossible`, by a certificate; None where nothing is certified.
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
    """Bounds on the least coherence of n unit keys of R^d; the certified lower one is a multiple of 1/256."""
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
    """The smallest coherence at which n unit keys of R^d are known to exist, and the reason: a family, or "caps".

    Contract: a proved bound. By caps (`covering_keys`) it is a multiple of 2^-24, and 1 if no smaller one suffices.
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
