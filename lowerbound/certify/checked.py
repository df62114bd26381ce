"""What a check of a document finds: a verdict, and what the document claims."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lowerbound.kernel.verdict import Verdict


@dataclass(frozen=True)
class Checked:
    """The verdict on a document, and what the document claims.

    `claim` is the claim of the statement, word for word. For a floor, `bits` is its number of bits (of one head, or in
    models R2 and R3 of everything that is kept), and `proof` says who checked the theorem. Other documents have None.
    """

    verdict: Verdict
    kind: str | None
    claim: Mapping[str, Any]
    seconds: float
    bits: int | None = None
    lemmas: tuple[str, ...] = ()
    proof: str | None = None

    @classmethod
    def of(cls, statement: Mapping[str, Any], verdict: Verdict, seconds: float) -> Checked:
        """The verdict on a document with this statement, which need not be well formed and proves no floor."""
        kind, claim = statement.get("kind"), statement.get("claim")
        return cls(verdict, kind if isinstance(kind, str) else None, claim if isinstance(claim, dict) else {}, seconds)

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
