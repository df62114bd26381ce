"""Verification of the book: every check is run, and every status is derived from checks; none is written by hand.

A lemma is proved iff all its own checks succeed and every lemma it uses is proved. What a theorem rests on is the union
over its ancestors. `unknown` is never a success, and neither is a citation: a lemma that has only citations has the
status "proved on paper, not machine-checked", and no other lemma may use it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import networkx as nx

from lowerbound.core.scalars import counted
from lowerbound.errors import LowerBoundError
from lowerbound.prove.book import Book
from lowerbound.prove.check import Check, Outcome
from lowerbound.prove.coq import Compiled, CoqFolder
from lowerbound.prove.coq_program import CoqMissing
from lowerbound.prove.kernel_check import judge_claim
from lowerbound.prove.lemma import ByComputation, ByCoq, ByKernel, BySolvers, Cited, Evidence, Lemma, statement_digest
from lowerbound.prove.released import changes, coq_differences, differences, digest, sentence
from lowerbound.prove.solver_checks import SOLVERS, solvers_asked

Status = Literal["proved", "proved on paper, not machine-checked", "refuted", "open"]
ON_PAPER: Status = "proved on paper, not machine-checked"
AXIOMS_OF_THE_REALS = "the four axioms of Coq's real numbers"
_Question = Callable[[], tuple[Outcome, str]]
BACKENDS = (*SOLVERS, "kernel", "coq", "computation")


@dataclass(frozen=True)
class LemmaReport:
    """The result for one lemma: its checks, its status, its checkers, and the assumptions of it and its ancestors."""

    lemma: Lemma
    checks: tuple[Check, ...]
    status: Status
    checked_by: tuple[str, ...]
    assumptions: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Seconds of all its checks together."""
        return sum(check.seconds for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "id": self.lemma.id,
            "words": self.lemma.words,
            "status": self.status,
            "range": self.lemma.range,
            "model": self.lemma.model,
            "checked_by": list(self.checked_by),
            "assumptions": list(self.assumptions),
            "seconds": round(self.seconds, 3),
            "checks": [
                {"checker": check.checker, "outcome": check.outcome, "reason": check.reason} for check in self.checks
            ],
        }


@dataclass(frozen=True)
class Report:
    """The results for all lemmas; without the theorem among them, `theorem` is the last lemma that was verified."""

    entries: tuple[LemmaReport, ...]
    theorem: LemmaReport
    complete: bool
    changes: tuple[str, ...] = ()
    """In what this book differs from the released one, one sentence each."""
    asked: tuple[str, ...] = ()
    """The ids of the lemmas that were asked for; empty where the whole book was."""
    coq_is_kept: bool = False
    """Whether Coq's results are those of an earlier run of the same sources."""

    @property
    def word(self) -> str:
        """VERIFIED, NOT VERIFIED or UNDECIDED of the whole book; PROVED, REFUTED or OPEN of a part; CHANGED of either.

        The word for the whole speaks of the theorem and of every lemma with a checker; lemmas on paper keep their own
        status beside it. A part is PROVED iff every lemma that was asked for is, by checks that were run; it is never
        VERIFIED, because the theorem was not. CHANGED stands for VERIFIED and PROVED where the book is not the released
        one: every check passed, and what its sentences mean is for a reader to judge.
        """
        statuses = {entry.status for entry in self.entries}
        if not self.complete:
            wanted = {entry.status for entry in self.entries if not self.asked or entry.lemma.id in self.asked}
            if "refuted" in wanted or wanted != {"proved"}:
                return "REFUTED" if "refuted" in wanted else "OPEN"
            return "CHANGED" if self.changes else "PROVED"
        if "refuted" in statuses:
            return "NOT VERIFIED"
        checked = statuses <= {"proved", ON_PAPER} and self.theorem.status == "proved"
        if not (checked and self.complete):
            return "UNDECIDED"
        return "CHANGED" if self.changes else "VERIFIED"

    @property
    def exit_code(self) -> int:
        """0 for VERIFIED and PROVED, 1 for NOT VERIFIED and REFUTED, 3 for UNDECIDED, OPEN and CHANGED."""
        return {"VERIFIED": 0, "PROVED": 0, "NOT VERIFIED": 1, "REFUTED": 1}.get(self.word, 3)

    @property
    def verdict(self) -> str:
        """The word; that of a proved part says of what it speaks."""
        lemmas = (
            "the lemma and all that it rests on" if len(self.asked) == 1 else "the lemmas and all that they rest on"
        )
        return f"PROVED: {lemmas}" if self.word == "PROVED" else self.word

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "verdict": self.word,
            "lemmas": [entry.to_json() for entry in self.entries],
            "theorem": {
                "id": self.theorem.lemma.id,
                "status": self.theorem.status,
                "assumptions": list(self.theorem.assumptions),
            },
            "changes": list(self.changes),
            "coq_is_kept": self.coq_is_kept,
        }


