"""Real coqchk: two processes find what one finds, and what is not understood, or not checked, is rejected."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowerbound.prove.coq import CoqFolder
from lowerbound.prove.coq_program import CoqRejected, run
from lowerbound.prove.coqchk import AUDIT, SECTIONS, AuditPart, joined, read_part, read_summary
from tests.marks import first_now
from tests.prove.test_coq import folder_with

pytestmark = pytest.mark.usefixtures("needs_coq")

TWO_FILES = {
    "an axiom": ("", "Axiom a : 1 = 2.\nTheorem t : 1 = 2.\nProof. exact a. Qed.\n", "LowerBound.More.a"),
    "an axiom in a module": ("", "Module M. Axiom a : 1 = 2. End M.\n", "LowerBound.More.M.a"),
    "a library that the first does not need": (
        "",
        "From Coq Require Import ProofIrrelevance.\n",
        "Coq.Logic.ProofIrrelevance.proof_irrelevance",
    ),
    "what only the first assumes": (
        "Axiom a : 1 = 2.\n",
        "From LowerBound Require Import Only.\nDefinition b := a.\n",
        "LowerBound.Only.a",
    ),
    "what a module hides": (
        "Module Type T. Parameter n : nat. End T.\nModule M : T. Definition n := 1. End M.\n",
        "From LowerBound Require Import Only.\nModule L : T. Definition n := M.n. End L.\n",
        None,
    ),
}


@pytest.mark.parametrize("name", first_now(TWO_FILES))
def test_two_audits_find_what_one_finds(tmp_path: Path, name: str) -> None:
    """Differential: two processes that share a folder list the axioms that one process lists."""
    first, second, axiom = TWO_FILES[name]
    folder_with(tmp_path, first)
    (tmp_path / "More.v").write_text(second)
    (tmp_path / "_CoqProject").write_text("Only.v\nMore.v\n")
    compiled = CoqFolder(tmp_path).compiled()
    whole = read_part(run(*AUDIT, "LowerBound.Only", "LowerBound.More", cwd=compiled.place))
    assert not whole.admitted
    assert compiled.summary == whole.summary
    assert axiom in compiled.axioms if axiom else not compiled.axioms


def test_a_library_that_nobody_checked_is_a_rejection() -> None:
    """Forgery: two audits that each leave a library to the other."""
    nothing: dict[str, frozenset[str]] = dict.fromkeys(SECTIONS, frozenset())
    parts = [AuditPart(frozenset({own}), frozenset({"Coq.A", other}), nothing) for own, other in ("XY", "YX")]
    with pytest.raises(CoqRejected, match=r"left out Coq\.A"):
        joined(parts, ["X", "Y"])
    with pytest.raises(CoqRejected, match="left out Z"):
        joined([AuditPart(frozenset({"X"}), frozenset(), nothing)], ["X", "Z"])


@pytest.mark.parametrize(
    "text",
    [
        "Fatal error",
        "CONTEXT SUMMARY\n===============\n\n* Axioms: <none>\n",
        "CONTEXT SUMMARY\n===============\n\n* Theory: Set is impredicative\n  \n* Axioms: <none>\n",
        "CONTEXT SUMMARY\n===============\n\n* Axioms: some\n",
    ],
)
def test_a_summary_that_is_not_understood_is_rejected(text: str) -> None:
    """Forgery: what coqchk does not report, or reports in words that nobody has read, is never taken for nothing."""
    with pytest.raises(CoqRejected):
        read_summary(text)
