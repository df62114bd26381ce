"""Whether a claimed compression is possible as a worst-case guarantee, from the best floor and best proved cache."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from lowerbound.caches.registry import cache_of
from lowerbound.ceiling.achieved import cheapest
from lowerbound.ceiling.code import Achieved
from lowerbound.certify.certified import Certified, strongest, target_of
from lowerbound.certify.refusal import refused
from lowerbound.certify.theorems import CHECKED, THEOREMS
from lowerbound.core.geometry import Geometry, HasGeometry
from lowerbound.core.models import find_geometry
from lowerbound.core.scalars import Rational, plainly, rational
from lowerbound.errors import Undecided, invalid

FIXED_LENGTH_SLACK = 1
"""The bits that variable length may save: there are fewer than 2^(B + 1) states of at most B bits."""


class Word(StrEnum):
    """POSSIBLE: some cache provably does it. IMPOSSIBLE: the floor exceeds the budget. OPEN: neither is proved."""

    POSSIBLE = "POSSIBLE"
    IMPOSSIBLE = "IMPOSSIBLE"
    OPEN = "OPEN"


@dataclass(frozen=True)
class Answer:
    """Whether states of at most `budget_bits` bits per head can meet a worst-case guarantee, as far as it is proved.

    Contract: IMPOSSIBLE only if `floor` is verified and exceeds the budget by more than a bit; POSSIBLE only if
    `achieved` needs at most the budget. Both hold in model R1: real unit keys and queries, |logit| <= 100, values in
    [0, 1], every answer within an additive eta with probability 1 - delta. `checked` is the best machine-checked floor.
    `refused` has each theorem of additive errors that forces no bit here: why, and the nearest place at which it does.
    """

    word: Word
    geometry: Geometry
    ratio: Fraction
    eta: Fraction
    delta: Fraction
    budget_bits: Fraction
    floor: Certified | None
    checked: Certified | None
    achieved: Achieved
    refused: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""

        def told(floor: Certified | None) -> dict[str, Any] | None:
            if floor is None:
                return None
            return {"bits": floor.bits, "theorem": floor.theorem.name, "proof": floor.proof}

        return {
            "verdict": str(self.word),
            "model": self.geometry.name,
            "ratio": float(self.ratio),
            "eta": float(self.eta),
            "delta": float(self.delta),
            "budget_bits": float(self.budget_bits),
            "cache_bits": self.geometry.cache_bits,
            "floor": told(self.floor),
            "machine_checked_floor": told(self.checked),
            "achieved": {"bits": self.achieved.bits, "cache": cache_of(self.achieved)},
            "refused": dict(self.refused),
            "largest_possible_ratio": self.geometry.cache_bits / self.achieved.bits,
            "no_ratio_above": None if self.floor is None else self.geometry.cache_bits / self.floor.bits,
            "logit_cap": str(self.geometry.largest_logit),
            "computation_model": "R1",
        }


def judged(budget_bits: Fraction, floor: Certified | None, achieved: Achieved) -> Word:
    """Whether so many bits per head are possible, by a verified floor and a proved cache at the same error."""
    if achieved.bits <= budget_bits:
        return Word.POSSIBLE
    beyond = floor is not None and floor.bits > budget_bits + FIXED_LENGTH_SLACK
    return Word.IMPOSSIBLE if beyond else Word.OPEN


@dataclass(frozen=True)
class Bracket:
    """What is forced on a head at one error that is always kept, and what is enough, in bits.

    Contract: every cache whose answers are all within an additive eta keeps at least `forced.bits`, by a floor whose
    proof a machine has checked, and some cache needs at most `enough.bits`. Both hold in model R1, as `Answer` says.
    """

    geometry: Geometry
    eta: Fraction
    forced: Certified
    enough: Achieved

    def word(self, ratio: Fraction) -> Word:
        """Whether the fp16 cache can be compressed `ratio` times at this error."""
        return judged(self.geometry.cache_bits / ratio, self.forced, self.enough)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, per head."""
        return {
            "eta": float(self.eta),
            "cache_bits": self.geometry.cache_bits,
            "forced": {"bits": self.forced.bits, "theorem": self.forced.theorem.name, "proof": self.forced.proof},
            "enough": {"bits": self.enough.bits, "cache": cache_of(self.enough)},
        }


def bracket(place: HasGeometry | str, eta: Rational) -> Bracket:
    """What is forced and what is enough on a head, where no answer may fail.

    Contract: eta outside [1/100000, 1/2) raises InvalidArgument; Undecided where no machine-checked floor forces a bit.
    """
    head, error = find_geometry(place), rational(eta, name="eta")
    enough = cheapest(head.n_tokens_cached, head.d, multiplier=head.largest_logit, eta=error)
    forced = strongest(head, eta=error, delta=0, statuses=(CHECKED,))
    if forced is None:
        raise Undecided(f"no machine-checked floor forces a bit on {head.name} at eta = {plainly(error)}")
    return Bracket(head, error, forced, enough)


def possible(place: HasGeometry | str, *, ratio: Rational, eta: Rational = "0.01", delta: Rational = 0) -> Answer:
    """Whether the fp16 cache of a head can be compressed `ratio` times at this error.

    Parameters
    ----------
    place : a model of the catalogue, its name, or a geometry

    Raises
    ------
    InvalidArgument
        If ratio is not > 0, eta not in [1/100000, 1/2) or delta not in [0, 1/2).
    """
    times, error, failure = rational(ratio, name="ratio"), rational(eta, name="eta"), rational(delta, name="delta")
    if times <= 0:
        raise invalid("ratio", "be > 0", str(times))
    if not 0 < error < Fraction(1, 2):
        raise invalid("eta", "lie strictly between 0 and 1/2, additively for values in [0, 1]", str(error))
    if not 0 <= failure < Fraction(1, 2):
        raise invalid("delta", "lie in [0, 1/2)", str(failure))
    head = find_geometry(place)
    budget = Fraction(head.cache_bits) / times
    floor = strongest(head, eta=error, delta=failure)
    checked = strongest(head, eta=error, delta=failure, statuses=(CHECKED,))
    found = cheapest(head.n_tokens_cached, head.d, multiplier=head.largest_logit, eta=error, failure_prob=failure)
    target = target_of(head, eta=error, delta=failure)
    refusals = {
        name: why
        for name, theorem in THEOREMS.items()
        if theorem.guarantee == "additive" and (why := refused(theorem, target)) is not None
    }
    word = judged(budget, floor, found)
    return Answer(word, head, times, error, failure, budget, floor, checked, found, refusals)
