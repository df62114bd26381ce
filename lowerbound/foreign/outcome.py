"""What an audit found: one object, its verdict, and the sentences that give the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lowerbound.adversary.instance import Violation
from lowerbound.adversary.outcome import Broken
from lowerbound.certify.possible import FIXED_LENGTH_SLACK, Answer, Word
from lowerbound.certify.witness import witness
from lowerbound.core.bits import FP16_BITS
from lowerbound.core.geometry import Geometry
from lowerbound.core.scalars import counted, percent, rounded_up
from lowerbound.foreign.ledger import Holding
from lowerbound.foreign.verdict import Claim, Finding, oddities, times
from lowerbound.game.duel import Row
from lowerbound.var.simulator.drawn import Measured

MOST_NUMBERS = 64
"""A broken instance with at most this many key entries is told whole."""
NEAR_PPM = 50_000
"""An object whose answers are this near (in millionths) answers well where it grew up."""
FAR = 0.2
"""An object that misreads this share of bits elsewhere does not answer well there."""


def fp16_bytes(place: Geometry, n_heads: int) -> int:
    """The bytes of the keys and values of the cached tokens of so many heads in fp16."""
    return 2 * FP16_BITS // 8 * place.n_tokens_cached * place.d * n_heads


@dataclass(frozen=True)
class Weighed:
    """What was held at one place, beside the fp16 keys and values of the same tokens."""

    geometry: Geometry
    holding: Holding
    fp16_bytes: int

    @property
    def ratio(self) -> Fraction:
        """fp16 bytes over held bytes."""
        return Fraction(self.fp16_bytes, max(1, self.holding.held_bytes))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, without the ledger."""
        return {
            "tokens": self.geometry.n_tokens_cached,
            "d": self.geometry.d,
            "fp16_bytes": self.fp16_bytes,
            "held_bytes": self.holding.held_bytes,
            "held_ratio": float(self.ratio),
        }


