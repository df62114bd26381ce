"""Forgeries of the book: a deleted edge, a stronger goal, a swapped certificate each make a check fail."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lowerbound.errors import InvalidArgument, UnknownName
from lowerbound.kernel.judge import judge_file
from lowerbound.kernel.verdict import Outcome
from lowerbound.prove import solvers
from lowerbound.prove.blueprint import explanation, page, picture
from lowerbound.prove.book import Book, counter_models, load_book, solver_scripts
from lowerbound.prove.check import Check
from lowerbound.prove.claims import polynomial_claim
from lowerbound.prove.expression import Relation, variables
from lowerbound.prove.kernel_check import BUNDLE, make_bundle
from lowerbound.prove.lemma import (
    ByComputation,
    ByKernel,
    BySolvers,
    Cited,
    Evidence,
    Lemma,
    Statement,
    Use,
    computation,
    statement_digest,
)
from lowerbound.prove.readers import check_denominators, cleared
from lowerbound.prove.solvers import ask, begun
from lowerbound.prove.verify import verify
from tests.marks import first_now

ROOT = Path(__file__).parent.parent.parent
ODD_ANSWERS = """print('[]x'); print(7); print('["p", "maybe"]'); print('["s", "sat"]'); print('["r", "sat"]')
print('["q", "uns')"""
"""Words that are no answers, an answer to a question that nobody asked, one answer, and one that is cut off."""
PROOFS = ROOT / "proofs"
WITHOUT_COQ = ("z3", "cvc5", "kernel", "computation")


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(PROOFS)


SOLVED = [lemma.id for lemma in load_book(PROOFS).lemmas if lemma.statement is not None]


def outcome_of(book: Book, lemma: str, checker: str) -> Check:
    """The check of one kind on one lemma."""
    report = verify(book, only=[lemma], backends=[checker])
    entry = next(entry for entry in report.entries if entry.lemma.id == lemma)
    return next(check for check in entry.checks if check.checker == checker)


def changed(book: Book, lemma: Lemma) -> Book:
    """The book with one lemma replaced by another of the same id."""
    return replace(book, lemmas=tuple(lemma if one.id == lemma.id else one for one in book.lemmas))


@pytest.mark.slow
def test_everything_but_coq_is_verified(book: Book) -> None:
    """Definition: solvers, kernel and computations say yes to the whole book; without Coq it is OPEN."""
    report = verify(book, backends=WITHOUT_COQ)
    for entry in report.entries:
        for check in entry.checks:
            on_paper = check.checker.startswith("cited: ")
            wanted = "on paper" if on_paper else "undecided" if check.checker == "coq" else "verified"
            assert check.outcome == wanted, (entry.lemma.id, check)
    assert report.word == "OPEN"
    assert report.exit_code == 3
    by_id = {entry.lemma.id: entry.status for entry in report.entries}
    assert by_id["reading_a_bit"] == "proved"
    assert by_id[book.theorem] == "open"
    data = report.to_json()
    assert {"id", "status", "range", "checked_by", "assumptions", "seconds"} <= set(data["lemmas"][0])
    assert set(data["theorem"]) >= {"status", "assumptions"}


@pytest.mark.parametrize("lemma", first_now(SOLVED))
def test_a_stronger_goal_is_refuted(book: Book, lemma: str) -> None:
    """Forgery: every solver lemma with its goal strengthened by a constant fails, with both solvers."""
    target = book.find(lemma)
    statement = target.statement
    assert statement is not None
    left, right = cleared(statement.goal)
    stronger = Relation(left + Fraction(10**6), statement.goal.sign, right)
    forged = replace(target, discharges=(BySolvers(Statement(statement.hypotheses, stronger)),))
    for solver in ("z3", "cvc5"):
        check = outcome_of(changed(book, forged), lemma, solver)
        assert check.outcome != "verified", (solver, check)


@pytest.mark.parametrize("edge", first_now(["softmax_gap_above", "softmax_gap_below", "decoding_bit"]))
def test_a_deleted_edge_breaks_the_proof(book: Book, edge: str) -> None:
    """Forgery: without one of the lemmas it uses, and the fact that feeds it, reading a bit does not follow."""
    lemma = book.find("reading_a_bit")
    statement = lemma.statement
    assert statement is not None
    facts = {
        "softmax_gap_above": ("gap of token 0",),
        "softmax_gap_below": ("gap of token 1",),
        "decoding_bit": ("multiplier",),
    }
    rest = {name: r for name, r in statement.hypotheses.items() if name not in facts[edge]}
    forged = replace(
        lemma,
        discharges=(BySolvers(Statement(rest, statement.goal)),),
        uses=tuple(use for use in lemma.uses if use.lemma != edge),
    )
    assert outcome_of(changed(book, forged), lemma.id, "z3").outcome == "rejected"


def test_a_hypothesis_that_is_not_needed_may_not_be_called_needed(book: Book) -> None:
    """Forgery: a claim of need without a counter-model is rejected."""
    lemma = book.find("decoding_bit")
    statement = lemma.statement
    assert statement is not None
    (eta,) = variables("eta")
    padded = Statement({**statement.hypotheses, "idle": eta >= -7}, statement.goal)
    forged = replace(lemma, discharges=(BySolvers(padded, needed=("gap", "idle")),))
    assert outcome_of(changed(book, forged), lemma.id, "z3").outcome == "rejected"
    wrong = replace(lemma, discharges=(BySolvers(padded, needed=("nothing",)),))
    with pytest.raises(InvalidArgument, match="own premises"):
        verify(changed(book, wrong), only=[lemma.id])


@pytest.mark.parametrize("lemma", SOLVED)
def test_needed_premises_have_exact_counter_models(book: Book, lemma: str) -> None:
    """Law: without a premise that is called needed, the lemma is false at exact values, checked by substitution."""
    models = counter_models(book, book.find(lemma))
    assert models
    assert all(model is not None for model in models.values()), models


def test_contradictory_hypotheses_are_rejected(book: Book) -> None:
    """Forgery: a vacuous lemma proves everything, and is rejected for it."""
    (eta,) = variables("eta")
    vacuous = Lemma("vacuous", "anything", "nothing", (BySolvers(Statement({"a": eta < 0, "b": eta > 0}, eta > 5)),))
    check = outcome_of(replace(book, lemmas=(*book.lemmas, vacuous)), "vacuous", "cvc5")
    assert check.outcome == "rejected"
    assert "hypotheses hold somewhere" in check.reason


def test_refutation_is_inherited(book: Book) -> None:
    """Law: what uses a refuted lemma is refuted, what uses an open one is open, and a citation is named."""

    def fails() -> int:
        raise AssertionError("2 is not 3")

    def holds() -> int:
        return 1

    def counted(name: str, count: Callable[[], int], *uses: str) -> Lemma:
        return Lemma(name, name, "one case", (computation(name, "one case", count),), uses=tuple(map(Use, uses)))

    root, child = counted("root", fails), counted("child", holds, "root")
    bare = Lemma("bare", "said", "all", ())
    heir = counted("heir", holds, "bare")
    report = verify(Book(PROOFS, (root, child, bare, heir), "child"))
    statuses = {entry.lemma.id: entry.status for entry in report.entries}
    assert list(statuses.values()) == ["refuted", "refuted", "open", "open"]
    assert report.entries[0].checks[0].reason == "2 is not 3"
    assert report.word == "NOT VERIFIED"
    assert report.exit_code == 1


def test_a_computation_does_not_launder_a_paper_proof(book: Book) -> None:
    """Forgery: `clique` with a computation beside its citation, or with a solver's triviality, stays on paper."""
    (x,) = variables("x")
    clique = book.find("clique")
    for discharge in (
        computation(clique.words, clique.range, lambda: 1),
        BySolvers(Statement({"x": x > 0}, x >= 0)),
    ):
        laundered = replace(clique, discharges=(*clique.discharges, discharge))
        lemmas = tuple(laundered if one.id == "clique" else one for one in book.lemmas)
        report = verify(replace(book, lemmas=lemmas), only=["clique"])
        assert report.entries[-1].status == "proved on paper, not machine-checked"
        assert report.word == "OPEN"
        assert "lemma clique is not the released one" in report.changes


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (lambda: 1, "must return evidence, got int"),
        (lambda: Evidence(statement_digest("other words"), "one case", 1), "another statement or range"),
        (lambda: Evidence(statement_digest("words"), "all", 1), "another statement or range"),
        (lambda: Evidence(statement_digest("words"), "one case", 0), "no case was checked"),
    ],
)
def test_evidence_names_its_statement_and_range(check: Any, reason: str) -> None:
    """Forgery: a bare number, evidence of another lemma, of another range, or of nothing is a rejection."""
    lemma = Lemma("lemma", "words", "one case", (ByComputation(check),))
    (found,) = verify(Book(PROOFS, (lemma,), "lemma")).entries[0].checks
    assert found.outcome == "rejected"
    assert reason in found.reason


