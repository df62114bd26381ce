"""The page of the proof: a lemma's words stand beside what its checkers are given, and nothing is lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowerbound.prove.coq import CoqFolder
from lowerbound.prove.lemma import ByCoq, ByKernel, BySolvers
from lowerbound.report.site.proof_page import Verified, coq_problem, laid_out, page, place_of, verified

PROOFS = Path(__file__).parent.parent.parent / "proofs"


def test_a_statement_has_a_line_for_each_hypothesis() -> None:
    """Known value: broken after the first colon and after hypotheses, and not within the type of a bound name."""
    told = "(T : nat) (f : nat -> R) : let x := T in 0 < T -> (f T -> R) -> exists K : I -> R, K = f -> g : A."
    assert laid_out(told).split("\n") == [
        "(T : nat) (f : nat -> R) :",
        "  let x := T in",
        "  0 < T ->",
        "  (f T -> R) ->",
        "  exists K : I -> R, K = f ->",
        "  g : A.",
    ]


def test_no_statement_loses_a_word() -> None:
    """Law: without the broken lines, a statement is what it was."""
    told = "(d : nat) : 0 < d -> forall x : I -> R, P x -> (Q -> R) -> 1 <= d."
    assert " ".join(laid_out(told).split()) == told


@pytest.fixture(scope="module")
def found() -> Verified:
    return verified(PROOFS)


@pytest.mark.long
@pytest.mark.timeout(1800)  # it may wait for another process that compiles
def test_the_theorem_comes_first_and_every_lemma_has_its_formal_statement(found: Verified) -> None:
    """Definition: the main theorem's graph stands before the whole graph; each Coq theorem is there with its file and
    line, each certificate with its kind, and solvers' hypotheses with their names."""
    text = page(found)
    assert 0 < text.index('class="proof-graph beneath"') < text.index('class="proof-graph whole"')
    coq = None if coq_problem(CoqFolder(PROOFS / "coq")) else CoqFolder(PROOFS / "coq").compiled()
    for lemma in found.book.lemmas:
        section = text.split(f"\n### {lemma.id}\n", 1)[1].split("\n### ", 1)[0]
        for each in lemma.discharges:
            if isinstance(each, ByCoq):
                assert (each.theorem if coq is None else f"Coq: {place_of(coq, each.theorem)}") in section
            elif isinstance(each, ByKernel):
                assert f"a certificate of kind `{each.kind}`" in section
            elif isinstance(each, BySolvers):
                assert all(f"{name}: " in section for name in each.statement.hypotheses)
