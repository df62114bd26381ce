"""The checks by solvers: each answers the questions about all lemmas in a process of its own, side by side."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from lowerbound.core.scalars import counted
from lowerbound.prove.book import Book, solver_scripts
from lowerbound.prove.check import Check
from lowerbound.prove.lemma import BySolvers, Lemma
from lowerbound.prove.solvers import Answer, answers_of, available, begun

SOLVERS = ("z3", "cvc5")


@contextmanager
def solvers_asked(
    book: Book, lemmas: Sequence[Lemma], runs: set[str], watch: Callable[[str], None]
) -> Iterator[Callable[[], dict[str, dict[str, Check]]]]:
    """A context with a function that waits for the checks by solvers, of each solver and each lemma.

    Contract: a check is verified iff every answer is the acceptable one. The solvers are a process each: they load
    while the questions are written, and answer side by side.
    """
    has_questions = any(isinstance(discharge, BySolvers) for lemma in lemmas for discharge in lemma.discharges)
    running = [solver for solver in SOLVERS if has_questions and solver in runs and solver in available()]
    with ThreadPoolExecutor(len(SOLVERS)) as pool, ExitStack() as stack:
        processes = {solver: stack.enter_context(begun(solver)) for solver in running}
        questions = {lemma.id: solver_scripts(book, lemma) for lemma in lemmas}
        scripts = {name: text for asked in questions.values() for name, (text, _) in asked.items()}
        for solver in running:
            watch(solver)
        answered = {solver: pool.submit(_answered, process, scripts) for solver, process in processes.items()}

        def checks() -> dict[str, dict[str, Check]]:
            found = {}
            for solver in SOLVERS:
                why_not = "not run" if solver not in runs else f"{solver} is not installed"
                answers, seconds = answered[solver].result() if solver in answered else ({}, 0.0)
                share = seconds / max(1, len(scripts))
                found[solver] = {
                    lemma: _solver_check(solver, asked, answers, share, None if solver in answered else why_not)
                    for lemma, asked in questions.items()
                }
            return found

        yield checks


def _answered(process: subprocess.Popen[bytes], scripts: Mapping[str, str]) -> tuple[dict[str, Answer], float]:
    """The answers to all scripts, and the seconds that they took."""
    start = time.perf_counter()
    return answers_of(process, scripts), time.perf_counter() - start


def _solver_check(
    solver: str,
    asked: Mapping[str, tuple[str, Answer]],
    answers: Mapping[str, Answer],
    share: float,
    why_not: str | None,
) -> Check:
    seconds = share * len(asked)
    if why_not is not None:
        return Check(solver, "undecided", why_not, 0)
    for name, (_, wanted) in asked.items():
        if answers[name] == "unknown":
            return Check(solver, "undecided", f"{name}: unknown", seconds)
        if answers[name] != wanted:
            return Check(solver, "rejected", f"{name}: {answers[name]} instead of {wanted}", seconds)
    return Check(solver, "verified", counted(len(asked), "answer"), seconds)
