"""Certified floors: designed in floating point, stated exactly, and called floors once the kernel has verified them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lowerbound.certify.design.target import LOGIT_CAP as LOGIT_CAP
from lowerbound.certify.design.target import Design, Target
from lowerbound.certify.sealed import Sealed, sealed
from lowerbound.certify.theorems import PROVED, THEOREMS, Status, Theorem
from lowerbound.core.geometry import HasGeometry
from lowerbound.core.grid import Guarantee
from lowerbound.core.models import find_geometry
from lowerbound.core.scalars import Rational, rational
from lowerbound.errors import Undecided, invalid, unknown

MOST_DOUBLINGS = 14


@dataclass(frozen=True)
class Certified:
    """A floor that the kernel has verified.

    Contract: every cache of one head whose answers are within eta (additive for values in [0, 1], relative in
    Theorem A), each with probability 1 - delta, keeps at least `bits` bits.
    """

    theorem: Theorem
    bits: int
    sealed: Sealed

    @property
    def claim(self) -> dict[str, Any]:
        """The claim of the certificate, word for word."""
        claim: dict[str, Any] = self.sealed.statement["claim"]
        return claim

    @property
    def delta(self) -> Fraction:
        """The failure probability of an answer."""
        return Fraction(self.claim["delta"])

    @property
    def lemmas(self) -> tuple[str, ...]:
        """The lemmas in the proof book on which this floor rests."""
        return self.theorem.lemmas_at(self.delta)

    @property
    def status(self) -> Status:
        """Who checked the proof of this floor."""
        return self.theorem.status(self.delta)

    @property
    def proof(self) -> str:
        """The status in full, as shown beside the number."""
        return self.theorem.proof(self.delta)

    def document(self) -> bytes:
        """The bytes of the certificate's file."""
        return self.sealed.document()


def claim_of(theorem: Theorem, target: Target, bits: int) -> dict[str, Any]:
    """The claim of a certificate: by this theorem, every cache of the target's head keeps at least `bits` bits."""
    place = target.geometry
    return {
        "theorem": theorem.name,
        "lemmas": list(theorem.lemmas_at(target.delta)),
        "computation_model": "R1",
        "model": place.name,
        "maps": [list(shape) for shape in place.schedule.shapes],
        "context": place.schedule.n_context,
        "d": place.d,
        "rule": place.rule_name,
        "multiplier": str(target.multiplier),
        "guarantee": theorem.guarantee,
        "eta": str(target.eta),
        "delta": str(target.delta),
        "bits": bits,
    }


def certificate_of(theorem: Theorem, target: Target, proposal: Design) -> Certified:
    """The certificate of a proposal, with nearly the largest number of bits that the kernel verifies.

    Contract: the kernel's verdict on the result is VERIFIED. A proposal that the kernel rejects even for 0 bits raises
    Undecided with the kernel's reason. The proposed number of bits comes from floating point and may be slightly too
    large, so numbers that are smaller by 1, 2, 4, ... are tried as well.
    """
    asked = int(proposal.bits)
    smaller = (asked - 2**k for k in range(MOST_DOUBLINGS) if asked > 2**k)
    what, reason = f"the design of theorem {theorem.name} for {target.geometry.name}", "it forces no whole bit"
    for bits in (asked, 0, *smaller):
        claim = claim_of(theorem, target, bits) | proposal.claim
        found = sealed(f"{target.geometry.name}: theorem {theorem.name}", theorem.rule, claim, proposal.payload)
        if found.is_verified and bits:
            return Certified(theorem, bits, found)
        if not found.is_verified and not bits:
            reason = found.verdict.reason
            break
    raise Undecided(f"{what} is not verified: {reason}")


def certified(place: HasGeometry | str, *, eta: Rational, delta: Rational, theorem: str) -> Certified | None:
    """The best certificate of one theorem for a head, or None if the theorem forces no bit at this error.

    Contract: the kernel's verdict on the result is VERIFIED. A proposal that the kernel rejects raises Undecided with
    the reason; an unknown theorem or model raises UnknownName.

    Parameters
    ----------
    place : a model of the catalogue, its name, or a geometry
    """
    if theorem not in THEOREMS:
        raise unknown("theorem", theorem, THEOREMS)
    return _certified(theorem, target_of(place, eta=eta, delta=delta))


@lru_cache(maxsize=64)
def _certified(theorem: str, target: Target) -> Certified | None:
    proposal = THEOREMS[theorem].design(target)
    return None if proposal is None else certificate_of(THEOREMS[theorem], target, proposal)


def target_of(place: HasGeometry | str, *, eta: Rational, delta: Rational) -> Target:
    """The target of a floor for a head, with exact errors and the head's largest |logit|.

    Contract: eta outside [0, 1) or delta outside [0, 1/2] raise InvalidArgument.
    """
    error, failure = rational(eta, name="eta"), rational(delta, name="delta")
    if not 0 <= error < 1:
        raise invalid("eta", "lie in [0, 1)", str(eta), nearest="0" if error < 0 else None)
    if not 0 <= failure <= Fraction(1, 2):
        raise invalid("delta", "lie in [0, 1/2]", str(delta), nearest="0.49" if failure > 0 else "0")
    head = find_geometry(place)
    return Target(head, error, failure, head.largest_logit)


def tried(
    target: Target, statuses: Iterable[Status], guarantee: Guarantee = "additive"
) -> dict[str, Certified | Undecided]:
    """Certificates of the theorems of these statuses, from the most bits proposed down to where no more are to be had.

    Contract: the floor with the most bits is among them: no certificate has more bits than its proposal. A theorem
    whose proposal is not verified is there with the reason, and the next is tried.
    """
    allowed, most = set(statuses), 0
    proposals = [
        (design.bits, name)
        for name, theorem in THEOREMS.items()
        if theorem.guarantee == guarantee
        and theorem.status(target.delta) in allowed
        and (design := theorem.design(target)) is not None
    ]
    found: dict[str, Certified | Undecided] = {}
    for bits, name in sorted(proposals, reverse=True):
        if int(bits) <= most:
            break
        try:
            one = _certified(name, target)
        except Undecided as undecided:
            found[name] = undecided
        else:
            assert one is not None  # its theorem has a design
            found[name], most = one, max(most, one.bits)
    return found


def strongest(
    place: HasGeometry | str,
    *,
    eta: Rational,
    delta: Rational,
    statuses: Iterable[Status] = PROVED,
    guarantee: Guarantee = "additive",
) -> Certified | None:
    """The certificate with the most bits among theorems of these statuses, or None if none of them forces a bit.

    Contract: where every proposal is rejected, Undecided is raised with the reason of the one with the most bits.
    """
    found = tried(target_of(place, eta=eta, delta=delta), statuses, guarantee)
    certificates = [one for one in found.values() if isinstance(one, Certified)]
    if certificates:
        return max(certificates, key=lambda one: one.bits)
    for undecided in found.values():
        assert isinstance(undecided, Undecided)
        raise undecided
    return None