@pytest.mark.parametrize("denominator", ["b", "b * b", "b - a", "-1"])
def test_a_denominator_needs_a_sign(denominator: str) -> None:
    """Forgery: with b < 0, clearing denominators would prove a / b > 0 for a > 0, in both solvers and the kernel."""
    a, b = variables("a b")
    below = {"b": b, "b * b": b * b, "b - a": b - a, "-1": a * 0 - 1}[denominator]
    statement = Statement({"a": a > 0, "b": b < 0}, a / below > 0)
    with pytest.raises(InvalidArgument, match="denominator must be positive by the hypotheses"):
        polynomial_claim(statement)
    lemma = Lemma("lemma", "words", "all reals", (BySolvers(statement),))
    with pytest.raises(InvalidArgument, match="denominator must be positive by the hypotheses"):
        verify(Book(PROOFS, (lemma,), "lemma"))


def test_denominators_that_are_seen_to_be_positive() -> None:
    """Definition: stated signs, sums, products, and differences with a stated order."""
    a, b = variables("a b")
    for hypotheses, denominator in (
        ({"b": b > 0}, b),
        ({"a": a >= 0, "b": b > 0}, a + b),
        ({"a": a > 0, "b": b > 0}, a * b),
        ({"order": a < b}, b - a),
    ):
        check_denominators(Statement(hypotheses, a / denominator < 1))
    check_denominators(Statement({"a": a > 0}, a / 3 < 1))


