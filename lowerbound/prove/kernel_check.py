"""Lets the kernel judge the book: statements are made from the lemmas, certificates come from a committed bundle."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from lowerbound.kernel.codec import Rejected, decode, digest
from lowerbound.kernel.judge import judge
from lowerbound.kernel.verdict import Outcome
from lowerbound.prove.lemma import ByKernel

if TYPE_CHECKING:
    from lowerbound.prove.book import Book

BUNDLE = Path("certificates") / "book.json"
_WORDS: dict[Outcome, Literal["verified", "rejected", "undecided"]] = {
    Outcome.VERIFIED: "verified",
    Outcome.REJECTED: "rejected",
    Outcome.UNDECIDED: "undecided",
    Outcome.CONSISTENT: "undecided",
}


def statement_of(identity: str, discharge: ByKernel) -> dict[str, Any]:
    """The statement that the kernel judges: it comes from the lemma, so that a bundle cannot substitute another."""
    return {"id": identity, "kind": discharge.kind, "claim": dict(discharge.claim)}


@lru_cache
def _certificates(path: Path, changed_ns: int) -> dict[str, Any]:
    bundle = decode(path.read_bytes())
    return {entry["proves"]: entry for entry in bundle["certificates"]}


def judge_claim(
    directory: Path, identity: str, discharge: ByKernel
) -> tuple[Literal["verified", "rejected", "undecided"], str]:
    """The kernel's verdict on a lemma's claim, given the certificate for it in the book's bundle, and the reason.

    Contract: "verified" only if the kernel verified that very claim; a missing or unreadable certificate is "rejected".
    """
    path = directory / BUNDLE
    statement = statement_of(identity, discharge)
    try:
        certificate = _certificates(path, path.stat().st_mtime_ns).get(digest(statement))
    except (OSError, Rejected, KeyError, TypeError) as error:
        return "rejected", f"{path} must be a bundle of certificates: {error}"
    if certificate is None:
        return "rejected", f"no certificate for {identity}: `python -m proofs` finds it"
    verdict = judge(json.dumps(statement).encode(), json.dumps(certificate).encode())
    return _WORDS[verdict.outcome], verdict.reason


def make_bundle(book: Book) -> dict[str, Any]:
    """Statements and certificates of the whole book, all found anew; raises NotFound if one cannot be found."""
    from lowerbound.prove.find import find_payload

    statements, certificates = [], []
    for lemma in book.lemmas:
        for place, discharge in enumerate(lemma.discharges):
            if isinstance(discharge, ByKernel):
                statement = statement_of(f"{lemma.id}/{place}", discharge)
                statements.append(statement)
                payload = discharge.find() if discharge.find else find_payload(discharge.kind, discharge.claim)
                certificates.append({"kind": discharge.kind, "proves": digest(statement), "payload": payload})
    return {"statements": statements, "certificates": certificates}
