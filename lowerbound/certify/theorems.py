"""The theorems that floors rest on, each registered here and nowhere else.

A row names everything that belongs to a theorem: its letter, what Bob reads, its lemmas in the proof book, the kernel's
rule for its certificates, and the function that searches for its strongest instance. Pages, tables, figures and
commands use these rows. Who checked a proof is not written here: it is read from the record that `python -m proofs`
makes of the verified book.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib import import_module, resources
from typing import Any, Literal

from lowerbound.certify.design.target import Design, Designer, NoInstance, Target, instance_of
from lowerbound.certify.kept import proposed
from lowerbound.core.grid import Guarantee
from lowerbound.kernel.rules import (
    clique,
    collision,
    fibre,
    frames,
    lattice_clique,
    payload,
    replay,
    strips,
    values,
)

Status = Literal["machine-checked", "proved on paper", "CONJECTURE"]
CHECKED: Status = "machine-checked"
ON_PAPER: Status = "proved on paper"
CONJECTURE: Status = "CONJECTURE"
"""The status of a theorem whose proof is not finished: no floor rests on it."""
PROVED: tuple[Status, ...] = (CHECKED, ON_PAPER)

RECORD = "book_record.json"
"""A file beside this module: the status of every lemma, from the last verification of the whole book."""


@lru_cache
def book_record() -> Mapping[str, str]:
    """The status of each lemma in the verified book, by lemma id, in the words of `prove.verify.Status`."""
    text = (resources.files("lowerbound.certify") / RECORD).read_text(encoding="utf-8")
    record: dict[str, str] = json.loads(text)
    return record


@dataclass(frozen=True)
class Theorem:
    """A theorem on which floors rest.

    Parameters
    ----------
    name : str
        Its letter.
    reads : str
        What Bob reads, in a few words.
    lemmas : tuple of str
        Ids in the proof book; a certificate of the theorem names exactly these.
    lemmas_with_failures : tuple of str or None
        The ids that a certificate at delta > 0 names instead; None if they are the same.
    rule : str
        The kernel's kind of certificate.
    search : str or None
        "MODULE:FUNCTION" of certify/design, the `Designer` that searches for the strongest instance. It is imported
        when it has to search. None for theorems whose certificates are made elsewhere.
    guarantee : "additive" or "relative"
        Whether eta bounds the additive or the relative error.
    scope : str
        The end of the sentence "Theorem X speaks of ...", for a theorem with hypotheses of its own; otherwise "".
    room : str or None
        "MODULE:FUNCTION" of certify/design, a quick look that raises NoInstance where the theorem has no instance;
        where it is None, nearer places at which the theorem has one are not searched for.
    """

    name: str
    reads: str
    lemmas: tuple[str, ...]
    rule: str
    search: str | None = None
    guarantee: Guarantee = "additive"
    scope: str = ""
    lemmas_with_failures: tuple[str, ...] | None = None
    room: str | None = None

    @property
    def all_lemmas(self) -> tuple[str, ...]:
        """The lemmas of its floors at every failure probability."""
        return self.lemmas + (self.lemmas_with_failures or ())

    def lemmas_at(self, delta: Fraction) -> tuple[str, ...]:
        """The lemmas on which a floor at this failure probability rests."""
        return self.lemmas_with_failures if delta and self.lemmas_with_failures is not None else self.lemmas

    def status(self, delta: Fraction) -> Status:
        """Who checked the proof of a floor at this failure probability, from the record of the book.

        Contract: a lemma that is missing there makes it a CONJECTURE.
        """
        statuses = {book_record().get(lemma, "open") for lemma in self.lemmas_at(delta)}
        if statuses == {"proved"}:
            return CHECKED
        return ON_PAPER if statuses <= {"proved", "proved on paper, not machine-checked"} else CONJECTURE

    def proof(self, delta: Fraction) -> str:
        """The status in full, as shown beside a number."""
        status = self.status(delta)
        return "proved on paper, not machine-checked" if status == ON_PAPER else status

    def design(self, target: Target) -> Design | None:
        """The strongest known instance for a target, or None if the theorem forces no bit there."""
        found = _instance(self, target)
        return found if isinstance(found, Design) else None

    def refusal(self, target: Target) -> NoInstance | None:
        """Why there is no instance for a target, or None if there is one."""
        found = _instance(self, target)
        return found if isinstance(found, NoInstance) else None

    def has_room(self, target: Target) -> bool:
        """Whether there is an instance, by the quick look where there is one: it may not force a whole bit."""
        if self.room is None:
            return self.design(target) is not None
        try:
            _named(self.room)(target)
        except NoInstance:
            return False
        return True

    @property
    def designer(self) -> Designer:
        """The function that `search` names."""
        assert self.search is not None
        found: Designer = _named(self.search)
        return found


def _named(function: str) -> Callable[..., Any]:
    module, _, name = function.partition(":")
    found: Callable[..., Any] = getattr(import_module(f"lowerbound.certify.design.{module}"), name)
    return found


@lru_cache(maxsize=256)
def _instance(theorem: Theorem, target: Target) -> Design | NoInstance:
    """The strongest known instance, or why there is none; a search takes seconds, and its result is kept."""
    if theorem.search is None:
        return NoInstance("its certificates are made elsewhere")
    question = {
        "geometry": target.geometry.to_json(),
        "eta": str(target.eta),
        "delta": str(target.delta),
        "multiplier": str(target.multiplier),
    }

    def search() -> dict[str, Any]:
        try:
            return vars(instance_of(theorem.designer, target))
        except NoInstance as refused:
            return {"reason": str(refused), "nearest": refused.nearest}

    return proposed(f"the design of theorem {theorem.name}", question, search, _made)


def _made(found: dict[str, Any]) -> Design | NoInstance:
    return NoInstance(**found) if "reason" in found else Design(**found)


LATTICE_KEYS = "keys over a fine lattice, values on a grid, and answers that are never wrong (delta = 0)"
RANDOM_KEYS = "real keys and values, and answers that are never wrong (delta = 0)"

STRIPS = "real keys and values, any delta, and answers that depend measurably on the query"

THEOREMS: dict[str, Theorem] = {
    theorem.name: theorem
    for theorem in (
        Theorem("A", "one bit per value", values.LEMMAS["A"], "values_floor", "values:paper_design", "relative"),
        Theorem("B", "values", values.LEMMAS["B"], "values_floor", "values:values_design"),
        Theorem(
            "C",
            "keys and values, one read per symbol",
            payload.LEMMAS["C"],
            "keys_and_values_floor",
            "keys_and_values:single_read_design",
            room="keys_and_values:single_read_room",
        ),
        Theorem(
            "C'",
            "keys and values, read again with a better reference",
            payload.LEMMAS["C'"],
            "keys_and_values_floor",
            "keys_and_values:zoom_design",
            room="keys_and_values:zoom_room",
        ),
        Theorem(
            "F",
            "keys in all directions and values",
            frames.LEMMAS["F"],
            "frames_floor",
            "frames:frames_design",
            lemmas_with_failures=frames.LEMMAS_WITH_FAILURES["F"],
        ),
        Theorem(
            "F'",
            "keys in all directions and values, tokens that meet counted exactly",
            frames.LEMMAS["F'"],
            "frames_floor",
            "frames:frames_by_classes_design",
            lemmas_with_failures=frames.LEMMAS_WITH_FAILURES["F'"],
        ),
        Theorem(
            "G",
            "random keys and values: strips",
            strips.LEMMAS["G"],
            "strips_floor",
            "strips:strips_design",
            scope=STRIPS,
        ),
        Theorem(
            "E1",
            "lattice keys and grid values: cliques",
            lattice_clique.LEMMAS["E1"],
            "lattice_clique_floor",
            "lattice_cliques:lattice_clique_design",
            scope=LATTICE_KEYS,
            room="lattice_cliques:lattice_clique_design",
        ),
        Theorem(
            "D",
            "random keys and values: collisions",
            collision.LEMMAS["D"],
            "collision_floor",
            "cliques:collision_design",
            scope=RANDOM_KEYS,
            room="cliques:collision_room",
        ),
        Theorem(
            "E",
            "random keys and values: cliques",
            clique.LEMMAS["E"],
            "clique_floor",
            "cliques:clique_design",
            scope=RANDOM_KEYS,
            room="cliques:clique_room",
        ),
    )
}
"""The theorems of model R1 by letter, from the weakest floor at delta = 0 to the strongest."""
ON_GIVEN_KEYS = Theorem(
    "B on given keys",
    "values, on keys that the claim names",
    values.GIVEN_LEMMAS["B on given keys"],
    "given_keys_floor",
    scope="the keys that a claim names by their digest, such as those of a recorded head; values are free",
)
"""A theorem of model R1 on keys that nobody designs, so that it has no floor for a head without them."""
REPLAY = Theorem("R2", "token ids, from the last scale, with public weights", replay.LEMMAS, "replay_floor")
FIBRES = Theorem("R3", "token ids that share one f_hat, with public weights", fibre.LEMMAS, "f_hat_fibre")
OTHER_MODELS = {theorem.rule: theorem for theorem in (REPLAY, FIBRES)}
"""The theorems of models R2 and R3 by kind of certificate; their floors are never compared with those of R1."""
CITED = (*THEOREMS.values(), ON_GIVEN_KEYS, *OTHER_MODELS.values())
"""Every theorem that a certificate may cite, for pages and tables."""


def floors_with(*statuses: Status, delta: Fraction) -> list[str]:
    """The letters of the theorems of model R1 that have one of these statuses at delta, in the order of THEOREMS."""
    return [name for name, theorem in THEOREMS.items() if theorem.status(delta) in statuses]
