"""Witnesses: a violation found by the adversary, as a document that the kernel judges and that anyone can rerun."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.adversary.instance import Instance, Violation, is_fair
from lowerbound.caches.registry import known_caches, target_of
from lowerbound.certify.sealed import sealed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import LowerBoundError, TimeLimitExceeded, Undecided
from lowerbound.game.channel import Isolation, strongest
from lowerbound.game.hearing import heard
from lowerbound.game.question import FloatArray, Terms, TokenRows, exact_float
from lowerbound.kernel.codec import Rejected, canonical
from lowerbound.kernel.document import read_document
from lowerbound.kernel.judge import judge
from lowerbound.kernel.verdict import Outcome, Verdict

Json = Any
PRECISIONS = (128, 256, 512, 1024)
HEARING_S = 120.0


def witness(cache: str, violation: Violation) -> bytes:
    """The document that records a violation: on these tokens, the named cache gives an answer that breaks its promise.

    Contract: the kernel's verdict on it is VERIFIED. Raises Undecided if no precision up to 1024 bits suffices, and
    Rejected if the answer breaks no promise.
    """
    instance = violation.instance
    claim = {"cache": cache, **instance.terms.to_json()}
    for precision in PRECISIONS:
        found = sealed(f"witness against {cache}", "witness", claim, _payload(violation, precision))
        if found.is_verified:
            return found.document()
        if found.verdict.outcome is Outcome.REJECTED:
            raise Rejected(found.verdict.reason)
    raise Undecided(f"the violation is not certain at {PRECISIONS[-1]} bits of precision")


def rerun(
    data: bytes, *, foreign: bool = False, isolation: Isolation | None = None, time_limit_s: float = HEARING_S
) -> Verdict:
    """The verdict on a witness after its cache is asked again in a fresh process.

    Contract: VERIFIED only if the document is intact, the kernel verifies it, and the named cache, given the tokens
    scale by scale through bytes, gives exactly the recorded answer. REJECTED says what differs. UNDECIDED has one of
    three reasons: the kernel's verdict, a time limit, or a cache that is not registered here. A document must not
    choose which code runs, so "package.module:Class" and "exec:COMMAND" are asked only if `foreign` is true. Never
    raises for bad bytes. If keys and levels are public, tokens with other keys or levels are REJECTED, because such a
    cache promises nothing for them.
    """
    try:
        statement, certificate = read_document(data)
        verdict = judge(canonical(statement), canonical(certificate))
        if verdict.outcome is not Outcome.VERIFIED:
            return verdict
        if statement["kind"] != "witness":
            return Verdict(Outcome.REJECTED, f"the document is no witness, but of the kind {statement['kind']}")
        claim = statement["claim"]
        if not foreign and claim["cache"] not in known_caches():
            return Verdict(
                Outcome.UNDECIDED, f"{claim['cache'][:60]!r} is not registered here, and was not asked again"
            )
        return _asked_again(claim, certificate["payload"], isolation or strongest(), time_limit_s)
    except TimeLimitExceeded as error:
        return Verdict(Outcome.UNDECIDED, str(error))
    except LowerBoundError as error:
        return Verdict(Outcome.REJECTED, str(error))


def _asked_again(claim: Json, payload: Json, isolation: Isolation, time_limit_s: float) -> Verdict:
    instance = instance_of(claim, payload)
    if instance.terms.network and instance.terms.key_family is None:
        return Verdict(Outcome.REJECTED, "a public network makes values for public keys, and the claim names no keys")
    if instance.terms.key_family is not None and not is_fair(instance):
        made = "the public network's values, on public keys" if instance.terms.network else "public keys and levels"
        return Verdict(Outcome.REJECTED, f"the tokens must have the {made} that the cache is made for")
    answers = heard(
        target_of(claim["cache"]),
        instance.terms,
        instance.tokens,
        instance.queries[0],
        isolation=isolation,
        time_limit_s=time_limit_s,
    )
    given = float(answers[payload["layer"], payload["head"], payload["coordinate"]])
    recorded = Fraction(payload["answer"])
    if Fraction(given) != recorded:
        return Verdict(
            Outcome.REJECTED, f"the cache, asked again, answers {given!r}, and the witness says {float(recorded)!r}"
        )
    return Verdict(Outcome.VERIFIED, f"{claim['cache']}, asked again, answers {given!r}, certainly outside its promise")


def instance_of(claim: Json, payload: Json) -> Instance:
    """The instance in a verified claim and payload; InvalidArgument if one of its numbers is not a float."""
    terms = Terms.from_json(claim)
    keys, values, queries = (_rows(terms.schedule, payload[name], name) for name in ("keys", "values", "queries"))
    return Instance(terms, TokenRows(keys, values, queries), _floats([payload["query"]], "an entry of the query"))


def _rows(schedule: ScaleSchedule, scales: Json, what: str) -> FloatArray:
    """One row per token: the last row that is given for a scale stands for all its remaining tokens."""
    given = [_floats(rows, f"an entry of the {what}") for rows in scales]
    missing = [schedule.tokens_at(scale) - len(rows) for scale, rows in enumerate(given)]
    return np.concatenate([np.pad(rows, ((0, n), (0, 0)), mode="edge") for rows, n in zip(given, missing, strict=True)])


def _floats(rows: Any, what: str) -> FloatArray:
    return np.array([[exact_float(Fraction(entry), what) for entry in row] for row in rows])


def _payload(violation: Violation, precision: int) -> Json:
    instance = violation.instance
    schedule, tokens = instance.terms.schedule, instance.tokens
    return {
        "precision": precision,
        "keys": list(_by_scale(schedule, tokens.keys)),
        "values": list(_by_scale(schedule, tokens.values)),
        "queries": list(_by_scale(schedule, tokens.queries)),
        "query": _exact(instance.queries[0]),
        "layer": violation.layer,
        "head": violation.head,
        "coordinate": violation.coordinate,
        "answer": str(Fraction(violation.answer)),
    }


def _by_scale(schedule: ScaleSchedule, rows: FloatArray) -> Iterator[list[list[str]]]:
    """The rows of each scale; equal rows at the end of a scale are written once."""
    for scale in range(schedule.n_scales):
        own = rows[schedule.rows_of(scale)]
        others = np.flatnonzero((own != own[-1]).any(axis=1))
        yield [_exact(row) for row in own[: 2 + int(others[-1]) if len(others) else 1]]


def _exact(row: FloatArray) -> list[str]:
    return [str(Fraction(entry)) for entry in row.tolist()]
