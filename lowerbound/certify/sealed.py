"""Sealed documents: a claim and the payload that proves it, bound by a digest and judged as soon as they are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lowerbound.kernel.codec import canonical, digest
from lowerbound.kernel.document import write_document
from lowerbound.kernel.judge import judge
from lowerbound.kernel.verdict import Outcome, Verdict

Json = Any


@dataclass(frozen=True)
class Sealed:
    """A statement, its certificate, and the kernel's verdict on the two.

    Contract: the certificate carries the digest of the statement, and `verdict` is the kernel's verdict on exactly the
    bytes that `document` returns.
    """

    statement: Json
    certificate: Json
    verdict: Verdict

    @property
    def is_verified(self) -> bool:
        """Whether the verdict is VERIFIED; UNDECIDED does not count."""
        return self.verdict.outcome is Outcome.VERIFIED

    def document(self) -> bytes:
        """The file that anyone can check."""
        return write_document(self.statement, self.certificate)


def sealed(name: str, kind: str, claim: Json, payload: Json) -> Sealed:
    """The document of this kind that claims `claim`, judged.

    Contract: never raises for a claim that the payload does not prove; the verdict then says why not.

    Parameters
    ----------
    name : str
        The id of the statement; the verdict does not depend on it.
    kind : str
        One of the kernel's kinds of certificate.
    claim, payload : plain JSON values without floats
    """
    statement = {"id": name, "kind": kind, "claim": claim}
    certificate = {"kind": kind, "proves": digest(statement), "payload": payload}
    return Sealed(statement, certificate, judge(canonical(statement), canonical(certificate)))
