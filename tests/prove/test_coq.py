"""Real Coq: the whole book is VERIFIED, and files that cheat are rejected, each for the right reason.

All tests that run coqc are in this file, so that one process builds the folder.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from lowerbound.certify.theorems import book_record
from lowerbound.prove.blueprint import explanation, page
from lowerbound.prove.book import Book, load_book
from lowerbound.prove.coq import AXIOMS, CoqFolder, CoqMissing, CoqRejected
from lowerbound.prove.lemma import ByCoq, Use
from lowerbound.prove.summary import inserted, record, summary
from lowerbound.prove.verify import ON_PAPER, verify

ROOT = Path(__file__).parent.parent.parent
PROOFS = ROOT / "proofs"
ON_PAPER_ALONE = ("collision", "clique", "public_weights", "f_hat_fibres")
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(autouse=True)
def _needs_coq() -> None:
    if shutil.which("coqc") is None:
        assert "CI" not in os.environ, "CI must give Coq: apt-get install coq libcoq-mathcomp-ssreflect"
        pytest.skip("needs coqc: apt-get install coq libcoq-mathcomp-ssreflect brings it on Debian")


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(PROOFS)


def test_the_book_is_verified(book: Book) -> None:
    """Definition: every check of every lemma, and the theorem rests on the axioms of the reals alone."""
    report = verify(book)
    for entry in report.entries:
        for check in entry.checks:
            assert check.outcome == ("on paper" if check.checker.startswith("cited: ") else "verified"), check
        assert entry.status == (ON_PAPER if entry.lemma.id in ON_PAPER_ALONE else "proved"), entry.lemma.id
    assert report.word == "VERIFIED"
    assert report.theorem.assumptions == ("the four axioms of Coq's real numbers",)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert inserted(readme, summary(report)) == readme, "the README's table is stale: python -m proofs"
    assert record(report) == book_record(), "the record of statuses is stale: python -m proofs"


@pytest.mark.parametrize(
    ("lemma", "where"),
    [
        ("collision", "docs/cliques.md"),
        ("clique", "docs/cliques.md"),
        ("public_weights", "docs/replay.md"),
        ("f_hat_fibres", "docs/replay.md"),
    ],
)
def test_theorems_d_e_r2_and_r3_are_on_paper(book: Book, lemma: str, where: str) -> None:
    """Law: their pages say that no machine checked them, wherever they are shown."""
    report = verify(book, only=[lemma])
    assert report.word == "UNDECIDED"
    assert report.entries[-1].to_json()["status"] == "proved on paper, not machine-checked"
    told = explanation(book, report.entries[-1])
    assert f"{lemma}: proved on paper, not machine-checked" in told
    assert "used by: nothing" in told
    assert f"* checked by no machine: {where}" in page(book).partition(f"## {lemma}\n")[2].partition("\n## ")[0]


def test_every_statement_of_the_summary_rests_on_the_pinned_axioms() -> None:
    """Law: all theorems of Theorems.v and Instances.v together rest on exactly the four axioms."""
    folder = CoqFolder(PROOFS / "coq")
    folder.build()
    theorems = {name: module for name, (module, _) in folder.statements.items() if module in ("Theorems", "Instances")}
    assert len(theorems) > 70
    assert folder.assumptions(theorems) == AXIOMS


def test_an_edge_must_be_an_inference(book: Book) -> None:
    """Forgery: a lemma that claims to use another, and whose Coq proof does not, is rejected."""
    lemma = book.find("schedule_sums")
    forged = replace(lemma, uses=(Use("index_bound"),))
    lemmas = tuple(forged if one.id == lemma.id else one for one in book.lemmas)
    report = verify(replace(book, lemmas=lemmas), only=[lemma.id], backends=["coq"])
    check = report.entries[-1].checks[0]
    assert check.outcome == "rejected"
    assert "the edge is no inference" in check.reason


def test_a_lemma_must_read_what_coq_says(book: Book) -> None:
    """Forgery: a constant that the Coq statement does not have, or a theorem that does not exist."""
    lemma = book.find("index_binary")
    for theorem, piece, sentence in (
        ("index_binary", "(1 - H2 delta) * (2 * N I) <= log2 (N S)", "must read"),
        ("index_binari", "", "did you mean index_binary"),
    ):
        forged = replace(lemma, discharges=(ByCoq(theorem, (piece,)),), uses=())
        lemmas = tuple(forged if one.id == lemma.id else one for one in book.lemmas)
        report = verify(replace(book, lemmas=lemmas), only=[lemma.id], backends=["coq"])
        assert report.entries[-1].checks[0].outcome == "rejected"
        assert sentence in report.entries[-1].checks[0].reason


def folder_with(place: Path, text: str) -> CoqFolder:
    """A folder of one Coq file."""
    (place / "_CoqProject").write_text("-R . LowerBound\nOnly.v\n")
    (place / "Only.v").write_text(text)
    return CoqFolder(place)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Theorem t : 1 = 2.\nProof. Admitted.\n", "must prove everything, got Admitted"),
        ("Axiom a : 1 = 2.\nTheorem t : 1 = 2.\nProof. exact a. Qed.\n", "got Axiom"),
        ("Parameter a : 1 = 2.\nTheorem t : 1 = 2.\nProof. exact a. Qed.\n", "got Parameter"),
        ("Theorem t : 1 = 2.\nProof. reflexivity. Qed.\n", "is rejected"),
        ("Theorem t : 1 = 1.\nProof. admit. Qed.\n", "got admit"),
    ],
)
def test_cheating_files_are_rejected(tmp_path: Path, text: str, sentence: str) -> None:
    """Forgery: Admitted, an axiom, a parameter, a false theorem."""
    with pytest.raises(CoqRejected, match=sentence):
        folder_with(tmp_path, text).build()


def test_an_imported_axiom_is_found(tmp_path: Path) -> None:
    """Forgery: an axiom that comes in through the library, where no word betrays it."""
    folder = folder_with(
        tmp_path,
        "From Coq Require Import ClassicalEpsilon.\n"
        "Theorem t (P : nat -> Prop) : (exists x, P x) -> {x : nat | P x}.\n"
        "Proof. exact (constructive_indefinite_description P). Qed.\n",
    )
    assert folder.build() == 1
    assert folder.build() == 0
    with pytest.raises(CoqRejected, match="constructive_indefinite_description"):
        folder.check_assumptions({"t": "Only"})


def test_a_theorem_without_axioms_rests_on_nothing(tmp_path: Path) -> None:
    """Known value: arithmetic is closed under the global context."""
    folder = folder_with(tmp_path, "Theorem t : 1 + 1 = 2.\nProof. reflexivity. Qed.\n")
    folder.build()
    assert folder.assumptions({"t": "Only"}) == frozenset()


def test_without_coq_nothing_is_verified(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a missing coqc leaves open what only Coq proves, and the word is UNDECIDED."""
    monkeypatch.setenv("PATH", "/nonexistent")
    report = verify(book)
    assert report.word == "UNDECIDED"
    assert report.theorem.status == "open"
    with pytest.raises(CoqMissing, match="apt-get install coq"):
        CoqFolder(PROOFS / "coq")._run("coqc", "--version")


@pytest.mark.slow
def test_an_independent_checker_agrees() -> None:
    """Differential: coqchk reads every object file again with its own kernel, and finds the same axioms."""
    folder = CoqFolder(PROOFS / "coq")
    folder.build()
    assert folder.recheck() == {axiom.rpartition(".")[2] for axiom in AXIOMS}
