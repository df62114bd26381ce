"""Floors of models: designed, certified, judged, and told with the checker of each theorem.

A certificate is a claim and a payload for the kernel; nothing is called a floor before the kernel has verified it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lowerbound.certify.design.head import Design, Head
from lowerbound.certify.design.table import design
from lowerbound.certify.theorems import ALL_PROOFS, CHECKED, THEOREMS, Proof, Theorem
from lowerbound.core.models import Model
from lowerbound.core.rules import MULTIPLIER_CAP
from lowerbound.core.scalars import Rational, rational
from lowerbound.errors import Undecided, unknown
from lowerbound.game.floor import floor as values_floor
from lowerbound.kernel.codec import digest
from lowerbound.kernel.document import write_document
from lowerbound.kernel.judge import judge
from lowerbound.kernel.verdict import Outcome

LOGIT_CAP = MULTIPLIER_CAP
"""The largest |logit| that queries may ask of unit keys, also where a model's own rule caps nothing."""


@dataclass(frozen=True)
class Certified:
    """A floor that the kernel has verified.

    Contract: `bits` are forced on every cache of one head whose answers are within eta, additively for values in
    [0, 1] (relatively for Theorem A), each with probability 1 - delta.
    """

    theorem: Theorem
    bits: int
    statement: dict[str, Any]
    certificate: dict[str, Any]

    def document(self) -> bytes:
        """The file of this floor."""
        return write_document(self.statement, self.certificate)


def head_of(model: Model, *, eta: Fraction, delta: Fraction) -> Head:
    """One head of a model, with the scales that its last scale sees."""
    schedule = model.visible_schedule
    cached = schedule.n_tokens_cached
    return Head(cached, schedule.n_tokens - cached, model.head_dim, LOGIT_CAP, eta, delta)


def claim_of(model: Model, head: Head, theorem: Theorem, bits: int) -> dict[str, Any]:
    """What a certificate of this floor claims."""
    return {
        "theorem": theorem.name,
        "lemmas": list(theorem.lemmas),
        "computation_model": "R1",
        "model": model.name,
        "maps": [list(shape) for shape in model.visible_schedule.shapes],
        "context": model.visible_schedule.n_context,
        "d": head.d,
        "rule": model.rule,
        "multiplier": str(head.multiplier),
        "guarantee": "relative" if theorem.name == "A" else "additive",
        "eta": str(head.eta),
        "delta": str(head.delta),
        "bits": bits,
    }


def certified(model: Model, *, eta: Rational, delta: Rational, theorem: str) -> Certified | None:
    """The best certificate of one theorem for a model, or None where the theorem says nothing at this error.

    Contract: what is returned is VERIFIED by the kernel; a proposal that it rejects raises Undecided, with the reason.
    """
    if theorem not in THEOREMS:
        raise unknown("theorem", theorem, THEOREMS)
    return _certified(model.name, model, rational(eta, name="eta"), rational(delta, name="delta"), theorem)


def certificate_of(model: Model, head: Head, proposal: Design) -> Certified:
    """The certificate of a proposal, with about the most bits that the kernel verifies.

    Contract: as `certified`. The proposed bits come from floating point, so that they may be too many by a few: then 1,
    2, 4, ... fewer are tried, unless not even 0 bits are verified.
    """
    theorem = THEOREMS[proposal.theorem]
    reason = ""
    for bits in (int(proposal.bits), 0, *(int(proposal.bits) - 2**k for k in range(MOST_DOUBLINGS))):
        statement = {
            "id": f"{model.name}: theorem {theorem.name}",
            "kind": proposal.kind,
            "claim": claim_of(model, head, theorem, max(0, bits)),
        }
        certificate = {"kind": proposal.kind, "proves": digest(statement), "payload": proposal.payload}
        verdict = judge(json.dumps(statement).encode(), json.dumps(certificate).encode())
        if verdict.outcome is Outcome.VERIFIED and bits:
            return Certified(theorem, bits, statement, certificate)
        if verdict.outcome is not Outcome.VERIFIED and not bits:
            reason = verdict.reason
            break
    raise Undecided(f"the design of theorem {theorem.name} for {model.name} is not verified: {reason}")


MOST_DOUBLINGS = 14


@lru_cache(maxsize=64)
def _certified(_: str, model: Model, eta: Fraction, delta: Fraction, theorem: str) -> Certified | None:
    head = head_of(model, eta=eta, delta=delta)
    proposal = design(theorem, head)
    return None if proposal is None else certificate_of(model, head, proposal)


def strongest(
    model: Model, *, eta: Rational, delta: Rational, proofs: Sequence[Proof] = ALL_PROOFS
) -> Certified | None:
    """The certificate with the most bits among theorems that are proved so, additive error, or None."""
    names = [name for name, theorem in THEOREMS.items() if name != "A" and theorem.proof in proofs]
    head = head_of(model, eta=rational(eta, name="eta"), delta=rational(delta, name="delta"))
    proposals = [(found.bits, name) for name in names if (found := design(name, head)) is not None]
    return certified(model, eta=eta, delta=delta, theorem=max(proposals)[1]) if proposals else None


def floor(model: Model, *, eta: Rational = "0.01", failure_prob: Rational = "0.1") -> dict[str, Any]:
    """The floors of every cache for `model` in computation model R1, and R2's replay ceiling beside them.

    Contract: what `game.floor.floor` tells, and two certified floors a head, additive eta, each with the name of its
    theorem: `keys_and_values_bits`, the most of all machine-checked theorems at this delta, and
    `strongest_proved_bits`, the most of all theorems, with `strongest_proved_by`, who checked that one's proof. None
    where no theorem gives a bit. Errors as there.
    """
    told = values_floor(model, eta=eta, failure_prob=failure_prob)
    terms = {"eta": eta, "delta": failure_prob}
    head, total = told["per_head"], told["total"]
    for key, proofs in (("keys_and_values", CHECKED), ("strongest_proved", ALL_PROOFS)):
        found = strongest(model, proofs=proofs, **terms)
        head[f"{key}_bits"] = None if found is None else found.bits
        head[f"{key}_theorem"] = None if found is None else found.theorem.name
        head[f"{key}_by"] = None if found is None else found.theorem.proof
        head[f"{key}_fraction_of_cache"] = None if found is None else found.bits / model.head_cache_bits
        total[f"{key}_bits"] = None if found is None else found.bits * total["streams"]
    told["logit_cap"] = str(LOGIT_CAP)
    return told
