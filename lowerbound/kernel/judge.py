"""The judge: a statement and a certificate go in, one of three verdicts comes out.

A certificate carries the digest of the statement that it proves, so that it cannot be moved to another claim.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lowerbound.errors import Undecided
from lowerbound.kernel.codec import Rejected, decode, digest, fields, shown, typed
from lowerbound.kernel.document import read_document
from lowerbound.kernel.rules import (
    clique,
    collision,
    cover,
    fibre,
    frames,
    handelman,
    index_optimum,
    keys,
    lattice_clique,
    linear_code,
    payload,
    replay,
    spherical,
    strips,
    transcript,
    values,
    witness,
)
from lowerbound.kernel.verdict import Outcome, Verdict

RULES: dict[str, Callable[[Any, Any], Verdict]] = {
    "handelman": handelman.check,
    "cover": cover.check,
    "keys": keys.check,
    "linear_code": linear_code.check,
    "index_optimum": index_optimum.check,
    "values_floor": values.check,
    "given_keys_floor": values.check_given,
    "keys_and_values_floor": payload.check,
    "collision_floor": collision.check,
    "clique_floor": clique.check,
    "frames_floor": frames.check,
    "strips_floor": strips.check,
    "lattice_clique_floor": lattice_clique.check,
    "replay_floor": replay.check,
    "f_hat_fibre": fibre.check,
    "keys_at_most": spherical.check,
    "witness": witness.check,
    "transcript": transcript.check,
}
"""One rule for each kind of certificate."""


def _guarded(question: Callable[..., Verdict], *arguments: Any) -> Verdict:
    """The verdict of a check: UNDECIDED if it raises Undecided, REJECTED if it raises anything else."""
    try:
        return question(*arguments)
    except Rejected as rejection:
        return Verdict(Outcome.REJECTED, str(rejection))
    except Undecided as open_question:
        return Verdict(Outcome.UNDECIDED, f"{open_question} is not decided at this precision")
    except Exception as failure:
        return Verdict(Outcome.REJECTED, f"the judge failed: {type(failure).__name__}")


def _judged(statement: Any, certificate: Any) -> Verdict:
    name, kind, claim = fields(statement, "the statement", "id", "kind", "claim")
    typed(name, str, "the id")
    if typed(kind, str, "the kind") not in RULES:
        raise Rejected(f"the kind must be one of {', '.join(RULES)}, got {shown(kind)}")
    proof_kind, proves, payload = fields(certificate, "the certificate", "kind", "proves", "payload")
    if proof_kind != kind:
        raise Rejected(f"the certificate has the kind {shown(proof_kind)}, the statement {shown(kind)}")
    if proves != digest(statement):
        raise Rejected(f"the certificate carries the digest of another statement, {shown(proves)}")
    return RULES[kind](claim, payload)


def judge(statement: bytes, certificate: bytes) -> Verdict:
    """The verdict on a statement, given its certificate, both in strict JSON.

    Contract: VERIFIED only if the certificate names this statement by its digest and proves its claim by the rule of
    its kind. Never raises: whatever is malformed is REJECTED, and the reason says what is wrong.
    """
    return _guarded(lambda: _judged(decode(statement), decode(certificate)))


def _judged_in(certificates: list[dict[str, Any]], statement: Any) -> Verdict:
    found = [certificate for certificate in certificates if certificate.get("proves") == digest(statement)]
    if len(found) != 1:
        raise Rejected("more than one certificate" if found else "no certificate")
    return _judged(statement, found[0])


def judge_file(path: str | Path) -> dict[str, Verdict]:
    """The verdict of every statement of a bundle {"statements": [...], "certificates": [...]}, by id.

    Contract: a statement without exactly one certificate is REJECTED. A bundle that cannot be read, is malformed, is
    empty or uses an id twice gives one REJECTED verdict, under the path. Never raises, never returns nothing.
    """
    try:
        listed, offered = fields(decode(Path(path).read_bytes()), "the bundle", "statements", "certificates")
        certificates = [typed(each, dict, "a certificate") for each in typed(offered, list, "the certificates")]
        statements = [typed(each, dict, "a statement") for each in typed(listed, list, "the statements")]
        names = [typed(statement.get("id"), str, "an id") for statement in statements]
        if not names or len(set(names)) != len(names):
            raise Rejected("a bundle must hold statements, and no id twice")
    except (Rejected, OSError, ValueError) as error:
        return {str(path): Verdict(Outcome.REJECTED, f"the bundle is not usable: {error}")}
    return {name: _guarded(_judged_in, certificates, each) for name, each in zip(names, statements, strict=True)}


def judge_document(data: bytes) -> tuple[dict[str, Any], Verdict]:
    """The statement of a document, and the verdict on it.

    Contract: VERIFIED only if the bytes are an intact document and its certificate proves its statement. Never raises:
    bytes that are no document give an empty statement and the verdict REJECTED.
    """
    try:
        statement, certificate = read_document(data)
    except Rejected as rejection:
        return {}, Verdict(Outcome.REJECTED, str(rejection))
    return statement if isinstance(statement, dict) else {}, _guarded(_judged, statement, certificate)
