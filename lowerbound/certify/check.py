"""Check a document from anywhere: a floor, a witness or a transcript.

The kernel judges the numbers. This module adds two checks that need the rest of the package: the model that a floor
names must be the one in the catalogue, and the cache that a witness or a transcript names must still answer as it is
recorded.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from lowerbound.certify.checked import Checked
from lowerbound.certify.given_keys import strange_keys
from lowerbound.certify.replay import facts as replay
from lowerbound.certify.theorems import ON_GIVEN_KEYS, OTHER_MODELS, THEOREMS, Theorem
from lowerbound.core.decoder import called, own_name
from lowerbound.core.models import decoders, models
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.kernel.document import read_document
from lowerbound.kernel.judge import judge_document
from lowerbound.kernel.verdict import Outcome, Verdict


def check(data: bytes) -> Checked:
    """The verdict on a document.

    Contract: never raises. VERIFIED only if the bytes are canonical and sealed by their digest, and the kernel verifies
    the statement. A floor must also be about a model of the catalogue and have that model's maps, sizes and rule, or be
    about given keys and called by them. For a
    witness, the cache must also give the recorded answer again in a fresh process; for a transcript, it must play the
    same game again with the same message and answers, and where it cannot be played the word stays CONSISTENT.
    """
    start = time.perf_counter()
    return compared(data, *judge_document(data), start)


def compared(data: bytes, statement: Mapping[str, Any], verdict: Verdict, start: float) -> Checked:
    """The verdict on a document on which this is the kernel's, judged since `start` of `perf_counter`."""
    kind, claim = statement.get("kind"), statement.get("claim")
    claim = claim if isinstance(claim, dict) else {}
    theorem: Theorem | None = None
    if verdict.outcome is Outcome.VERIFIED and kind in {one.rule for one in THEOREMS.values()}:
        theorem = THEOREMS[claim["theorem"]]
    if verdict.outcome is Outcome.VERIFIED and kind in OTHER_MODELS:
        theorem = OTHER_MODELS[str(kind)]
    if verdict.outcome is Outcome.VERIFIED and kind == ON_GIVEN_KEYS.rule:
        theorem = ON_GIVEN_KEYS
    if theorem is not None:
        strangeness = _strangeness(theorem, claim)
        if strangeness is not None:
            verdict, theorem = Verdict(Outcome.REJECTED, strangeness), None
    if verdict.outcome is Outcome.VERIFIED and kind == "witness":
        from lowerbound.certify.witness import rerun

        verdict = rerun(data)
    if verdict.outcome is Outcome.CONSISTENT and kind == "transcript":
        from lowerbound.certify.transcript import replayed

        verdict = replayed(claim, read_document(data)[1]["payload"])
    found = Checked.of(statement, verdict, time.perf_counter() - start)
    if theorem is None:
        return found
    delta = Fraction(claim.get("delta", 0))
    return replace(found, bits=_bits(str(kind), claim), lemmas=theorem.lemmas_at(delta), proof=theorem.proof(delta))


def _strangeness(theorem: Theorem, claim: Mapping[str, Any]) -> str | None:
    """A sentence on how what the claim names differs from what there is under that name; None if they agree."""
    if theorem.rule in OTHER_MODELS:
        return replay.strange_model(theorem.rule, claim)
    return strange_keys(claim) if theorem is ON_GIVEN_KEYS else _strange_model(claim)


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
        return None
    return _strange_head(claim)


def _strange_head(claim: Mapping[str, Any]) -> str | None:
    """The same for one head: of a language model of the catalogue, or of nobody's model, called by its size."""
    schedule = ScaleSchedule(tuple(tuple(shape) for shape in claim["maps"]), claim["context"])
    known = next((one for one in decoders() if called(one.name, schedule.n_tokens_cached) == claim["model"]), None)
    if known is not None:
        for name, value in (("d", known.head_dim), ("rule", known.rule)):
            if claim[name] != value:
                return f"{known.name} has the {name} {value}, and the claim speaks of {claim[name]}"
        return None
    if claim["model"] == called(own_name(claim["d"]), schedule.n_tokens_cached):
        return None
    return f"{claim['model']!r} is not a model of the catalogue"
