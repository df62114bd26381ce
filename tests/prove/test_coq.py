"""Real Coq: the whole book is VERIFIED, and files that cheat are rejected, each for the right reason.

All tests that need the compiled book, but those of pages, are in this file, so that one process builds it.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lowerbound.certify.theorems import book_record
from lowerbound.prove import released as release
from lowerbound.prove.blueprint import explanation, page, statements_page
from lowerbound.prove.book import Book, load_book
from lowerbound.prove.coq import AXIOMS, SUMMARY, CoqFolder, without_comments
from lowerbound.prove.coq_program import CoqMissing, CoqRejected, run
from lowerbound.prove.coqchk import SECTIONS
from lowerbound.prove.lemma import ByCoq, Use
from lowerbound.prove.released import changes, coq_differences, digest, released, theorems_of
from lowerbound.prove.released import record as record_of_release
from lowerbound.prove.summary import inserted, record, summary
from lowerbound.prove.verify import ON_PAPER, verify

ROOT = Path(__file__).parent.parent.parent
PROOFS = ROOT / "proofs"
ON_PAPER_ALONE = (
    "collision",
    "clique",
    "strips",
    "frames_by_classes",
    "frames_by_classes_with_failures",
    "dithered_cache",
)
pytestmark = [pytest.mark.timeout(1800), pytest.mark.usefixtures("needs_coq")]


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(PROOFS)


@pytest.mark.long
def test_a_strict_verification_starts_from_the_sources(book: Book) -> None:
    """Law: with `strict` nothing that was kept is used, and the word is the same; what it compiles is kept.

    It is the first to compile the folder, so that a machine that has kept nothing compiles it once.
    """
    began_ns = time.time_ns()
    report = verify(book, strict=True)
    assert (report.word, report.coq_is_kept) == ("VERIFIED", False)
    kept = CoqFolder(PROOFS / "coq").compiled()
    assert kept.is_kept
    assert all((kept.place / f"{module}.vo").stat().st_mtime_ns > began_ns for module in kept.modules)


@pytest.mark.long
def test_the_book_is_verified(book: Book) -> None:
    """Definition: every check of every lemma, and the theorem rests on the axioms of the reals alone."""
    report = verify(book)
    for entry in report.entries:
        for check in entry.checks:
            assert check.outcome == ("on paper" if check.checker.startswith("cited: ") else "verified"), check
        assert entry.status == (ON_PAPER if entry.lemma.id in ON_PAPER_ALONE else "proved"), entry.lemma.id
    assert report.word == "VERIFIED"
    assert verify(book, only=["index_binary"]).coq_is_kept, "the second run finds what the first has kept, and says so"
    assert report.theorem.assumptions == ("the four axioms of Coq's real numbers",)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert inserted(readme, summary(report)) == readme, "the README's table is stale: python -m proofs"
    assert record(report) == book_record(), "the record of statuses is stale: python -m proofs"


@pytest.mark.long
@pytest.mark.parametrize(
    ("lemma", "where"),
    [
        ("collision", "docs/cliques.md"),
        ("clique", "docs/cliques.md"),
        ("strips", "docs/strips.md"),
        ("frames_by_classes", "docs/frames.md"),
        ("frames_by_classes_with_failures", "docs/frames.md"),
        ("dithered_cache", "docs/dithered.md"),
    ],
)
def test_some_theorems_are_on_paper(book: Book, lemma: str, where: str) -> None:
    """Law: their pages say that no machine checked them, wherever they are shown."""
    report = verify(book, only=[lemma])
    assert report.word == "OPEN"
    assert report.entries[-1].to_json()["status"] == "proved on paper, not machine-checked"
    told = explanation(book, report.entries[-1])
    assert f"{lemma}: proved on paper, not machine-checked" in told
    assert "used by: nothing" in told
    assert f"* checked by no machine: {where}" in page(book).partition(f"## {lemma}\n")[2].partition("\n## ")[0]


@pytest.mark.long
def test_the_whole_development_rests_on_the_pinned_axioms() -> None:
    """Law: coqchk, with a kernel of its own, lists exactly the four axioms of the whole development, and no flag."""
    compiled = CoqFolder(PROOFS / "coq").compiled()
    compiled.check()
    assert compiled.axioms == AXIOMS
    assert set(compiled.summary) == set(SECTIONS)
    assert len(compiled.outline.homes) > 300


@pytest.mark.long
def test_statements_are_those_of_the_release(book: Book) -> None:
    """Law: what Coq prints of every theorem of the book, and of all they are defined by, is what the release pins."""
    compiled = CoqFolder(PROOFS / "coq").compiled()
    told = compiled.told(theorems_of(book))
    assert len(told.statements) > 50
    assert {"Values.correct", "Prelude.N", "Softmax.attention"} <= set(told.definitions)
    assert coq_differences(compiled, theorems_of(book)) == ()
    assert record_of_release(book, compiled) == released(), "the release is stale: python -m proofs"


@pytest.mark.long
def test_words_stand_beside_the_statements(book: Book) -> None:
    """Law: STATEMENTS.md is what `python -m proofs` would write now, and has every theorem that the book asks for."""
    compiled = CoqFolder(PROOFS / "coq").compiled()
    text = (PROOFS / "STATEMENTS.md").read_text(encoding="utf-8")
    assert text == statements_page(book, compiled)
    assert all(f"Theorem {compiled.full_name(theorem)}\n" in text for theorem in theorems_of(book))


@pytest.mark.long
def test_statements_for_readers(book: Book) -> None:
    """Definition: the print for readers has every theorem, with notations, and the line is where its file states it."""
    compiled = CoqFolder(PROOFS / "coq").compiled()
    readable = compiled.readable(theorems_of(book))
    assert readable.keys() == set(theorems_of(book))
    assert readable["index_binary"].startswith("forall (I W S : finType)")
    assert readable["index_binary"].endswith("(1 - H2 delta) * N I <= log2 (N S)")
    for theorem in readable:
        module = compiled.full_name(theorem).partition(".")[0]
        source = (PROOFS / "coq" / f"{module}.v").read_text(encoding="utf-8").splitlines()
        assert re.match(rf"\s*(Theorem|Lemma|Corollary) {theorem}\b", source[compiled.line(theorem) - 1]), theorem


def test_a_line_fits_and_a_long_proof_has_a_sketch() -> None:
    """Law: a Coq line has at most 110 characters, and a comment stands above what takes more than 15 lines to prove."""
    for path in CoqFolder(PROOFS / "coq").files:
        lines, start, stated = path.read_text(encoding="utf-8").splitlines(), 0, 0
        assert [line for line in lines if len(line) > 110] == [], path.name
        for number, line in enumerate(lines):
            if re.match(r"\s*(Theorem|Lemma|Corollary|Fact|Definition)\b", line):
                stated = number
            if re.search(r"\bProof\b", line):
                start = number
            if re.search(r"\bQed\.$", line) and number - start >= 15:
                assert lines[stated - 1].rstrip().endswith("*)"), f"{path.name}:{stated + 1}: {lines[stated]}"


@pytest.mark.long
def test_an_edge_must_be_an_inference(book: Book) -> None:
    """Forgery: a lemma that claims to use another, and whose Coq proof does not, is rejected."""
    lemma = book.find("schedule_sums")
    forged = replace(lemma, uses=(Use("index_bound"),))
    lemmas = tuple(forged if one.id == lemma.id else one for one in book.lemmas)
    report = verify(replace(book, lemmas=lemmas), only=[lemma.id], backends=["coq"])
    check = report.entries[-1].checks[0]
    assert check.outcome == "rejected"
    assert "the edge is no inference" in check.reason


@pytest.mark.long
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


CHEATS = {
    "Admitted": ("Theorem t : 1 = 2.\nProof. Admitted.\n", "got also LowerBound.Only.t"),
    "axiom": ("Axiom a : 1 = 2.\nTheorem t : 1 = 2.\nProof. exact a. Qed.\n", "got also LowerBound.Only.a"),
    "an axiom called as one of the reals": ("Axiom classic : False.\n", "got also LowerBound.Only.classic"),
    "parameter": ("Parameter a : 1 = 2.\n", "got also LowerBound.Only.a"),
    "hypothesis outside a section": ("Hypothesis cheat' : False.\n", "got also LowerBound.Only.cheat'"),
    "a name of other letters": ("Axiom \u00e9 : False.\n", "got also LowerBound.Only"),
    "guard off by attribute": (
        "#[bypass_check(guard)] Fixpoint f (n : nat) : False := f n.\nTheorem t : False.\nProof. exact (f 0). Qed.\n",
        "no constants/Inductives relying on unsafe",
    ),
    "guard off by flag": (
        "Unset Guard Checking.\nFixpoint f (n : nat) : False := f n.\nTheorem t : False.\nProof. exact (f 0). Qed.\n",
        "no constants/Inductives relying on unsafe",
    ),
    "positivity off": (
        "#[bypass_check(positivity)] Inductive D := L : (D -> False) -> D.\n",
        "no inductives whose positivity is assumed",
    ),
    "universes off": (
        "Unset Universe Checking.\nDefinition T : Type := Type.\nDefinition x : T := T.\n",
        "no constants/Inductives relying on type-in-type",
    ),
    "a string like a comment": (
        'Definition s := "(*"%string.\nTheorem t : False.\nProof. Admitted.\nDefinition e := "*)"%string.\n',
        "got also LowerBound.Only.t",
    ),
}


@pytest.mark.parametrize("cheat", CHEATS)
def test_cheating_files_are_rejected(tmp_path: Path, cheat: str, refused: Callable[[str, int], None]) -> None:
    """Forgery: each way to prove what is false is seen by the audit, whatever the source looks like."""
    text, sentence = CHEATS[cheat]
    head = "From Coq Require Import String.\nOpen Scope string_scope.\n" if "string" in text else ""
    with pytest.raises(CoqRejected, match=re.escape(sentence)):
        folder_with(tmp_path, head + text).compiled().check()
    refused("Coq, a source", 1)


def test_a_false_theorem_does_not_compile(tmp_path: Path) -> None:
    """Forgery: Coq itself refuses it."""
    with pytest.raises(CoqRejected, match="is rejected"):
        folder_with(tmp_path, "Theorem t : 1 = 2.\nProof. reflexivity. Qed.\n").compiled()


def test_an_object_file_beside_the_source_is_not_used(tmp_path: Path) -> None:
    """Forgery: the .vo of another source, newer than the one that is there."""
    folder = folder_with(tmp_path, "Theorem t : 1 + 1 = 2.\nProof. reflexivity. Qed.\n")
    (tmp_path / "Only.vo").write_bytes(b"whatever")
    compiled = folder.compiled()
    compiled.check()
    assert compiled.place != tmp_path
    assert compiled.statements(["Only.t"])["Only.t"].startswith("@eq nat")


PLAIN = "Definition good (n : nat) := n = 0.\nTheorem t : forall n, n = 0 -> good n.\nProof. unfold good; auto. Qed.\n"
LIES = {
    "True beside a comment": "Theorem t (* : forall n, n = 0 -> good n *) : True.\nProof. exact I. Qed.\n",
    "another hypothesis": "Definition good (n : nat) := n = 0.\n"
    "Theorem t : forall n, n < 0 -> n = 0 -> good n.\nProof. unfold good; auto. Qed.\n",
    "a weaker definition": PLAIN.replace(":= n = 0", ":= True"),
    "a notation": 'Notation "x = y" := True (at level 70).\nDefinition good (n : nat) := n = 0.\n'
    "Theorem t : forall n, n = 0 -> good n.\nProof. unfold good; auto. Qed.\n",
    "a shadow": PLAIN.replace("Theorem t", "Module M. Definition good (n : nat) := True. End M. Import M.\nTheorem t"),
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_compared_is_what_coq_prints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: str, refused: Callable[[str, int], None]
) -> None:
    """Forgery: a source that reads alike and means less prints another statement, or another definition."""
    for name in ("plain", "lie"):
        (tmp_path / name).mkdir()
    told = folder_with(tmp_path / "plain", PLAIN).compiled().told(["t"])
    pins = {
        "statements": {name: digest(text) for name, text in told.statements.items()},
        "definitions": {name: digest(text) for name, text in told.definitions.items()},
    }
    monkeypatch.setattr(release, "released", lambda: pins)
    assert coq_differences(folder_with(tmp_path / "plain", PLAIN).compiled(), ["t"]) == ()
    compiled = folder_with(tmp_path / "lie", LIES[lie]).compiled()
    assert coq_differences(compiled, ["t"])
    refused("Coq, a source", 1)


def test_a_later_file_that_shadows_has_another_name(tmp_path: Path) -> None:
    """Forgery: a second file states a theorem of the same name; it is called by its own module."""
    (tmp_path / "More.v").write_text("Theorem t : True.\nProof. exact I. Qed.\n")
    folder_with(tmp_path, PLAIN)
    (tmp_path / "_CoqProject").write_text("Only.v\nMore.v\n")
    compiled = CoqFolder(tmp_path).compiled()
    assert compiled.full_name("t") == "More.t"
    assert compiled.outline.homes["t"] == ("Only", "More")


def test_an_imported_axiom_is_found(tmp_path: Path) -> None:
    """Forgery: an axiom that comes in through the library, where no word betrays it."""
    folder = folder_with(
        tmp_path,
        "From Coq Require Import ProofIrrelevance.\n"
        "Theorem t (P : Prop) (p q : P) : p = q.\n"
        "Proof. exact (proof_irrelevance P p q). Qed.\n",
    )
    with pytest.raises(CoqRejected, match="proof_irrelevance"):
        folder.compiled().check()


def test_results_are_kept_by_content(tmp_path: Path) -> None:
    """Law: equal sources are compiled once; a changed one is compiled again; `afresh` compiles whatever is kept.

    Forgery: of what was kept, a summary without its sections is none.
    """
    folder = folder_with(tmp_path, "Theorem t : 1 + 1 = 2.\nProof. reflexivity. Qed.\n")
    first = folder.compiled()
    assert first.axioms == frozenset()
    made = (first.place / "Only.vo").stat().st_mtime_ns
    assert folder.is_compiled()
    assert (folder.compiled().place / "Only.vo").stat().st_mtime_ns == made
    assert (folder.compiled(afresh=True).place / "Only.vo").stat().st_mtime_ns > made
    (first.place / SUMMARY).write_text("{}", encoding="utf-8")
    with pytest.raises(CoqRejected, match="what was kept of coqchk must have Axioms"):
        folder.compiled()
    assert folder.compiled(afresh=True).summary == first.summary
    assert folder_with(tmp_path, "Theorem t : 1 + 1 = 2.\nProof. auto. Qed.\n").compiled().place != first.place


def test_comments_nest_and_strings_hide_their_marks() -> None:
    """Definition: a reader's view of a source has no comment, and as many bytes."""
    text = 'a (* b (* c *) "*)" d *) e "(*" f'
    assert without_comments(text).split() == ["a", "e", '"(*"', "f"]
    assert len(without_comments(text)) == len(text)


@pytest.mark.long
def test_a_changed_book_is_never_verified(tmp_path: Path) -> None:
    """Forgery: one sentence of one lemma of the book is changed: every check passes, and the word is another."""
    place = tmp_path / "proofs"
    shutil.copytree(PROOFS, place, ignore=shutil.ignore_patterns("*.vo*", "*.glob", "__pycache__"))
    page = place / "keys.py"
    page.write_text(page.read_text(encoding="utf-8").replace("680 Kerdock", "6800 Kerdock"), encoding="utf-8")
    assert changes(place) == ("file keys.py is not the released one",)
    report = verify(load_book(place))
    assert report.word == "CHANGED"
    assert report.exit_code == 3
    assert report.changes == ("file keys.py is not the released one", "lemma explicit_keys is not the released one")


@pytest.mark.slow
def test_without_coq_nothing_is_verified(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a missing coqc leaves open what only Coq proves, and the word is UNDECIDED."""
    monkeypatch.setenv("PATH", "/nonexistent")
    report = verify(book)
    assert report.word == "UNDECIDED"
    assert report.theorem.status == "open"
    with pytest.raises(CoqMissing, match="apt-get install coq"):
        run("coqc", "--version", cwd=PROOFS)
