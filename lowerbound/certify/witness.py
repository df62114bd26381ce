"""Witnesses: what the adversary found, as a document that the kernel judges and whose question anyone can ask again."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.attack.instance import Instance, Violation, is_fair
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
    """The document that says: on these tokens the cache of this name answers so, which breaks its promise.

    Contract: the kernel calls it VERIFIED; raises Undecided where no precision up to 1024 bits suffices, and Rejected
    for a violation that is none.
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
    """Whether a document proves what it says, and the cache still answers so, in a fresh process.

    Contract: VERIFIED only if the document is intact, the kernel verifies it, and the named cache, given the tokens
    scale by scale through bytes, gives exactly the recorded answer. REJECTED says what differs. UNDECIDED is the
    kernel's own, a time limit, or a cache that is not registered here: a document must not choose what code runs, so
    that "package.module:Class" and "exec:COMMAND" are asked only if `foreign` allows it. Never raises for bad bytes.
    Where keys and levels are public, tokens that do not have them are REJECTED: such a cache promises nothing there.
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
    if instance.terms.key_family is not None and not is_fair(instance):
        return Verdict(Outcome.REJECTED, "the tokens must have the public keys and levels that the cache is made for")
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
    """The instance that a verified claim and payload speak of; InvalidArgument where a number is no float."""
    terms = Terms.from_json(claim)
    keys, values, queries = (_rows(terms.schedule, payload[name], name) for name in ("keys", "values", "queries"))
    return Instance(terms, TokenRows(keys, values, queries), _floats([payload["query"]], "an entry of the query"))


def _rows(schedule: ScaleSchedule, scales: Json, what: str) -> FloatArray:
    """One row a token; a scale repeats its last row."""
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
    """The rows of each scale, those at its end that repeat each other once."""
    for scale in range(schedule.n_scales):
        own = rows[schedule.rows_of(scale)]
        others = np.flatnonzero((own != own[-1]).any(axis=1))
        yield [_exact(row) for row in own[: 2 + int(others[-1]) if len(others) else 1]]


def _exact(row: FloatArray) -> list[str]:
    return [str(Fraction(entry)) for entry in row.tolist()]
