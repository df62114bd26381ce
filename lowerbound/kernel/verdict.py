"""The four answers of the judge."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """VERIFIED: the certificate proves the claim. REJECTED: it does not. UNDECIDED: its precision does not suffice.

    CONSISTENT: what the file contains adds up, and that what it tells of has happened was not checked.
    """

    VERIFIED = "VERIFIED"
    CONSISTENT = "CONSISTENT"
    REJECTED = "REJECTED"
    UNDECIDED = "UNDECIDED"


@dataclass(frozen=True)
class Verdict:
    """An outcome and its reason in one sentence. It has no truth value: bool() raises TypeError."""

    outcome: Outcome
    reason: str

    def __bool__(self) -> bool:
        raise TypeError("a verdict is not a truth value; compare its outcome with Outcome.VERIFIED")
