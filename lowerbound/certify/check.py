"""Check a document from anywhere: a floor, a witness or a transcript.

The kernel judges the numbers. This module adds two checks that need the rest of the package: the model that a floor
names must be the one in the catalogue, and the cache that a witness or a transcript names must still answer as it is
recorded.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lowerbound.certify.design.target import LOGIT_CAP
from lowerbound.certify.replay import facts as replay
from lowerbound.certify.theorems import OTHER_MODELS, THEOREMS, Theorem
from lowerbound.core.models import models
from lowerbound.kernel.document import read_document
from lowerbound.kernel.judge import judge_document
from lowerbound.kernel.verdict import Outcome, Verdict


@dataclass(frozen=True)
class Checked:
    """The verdict on a document, and what the document claims.

    `claim` is the claim of the statement, word for word. For a floor, `bits` is its number of bits (of one head, or in
    models R2 and R3 of everything that is kept), and `proof` says who checked the theorem. Other documents have None.
    """

    verdict: Verdict
    kind: str | None
    claim: Mapping[str, Any]
    bits: int | None
    lemmas: tuple[str, ...]
    proof: str | None
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "verdict": str(self.verdict.outcome),
            "reason": self.verdict.reason,
            "kind": self.kind,
            "bits": self.bits,
            "claim": dict(self.claim),
            "lemmas": list(self.lemmas),
            "proof": self.proof,
            "seconds": self.seconds,
        }


def check(data: bytes) -> Checked:
    """The verdict on a document.

    Contract: never raises. VERIFIED only if the bytes are canonical and sealed by their digest, and the kernel verifies
    the statement. A floor must also be about a model of the catalogue and have that model's maps, sizes and rule. For a
    witness, the cache must also give the recorded answer again in a fresh process; for a transcript, it must play the
    same game again with the same message and answers, and where it cannot be played the word stays CONSISTENT.
    """
    start = time.perf_counter()
    statement, verdict = judge_document(data)
    kind, claim = statement.get("kind"), statement.get("claim")
    claim = claim if isinstance(claim, dict) else {}
    theorem: Theorem | None = None
    if verdict.outcome is Outcome.VERIFIED and kind in {one.rule for one in THEOREMS.values()}:
        theorem = THEOREMS[claim["theorem"]]
    if verdict.outcome is Outcome.VERIFIED and kind in OTHER_MODELS:
        theorem = OTHER_MODELS[str(kind)]
    if theorem is not None:
        elsewhere = theorem.rule in OTHER_MODELS
        strangeness = replay.strange_model(theorem.rule, claim) if elsewhere else _strange_model(claim)
        if strangeness is not None:
            verdict, theorem = Verdict(Outcome.REJECTED, strangeness), None
    if verdict.outcome is Outcome.VERIFIED and kind == "witness":
        from lowerbound.certify.witness import rerun

        verdict = rerun(data)
    if verdict.outcome is Outcome.CONSISTENT and kind == "transcript":
        from lowerbound.certify.transcript import replayed

        verdict = replayed(claim, read_document(data)[1]["payload"])
    return Checked(
        verdict=verdict,
        kind=kind if isinstance(kind, str) else None,
        claim=claim,
        bits=None if theorem is None else _bits(str(kind), claim),
        lemmas=() if theorem is None else theorem.lemmas,
        proof=None if theorem is None else theorem.proof,
        seconds=time.perf_counter() - start,
    )


def _bits(kind: str, claim: Mapping[str, Any]) -> int:
    return replay.bits_of(kind, claim) if kind in OTHER_MODELS else int(claim["bits"])


def _strange_model(claim: Mapping[str, Any]) -> str | None:
    """A sentence on how the claim differs from the catalogue's model of that name; None if they agree."""
    for model in models():
        if model.name != claim["model"]:
            continue
        schedule = model.visible_schedule
        ours = {
            "maps": [list(shape) for shape in schedule.shapes],
            "context": schedule.n_context,
            "d": model.head_dim,
            "rule": model.rule,
        }
        for name, value in ours.items():
            if claim[name] != value:
                return f"{model.name} has the {name} {value}, and the claim speaks of {claim[name]}"
        if Fraction(claim["multiplier"]) > LOGIT_CAP:
            return f"logits are at most {LOGIT_CAP} in every floor, and the claim speaks of {claim['multiplier']}"
        return None
    return f"{claim['model']!r} is not a model of the catalogue"
