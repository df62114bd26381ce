"""What one checker says of one lemma."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["verified", "on paper", "rejected", "undecided"]


@dataclass(frozen=True)
class Check:
    """One check of one lemma: the checker, the outcome, the reason in words, and the seconds it took."""

    checker: str
    outcome: Outcome
    reason: str
    seconds: float
