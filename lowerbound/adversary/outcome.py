"""What a search comes to: a certain violation, or none, and every attack that was tried at every place."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from lowerbound.adversary.instance import Violation
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.game.question import Terms


@dataclass(frozen=True)
class Trial:
    """One attack at one place: how many instances were tried, how many the cache failed on, the worst error / eta."""

    attack: str
    place: str
    asked: int
    failed: int
    ratio: float | None
    seconds: float
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Broken:
    """A certain violation, shrunk, and confirmed by the cache in a fresh process.

    `seconds` is the time from the start of the search, after the cache was loaded, to the first certain violation.
    `total_seconds` also includes shrinking it and confirming it in the fresh process. `control` is the error / eta of
    fp16 keys and values on the same tokens and query, which is what rounding to fp16 alone does to them.
    """

    cache: str
    attack: str
    violation: Violation
    first: Violation
    seconds: float
    total_seconds: float
    tried: tuple[Trial, ...]
    instances: PrivateSeed
    control: float

    @property
    def terms(self) -> Terms:
        """The terms of the game: what was public, and what was promised."""
        return self.violation.instance.terms

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, without the tokens; a witness file holds those."""
        found = self.violation
        return {
            "verdict": "broken",
            "cache": self.cache,
            **_told(self.terms),
            "attack": self.attack,
            "tokens": len(found.instance.tokens.keys),
            "place": called(self.terms),
            "layer": found.layer,
            "head": found.head,
            "coordinate": found.coordinate,
            "answer": found.answer,
            "exact": found.exact,
            "error_over_eta": found.ratio,
            "fp16_error_over_eta": self.control,
            "seconds": self.seconds,
            "total_seconds": self.total_seconds,
            "tried": [trial.to_json() for trial in self.tried],
            **_opened(self.instances),
        }


@dataclass(frozen=True)
class NotBroken:
    """No violation was found; `tried` lists what was tried. This proves nothing, because the adversary is a search."""

    cache: str
    terms: Terms
    total_seconds: float
    in_time: bool
    tried: tuple[Trial, ...]
    instances: PrivateSeed

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "verdict": "not broken",
            "cache": self.cache,
            **_told(self.terms),
            "total_seconds": self.total_seconds,
            "in_time": self.in_time,
            "tried": [trial.to_json() for trial in self.tried],
            **_opened(self.instances),
        }


def _told(terms: Terms) -> dict[str, Any]:
    return {
        "budget": None if terms.budget is None else str(terms.budget),
        "guarantee": terms.guarantee,
        "eta": str(terms.eta),
        "seed": terms.seed,
        "stack": list(terms.stack),
    }


def _opened(instances: PrivateSeed) -> dict[str, str]:
    return {"instance_commitment": instances.commitment, "instance_seed": instances.opening}


def called(terms: Terms) -> str:
    """The text that names a place: its maps, its dimension, and whether its keys are public."""
    return f"{terms.schedule} in R^{terms.d}" + (" (public keys)" if terms.key_family is not None else "")
