"""What a lemma is: a formal statement, its range, its hypotheses by name, what it uses, and who must check it.

No status is written by hand: a lemma lists the checks that it needs, and `prove.verify` runs them and derives it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from lowerbound.prove.expression import Expression, Relation


@dataclass(frozen=True)
class Statement:
    """hypotheses => goal, for all real values of the variables."""

    hypotheses: Mapping[str, Relation]
    goal: Relation


@dataclass(frozen=True)
class Use:
    """An earlier lemma at particular expressions: its goal becomes a hypothesis once its hypotheses are met.

    The solver is given "its hypotheses => its goal" under the substitution, so that a use whose hypotheses do not
    follow adds nothing to a proof.
    """

    lemma: str
    values: Mapping[str, Expression] = field(default_factory=dict)


@dataclass(frozen=True)
class BySolvers:
    """z3 and cvc5, each in a process of its own with a wall limit, must both find the negation unsatisfiable.

    `needed` names the hypotheses (or used lemmas) without which a counter-model must exist.
    """

    statement: Statement
    needed: tuple[str, ...] = ()


@dataclass(frozen=True)
class ByKernel:
    """A certificate that the kernel judges: `claim` is what it must prove.

    `find` builds its payload where the library has a construction; None means that `find.find_payload` searches.
    """

    kind: str
    claim: Mapping[str, Any]
    find: Callable[[], dict[str, Any]] | None = None


@dataclass(frozen=True)
class ByCoq:
    """A theorem of proofs/coq, for all sizes.

    The check: it compiles, it rests on the axioms of the reals alone, and its statement contains every text of `reads`.
    """

    theorem: str
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """What an exact computation has shown: for which statement, over which range, in how many cases."""

    statement: str
    range: str
    cases: int


@dataclass(frozen=True)
class ByComputation:
    """A finite exact computation: it returns evidence for this lemma's own words and range, or raises AssertionError.

    Contract: evidence for other words, another range or no case is a rejection, so that a computation cannot be moved
    to a lemma that it does not speak of.
    """

    check: Callable[[], Evidence]


def statement_digest(words: str) -> str:
    """The name by which evidence calls a statement: the SHA-256 of its words, in hex."""
    return hashlib.sha256(words.encode()).hexdigest()


def computation(words: str, range: str, count: Callable[[], int]) -> ByComputation:
    """The discharge of a statement by a function that returns how many cases it checked, or raises AssertionError."""

    @wraps(count)
    def check() -> Evidence:
        return Evidence(statement_digest(words), range, count())

    return ByComputation(check)


@dataclass(frozen=True)
class Cited:
    """A proof on paper, published or our own, that no checker here reads: it is named, and never called verified."""

    reference: str


Discharge = BySolvers | ByKernel | ByCoq | ByComputation | Cited


@dataclass(frozen=True)
class Lemma:
    """One lemma of the proof book.

    Parameters
    ----------
    id : str
        Its unique name, by which other lemmas use it.
    words : str
        The statement in words.
    range : str
        Over what it is quantified: "all T, d, ...", "all reals", a box, or a finite list.
    discharges : tuple of Discharge
        Every one of them must succeed.
    uses : tuple of Use
        Earlier lemmas that the proof rests on.
    model : str
        The computation model that it speaks of: "R1", "R2" or "R3".
    formula : str
        Its conclusion in LaTeX, for readers; no checker reads it. Lemmas with a formal statement derive theirs from it.
    """

    id: str
    words: str
    range: str
    discharges: tuple[Discharge, ...]
    uses: tuple[Use, ...] = ()
    model: str = "R1"
    formula: str = ""

    @property
    def on_paper(self) -> bool:
        """Whether it rests on a citation that neither the kernel nor Coq makes good: a computation cannot, and a solver
        speaks of the formula that it is given.
        """
        cited = any(isinstance(discharge, Cited) for discharge in self.discharges)
        return cited and not any(isinstance(discharge, ByKernel | ByCoq) for discharge in self.discharges)

    @property
    def statement(self) -> Statement | None:
        """The formal statement over the reals, if the lemma has one."""
        for discharge in self.discharges:
            if isinstance(discharge, BySolvers):
                return discharge.statement
        return None