@dataclass(frozen=True)
class Audit:
    """Everything that an audit found.

    Parameters
    ----------
    weighed, long : what is held at the audit's place and at the long one; None for a cache of this package's interface,
        whose state is its message, and where the method refused the place
    bits, codes : the rows of the 0/1 game and of the game of keys and values; the second has a packed message
    pictures : what the cache does to digits of a trained network, or why it draws none
    answer : what is proved about the ratio claimed, or, without a claim, about the one held
    """

    target: str
    package: str
    version: str | None
    geometry: Geometry
    eta: Fraction
    claim: Claim | None = None
    weighed: Weighed | None = None
    long: Weighed | None = None
    bits: Row | None = None
    codes: Row | None = None
    answer: Answer | None = None
    broken: Broken | None = None
    pictures: Measured | str | None = None
    refusals: tuple[str, ...] = ()

    @property
    def fp16_bytes(self) -> int | None:
        """The bytes of the keys and values of the cached tokens of all heads in fp16."""
        return None if self.bits is None else fp16_bytes(self.geometry, self.bits.heads)

    @property
    def sent_bytes(self) -> int | None:
        """The bytes of the message of the 0/1 game."""
        return None if self.bits is None else self.bits.state_bits // 8

    def ratio_of(self, size: int | None) -> Fraction | None:
        """The compression of the fp16 cache that a size means."""
        return None if size is None or self.fp16_bytes is None else Fraction(self.fp16_bytes, max(1, size))

    @property
    def packed_ratio(self) -> Fraction | None:
        """The compression of the message whose integers take the bits that their values need."""
        return None if self.codes is None else self.ratio_of(self.codes.state_bits // 8)

    @property
    def held_ratio(self) -> Fraction | None:
        """The best ratio held at any place, or, without a ledger, the one sent."""
        held = [each.ratio for each in (self.weighed, self.long) if each is not None]
        return max(held) if held else self.ratio_of(self.sent_bytes)

    @property
    def error(self) -> float | None:
        """The share of the bits at rest that Bob misreads."""
        return None if self.bits is None else self.bits.error

    @property
    def keys_error(self) -> float | None:
        """The share of the symbols in keys that Bob misreads."""
        if self.codes is None:
            return None
        return next(part.error for part in self.codes.parts if part.name == "keys")

    @property
    def findings(self) -> list[tuple[Finding, str]]:
        """All that speaks for a word, in the order of the words."""
        found: list[tuple[Finding, str]] = [(Finding.REFUSED, each) for each in self.refusals if self.bits is None]
        held = self.held_ratio
        if self.claim is not None and held is not None and not self.claim.is_kept_by(held):
            why = "; ".join(oddities(self.weighed.holding)) if self.weighed is not None else ""
            says = "claims" if self.claim.said_by == "--claim" else f"{self.claim.said_by} says"
            said = f"{says} {self.claim}, holds {times(held)}" + (f" ({why})" if why else "")
            found.append((Finding.MISSTATES, said))
        if self.error:
            found.append((Finding.MISREADS, f"misreads {percent(self.error)} of bits at rest{self._only_elsewhere}"))
        if self.codes is not None and self.codes.errors:
            wrong = " and ".join(f"{percent(part.error)} of {part.name}" for part in self.codes.parts if part.errors)
            found.append((Finding.BREAKS, f"breaks eta = {float(self.eta):g}: misreads {wrong} on a fine grid"))
        if self.broken is not None:
            found.append((Finding.BREAKS, _broken_sentence(self.broken)))
        if self.claim is not None and self.answer is not None and self.answer.word is Word.IMPOSSIBLE:
            found.append((Finding.IMPOSSIBLE, _impossible_sentence(self.answer)))
        return found

    @property
    def _only_elsewhere(self) -> str:
        """A clause for an object that answers well where it grew up, and not where its message was read."""
        live = None if self.weighed is None else self.weighed.holding.live_error_ppm
        if live is None or not self.error or live > NEAR_PPM or self.error < FAR:
            return ""
        return (
            f", rebuilt in another process, while in its own its answers are within {live / 1e6:.2g}: "
            "it keeps state where no message carries it"
        )

    @property
    def verdict(self) -> Finding:
        """The first word that applies."""
        return self.findings[0][0] if self.findings else Finding.KEEPS

    @property
    def reasons(self) -> list[str]:
        """The findings as sentences, then what else is worth knowing."""
        reasons = [sentence for _, sentence in self.findings]
        if self.claim is not None and self.held_ratio is not None and self.claim.is_kept_by(self.held_ratio):
            reasons.append(f"holds its claim of {self.claim}: {times(self.held_ratio)}")
        if self.weighed is not None and not any(word is Finding.MISSTATES for word, _ in self.findings):
            reasons += oddities(self.weighed.holding)
        if self.claim is not None and self.answer is not None and self.answer.word is Word.POSSIBLE:
            told = self.answer.to_json()["achieved"]["cache"]
            reasons.append(f"possible: a proved cache ({told}) does {times(self.answer.ratio)} at this error")
        if self.bits is not None:
            reasons += self.refusals
        return reasons

    def to_json(self, witness_file: str | None = None) -> dict[str, Any]:
        """The audit as one object of plain JSON values."""
        held = None if self.weighed is None else self.weighed.holding
        ratios = {"sent_ratio": self.ratio_of(self.sent_bytes), "packed_ratio": self.packed_ratio}
        own = None if held is None else held.own_ratio
        return {
            "target": self.target,
            "package": self.package,
            "version": self.version,
            "claimed_ratio": None if self.claim is None else float(self.claim.ratio),
            "claimed_by": None if self.claim is None else self.claim.said_by,
            "own_ratio": None if own is None else float(own),
            "fp16_bytes": self.fp16_bytes,
            "held_bytes": None if held is None else held.held_bytes,
            "held_ratio": None if self.weighed is None else float(self.weighed.ratio),
            "sent_bytes": self.sent_bytes,
            **{name: None if ratio is None else float(ratio) for name, ratio in ratios.items()},
            "error": self.error,
            "keys_error": self.keys_error,
            "verdict": str(self.verdict),
            "reasons": self.reasons,
            "ledger": [] if held is None else [entry.to_json() for entry in held.entries],
            "long": None if self.long is None else self.long.to_json(),
            "pictures": self.pictures.to_json() if isinstance(self.pictures, Measured) else None,
            "pictures_refused": self.pictures if isinstance(self.pictures, str) else None,
            "witness": _witness_json(self.broken, witness_file),
            "eta": float(self.eta),
            "geometry": {
                "model": self.geometry.name,
                "tokens": self.geometry.n_tokens_cached,
                "d": self.geometry.d,
                "layers": None if self.bits is None else self.bits.layers,
                "heads": None if self.bits is None else self.bits.heads,
                "schedule": str(self.geometry.schedule),
            },
            "proved": None if self.answer is None else self.answer.to_json(),
        }


def _broken_sentence(broken: Broken) -> str:
    found, eta = broken.violation, float(broken.terms.eta)
    tokens = len(found.instance.tokens.keys)
    return f"breaks eta = {eta:g} on {counted(tokens, 'token')}: an answer is off by {found.ratio:.3g} eta"


def _impossible_sentence(answer: Answer) -> str:
    """Why no cache keeps the claim: by the best machine-checked floor, where that is enough, else by the best one."""
    assert answer.floor is not None
    checked = answer.checked
    floor = checked if checked is not None and checked.bits > answer.budget_bits + FIXED_LENGTH_SLACK else answer.floor
    most = Fraction(answer.geometry.cache_bits, floor.bits)
    return (
        f"no cache can: at eta = {float(answer.eta):g} every cache of model R1 keeps at least {floor.bits:,} bits per "
        f"head, so {rounded_up(most, 2)}x at most (Theorem {floor.theorem.name}, {floor.proof}); the claim is "
        f"{times(answer.ratio)}"
    )


def _witness_json(broken: Broken | None, file: str | None) -> dict[str, Any] | None:
    if broken is None:
        return None
    found = broken.violation
    return {
        "tokens": len(found.instance.tokens.keys),
        "d": found.instance.terms.d,
        "attack": broken.attack,
        "answer": found.answer,
        "exact": found.exact,
        "error_over_eta": found.ratio,
        "file": file,
        "rows": _small_rows(found),
    }


def _small_rows(found: Violation) -> dict[str, Any] | None:
    """The tokens of a violation and the query, if they are few."""
    tokens = found.instance.tokens
    if tokens.keys.size > MOST_NUMBERS:
        return None
    rows = {name: getattr(tokens, name).tolist() for name in ("keys", "values", "queries")}
    return {**rows, "asked": found.instance.queries[0].tolist(), "coordinate": found.coordinate}


def witness_of(audited: Audit) -> bytes | None:
    """The witness document of a broken promise, for `check`; None if nothing was broken."""
    return None if audited.broken is None else witness(audited.broken.cache, audited.broken.violation)