def test_a_lemma_on_paper_says_so_and_carries_nothing() -> None:
    """Law: citations alone are never called proved or verified, and do not touch what machines check beside them."""

    def holds() -> int:
        return 1

    checked = Lemma("checked", "counted", "all", (computation("counted", "all", holds),))
    paper = Lemma("paper", "known", "all", (Cited("a page, not machine-checked"), Cited("another")))
    report = verify(Book(PROOFS, (checked, paper), "checked"))
    assert report.word == "CHANGED", "a book of our own is never VERIFIED"
    assert report.theorem.assumptions == ()
    entry = report.entries[-1]
    assert entry.status == "proved on paper, not machine-checked"
    assert (entry.checked_by, [check.outcome for check in entry.checks]) == ((), ["on paper", "on paper"])
    assert entry.assumptions == ("cited: a page, not machine-checked", "cited: another")
    assert verify(Book(PROOFS, (checked, paper), "paper")).word == "UNDECIDED"
    assert verify(Book(PROOFS, (checked, paper), "checked"), only=["paper"]).word == "OPEN"
    reader = Lemma("reader", "follows", "all", (computation("follows", "all", holds),), uses=(Use("paper"),))
    with pytest.raises(InvalidArgument, match="must rest on machine-checked lemmas, got 'paper'"):
        Book(PROOFS, (checked, paper, reader), "checked").graph()


@pytest.mark.parametrize(
    ("lemmas", "sentence"),
    [
        (
            (Lemma("a", "", "", (), uses=(Use("b"),)), Lemma("b", "", "", (), uses=(Use("a"),))),
            "must use earlier lemmas",
        ),
        ((Lemma("a", "", "", (), uses=(Use("a"),)),), "must use earlier lemmas"),
        ((Lemma("a", "", "", ()), Lemma("a", "", "", ())), "unique"),
        ((Lemma("b", "", "", ()),), "theorem must be one of its lemmas"),
    ],
)
def test_books_without_order_are_refused(lemmas: tuple[Lemma, ...], sentence: str) -> None:
    """Forgery: cycles, self-use, double ids, a missing theorem."""
    with pytest.raises(InvalidArgument, match=sentence):
        Book(PROOFS, lemmas, "a").graph()


def test_a_lemma_without_checks_is_open() -> None:
    """Law: nothing is proved by being written down."""
    report = verify(Book(PROOFS, (Lemma("bare", "said", "all", ()),), "bare"))
    assert report.entries[0].status == "open"
    assert report.word == "UNDECIDED"


