"""Claims of a proof beside what an experiment saw of them, each with the chance of a false alarm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from scipy.stats import binom

ROUNDING = 1e-9
FALSE_ALARM = 1e-7
"""The probability at which a true claim about a rate or a mean is called refuted."""
DEVIATIONS = 5.2
"""The standard deviations that a normal variable exceeds with that probability."""


@dataclass
class Tally:
    """One claim and what was seen of it: counts if it is about a rate, sums if about a mean, a maximum otherwise."""

    what: str
    kind: Literal["rate", "mean", "most"]
    claimed: float
    seen: list[float] = field(default_factory=list)

    @property
    def measured(self) -> float:
        """The mean, or the maximum, of what was seen."""
        return float(max(self.seen) if self.kind == "most" else np.mean(self.seen)) if self.seen else float("nan")

    @property
    def holds(self) -> bool:
        """Whether what was seen is compatible with the claim, up to FALSE_ALARM (and ROUNDING for a maximum)."""
        count = len(self.seen)
        if self.kind == "rate":
            return count > 0 and bool(binom.sf(sum(self.seen) - 1, count, min(1.0, self.claimed)) >= FALSE_ALARM)
        if self.kind == "mean":
            spread = DEVIATIONS * float(np.std(self.seen) / np.sqrt(max(1, count)))
            return count > 1 and self.measured <= self.claimed + spread
        return count > 0 and self.measured <= self.claimed + ROUNDING

    def to_json(self, **place: Any) -> dict[str, Any]:
        """A row of the table."""
        told = {"claim": self.what, "kind": self.kind, "claimed": self.claimed, "measured": self.measured}
        return {**place, **told, "n": len(self.seen), "holds": self.holds}