def verify(
    book: Book,
    *,
    only: Sequence[str] = (),
    backends: Sequence[str] = (),
    strict: bool = False,
    watch: Callable[[str], None] = lambda _: None,
) -> Report:
    """Run every check of the book and derive what is proved.

    Contract: a lemma is "proved" iff all its checks were run and verified and all lemmas it uses are proved; citations
    beside its checks are listed among its assumptions. It is "proved on paper, not machine-checked" iff it has only
    citations, "refuted" iff a check rejected it or a lemma it uses, and else "open". `only` and `backends` restrict
    what is run; a lemma with a check that was not run is never called proved.

    Parameters
    ----------
    only : lemma ids; their ancestors are verified too
    backends : some of BACKENDS
    strict : bool
        Compile and audit the Coq files anew, whatever was kept of an earlier run of the same sources.
    """
    graph = book.graph()
    wanted = set(only) or set(graph)
    for name in only:
        wanted |= {book.find(name).id, *nx.ancestors(graph, name)}
    chosen = [lemma for lemma in book.lemmas if lemma.id in wanted]
    runs = set(backends) or set(BACKENDS)

    # Coq and the solvers are processes, for which this thread waits; meanwhile another one judges and counts. What it
    # has begun is a matter of seconds, so that a signal, which only this thread receives, still ends all in order.
    with closing(_Here(book, chosen, runs, watch)) as here, solvers_asked(book, chosen, runs, watch) as solvers:
        coq = _Coq(CoqFolder(book.directory / "coq"), chosen, "coq" in runs, strict)
        solved, found = solvers(), here.found()
    entries: dict[str, LemmaReport] = {}
    for lemma in chosen:
        checks: list[Check] = []
        for place, discharge in enumerate(lemma.discharges):
            match discharge:
                case BySolvers():
                    checks += [solved[name][lemma.id] for name in SOLVERS]
                case ByKernel() | ByComputation():
                    checks.append(found[lemma.id, place])
                case ByCoq():
                    checks.append(coq.check(lemma, discharge))
                case Cited(reference):
                    checks.append(Check(f"cited: {reference}", "on paper", "checked by no machine", 0))
        entries[lemma.id] = _entry(lemma, tuple(checks), entries)
    last = entries[chosen[-1].id]
    complete = not only and not backends
    sentences = {lemma.id: digest(sentence(lemma)) for lemma in book.lemmas}
    changed = (*changes(book.directory), *differences("lemmas", sentences), *coq.changes)
    return Report(tuple(entries.values()), entries.get(book.theorem, last), complete, changed, tuple(only), coq.is_kept)


def _entry(lemma: Lemma, checks: tuple[Check, ...], earlier: Mapping[str, LemmaReport]) -> LemmaReport:
    used = [earlier[use.lemma] for use in lemma.uses]
    outcomes = {check.outcome for check in checks}
    statuses = {entry.status for entry in used}
    status: Status
    if "rejected" in outcomes or "refuted" in statuses:
        status = "refuted"
    elif checks and outcomes <= {"verified", "on paper"} and statuses <= {"proved"}:
        status = ON_PAPER if lemma.on_paper else "proved"
    else:
        status = "open"
    checked_by = tuple(dict.fromkeys(check.checker for check in checks if check.outcome == "verified"))
    own = {AXIOMS_OF_THE_REALS} if "coq" in checked_by else set()
    own |= {"z3 and cvc5 agree"} if "z3" in checked_by else set()
    own |= {check.checker for check in checks if check.outcome == "on paper"}
    assumptions = sorted(own.union(*(entry.assumptions for entry in used)))
    return LemmaReport(lemma, checks, status, checked_by, tuple(assumptions))