def test_unknown_answers_are_failures(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a solver that gives up, is cut off or is missing leaves the lemma open."""
    monkeypatch.setattr(solvers, "PROGRAMS", {"z3": "import time; time.sleep(60)", "cvc5": ODD_ANSWERS})
    assert ask("z3", {"q": "(check-sat)"}, wall_limit_s=0.5) == {"q": "unknown"}
    assert ask("cvc5", {"p": "", "q": "", "r": ""}) == {"p": "unknown", "q": "unknown", "r": "sat"}
    monkeypatch.undo()
    monkeypatch.setattr("lowerbound.prove.solver_checks.available", lambda: ())
    check = outcome_of(book, "decoding_bit", "cvc5")
    assert (check.outcome, check.reason) == ("undecided", "cvc5 is not installed")


def test_a_solver_that_nobody_asks_ends_with_its_context() -> None:
    """Law: whatever is raised beside a solver, its process does not stay."""
    with pytest.raises(InvalidArgument), begun("cvc5") as process:
        raise InvalidArgument("beside it")
    assert process.returncode is not None


@pytest.mark.slow
def test_the_solvers_are_independent_processes(book: Book) -> None:
    """Differential: z3 and cvc5 answer every question of the book alike."""
    scripts = {name: text for lemma in book.lemmas for name, (text, _) in solver_scripts(book, lemma).items()}
    assert len(scripts) > 20
    assert ask("z3", scripts) == ask("cvc5", scripts)


def test_certificates_are_bound_to_the_lemmas(book: Book, tmp_path: Path) -> None:
    """Forgery: a weaker bundle, another lemma's certificate, or none at all is rejected."""
    copy = tmp_path / "proofs"
    shutil.copytree(PROOFS, copy, ignore=shutil.ignore_patterns("coq", "__pycache__"))
    forged = load_book(copy)
    bundle = json.loads((copy / BUNDLE).read_text(encoding="utf-8"))
    names = {
        statement["id"]: entry for statement, entry in zip(bundle["statements"], bundle["certificates"], strict=True)
    }
    names["covering_codes/1"]["payload"], names["covering_codes/2"]["payload"] = (
        names["covering_codes/2"]["payload"],
        names["covering_codes/1"]["payload"],
    )
    (copy / BUNDLE).write_text(json.dumps(bundle), encoding="utf-8")
    assert outcome_of(forged, "covering_codes", "kernel").outcome == "verified"  # the first of three
    report = verify(forged, only=["covering_codes"], backends=["kernel"])
    assert [check.outcome for check in report.entries[0].checks] == ["verified", "rejected", "rejected"]
    (copy / BUNDLE).write_text("{}", encoding="utf-8")
    assert outcome_of(forged, "entropy_half", "kernel").outcome == "rejected"
    (copy / BUNDLE).unlink()
    assert "bundle" in outcome_of(forged, "entropy_half", "kernel").reason
    weaker = book.find("explicit_keys").discharges[0]
    assert isinstance(weaker, ByKernel)
    stronger = replace(weaker, claim={**weaker.claim, "coherence": "1/9"})
    lemma = replace(book.find("explicit_keys"), discharges=(stronger,))
    assert "no certificate" in outcome_of(changed(book, lemma), "explicit_keys", "kernel").reason


def test_generated_files_are_fresh(book: Book) -> None:
    """Law: the bundle, the page and the picture are what `python -m proofs` would write now."""
    assert json.loads((PROOFS / BUNDLE).read_text(encoding="utf-8")) == make_bundle(book)
    assert (PROOFS / "BLUEPRINT.md").read_text(encoding="utf-8") == page(book)
    assert (PROOFS / "graph.svg").read_text(encoding="utf-8") == picture(book)


def test_the_committed_bundle_is_judged_without_the_book() -> None:
    """Definition: the kernel alone verifies every statement of the bundle."""
    verdicts = judge_file(PROOFS / BUNDLE)
    assert len(verdicts) == 31
    assert {verdict.outcome for verdict in verdicts.values()} == {Outcome.VERIFIED}


def test_explanations_name_everything(book: Book) -> None:
    """Definition: words, hypotheses, goal, checks, uses."""
    report = verify(book, only=["reading_a_bit"], backends=["z3"])
    text = explanation(book, next(entry for entry in report.entries if entry.lemma.id == "reading_a_bit"))
    for piece in ("multiplier: 2*tau < 1 - eta", "goal: h0 < h1", "z3", "uses: softmax_gap_above"):
        assert piece in text


def test_unknown_lemmas_and_folders(book: Book, tmp_path: Path) -> None:
    """Bad input: did you mean; a folder without a book."""
    with pytest.raises(UnknownName, match="did you mean index_bound"):
        book.find("index_bond")
    with pytest.raises(InvalidArgument, match="proof book"):
        load_book(tmp_path)