class _Here:
    """The checks that this process makes, by the kernel and by computation: one after the other, in a thread.

    Contract: `found` has the check of every such discharge, by the lemma and the discharge's place in it. Once it is
    closed, no check is begun any more.
    """

    def __init__(self, book: Book, lemmas: Sequence[Lemma], runs: set[str], watch: Callable[[str], None]) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._asked: dict[tuple[str, int], Future[Check]] = {}
        for lemma in lemmas:
            for place, discharge in enumerate(lemma.discharges):
                if isinstance(discharge, ByKernel):
                    question: _Question = partial(judge_claim, book.directory, f"{lemma.id}/{place}", discharge)
                    begun = partial(_timed, "kernel", question, "kernel" in runs)
                elif isinstance(discharge, ByComputation):
                    begun = partial(_timed, "computation", partial(_count, lemma, discharge), "computation" in runs)
                else:
                    continue
                self._asked[lemma.id, place] = self._pool.submit(_watched, watch, lemma.id, begun)

    def found(self) -> dict[tuple[str, int], Check]:
        """Wait for all checks."""
        return {place: asked.result() for place, asked in self._asked.items()}

    def close(self) -> None:
        """Begin nothing more, and wait for what was begun."""
        self._pool.shutdown(cancel_futures=True)


def _watched(watch: Callable[[str], None], lemma: str, check: Callable[[], Check]) -> Check:
    watch(lemma)
    return check()


def _timed(checker: str, check: _Question, run: bool) -> Check:
    if not run:
        return Check(checker, "undecided", "not run", 0)
    start = time.perf_counter()
    outcome, reason = check()
    return Check(checker, outcome, reason, time.perf_counter() - start)


def _count(lemma: Lemma, discharge: ByComputation) -> tuple[Outcome, str]:
    try:
        found = discharge.check()
    except (AssertionError, LowerBoundError) as failure:
        return "rejected", str(failure) or "a case failed"
    if not isinstance(found, Evidence):
        return "rejected", f"a computation must return evidence, got {type(found).__name__}"
    if (found.statement, found.range) != (statement_digest(lemma.words), lemma.range):
        return "rejected", "the computation is evidence for another statement or range"
    return ("verified", counted(found.cases, "case")) if found.cases > 0 else ("rejected", "no case was checked")


class _Coq:
    """The Coq folder, compiled and audited once for all lemmas that ask for it."""

    def __init__(self, folder: CoqFolder, lemmas: Sequence[Lemma], run: bool, strict: bool) -> None:
        self._compiled: Compiled | None = None
        self._problem: tuple[Outcome, str] | None = None if run else ("undecided", "not run")
        self._seconds = 0.0
        self.changes: tuple[str, ...] = ()
        self._theorems = {
            lemma.id: [discharge.theorem for discharge in lemma.discharges if isinstance(discharge, ByCoq)]
            for lemma in lemmas
        }
        asked = [theorem for theorems in self._theorems.values() for theorem in theorems]
        if not asked or not run:
            return
        start = time.perf_counter()
        try:
            self._compiled = folder.compiled(afresh=strict)
            self._compiled.check()
            self.changes = coq_differences(self._compiled, asked)
        except CoqMissing as missing:
            self._problem = "undecided", str(missing)
        except LowerBoundError as rejection:
            self._problem = "rejected", str(rejection)
        self._seconds = (time.perf_counter() - start) / len(asked)

    @property
    def is_kept(self) -> bool:
        """Whether Coq did not have to compile and audit anything."""
        return self._compiled is not None and self._compiled.is_kept

    def check(self, lemma: Lemma, discharge: ByCoq) -> Check:
        """Whether the theorem says what the lemma reads in it, and its proof uses what the lemma says it uses."""
        if self._problem is not None:
            return Check("coq", *self._problem, self._seconds)
        assert self._compiled is not None
        statement = self._compiled.source(discharge.theorem)
        for piece in discharge.reads:
            if " ".join(piece.split()) not in statement:
                reason = f"{discharge.theorem} must read {piece!r}, and does not"
                return Check("coq", "rejected", reason, self._seconds)
        closure = frozenset().union(*(self._compiled.closure(theorem) for theorem in self._theorems[lemma.id]))
        for use in lemma.uses:
            theorems = self._theorems.get(use.lemma, [])
            if theorems and not closure & set(theorems):
                reason = f"the proof of {discharge.theorem} does not use {theorems[0]}: the edge is no inference"
                return Check("coq", "rejected", reason, self._seconds)
        return Check("coq", "verified", discharge.theorem, self._seconds)
