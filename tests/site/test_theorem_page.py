"""The page of theorems: every floor's theorem has its words, formula, status, place and print."""

from __future__ import annotations

from pathlib import Path

import pytest

from lowerbound.certify.theorems import CITED
from lowerbound.prove.coq import CoqFolder
from lowerbound.prove.lemma import ByCoq
from lowerbound.report.site.proof_page import formula_of, place_of, verified
from lowerbound.report.site.theorem_page import page

PROOFS = Path(__file__).parent.parent.parent / "proofs"


@pytest.mark.long
@pytest.mark.timeout(1800)  # it may wait for another process that compiles
def test_every_theorem_has_its_block() -> None:
    """Definition: each lemma of a floor's theorem is there with status and formula, and what Coq prints of it."""
    found = verified(PROOFS)
    assert not found.left_out, found.left_out
    text = page(found)
    coq = CoqFolder(PROOFS / "coq").compiled()
    entries = {entry.lemma.id: entry for entry in found.report.entries}
    for theorem in CITED:
        section = text.split(f"\n## Theorem {theorem.name}:", 1)[1].split("\n## ", 1)[0]
        for lemma in (entries[name].lemma for name in theorem.all_lemmas):
            assert f"[{entries[lemma.id].status}]" in section
            formula = formula_of(lemma)
            assert formula is not None, lemma.id
            assert f"$$\n{formula}\n$$" in section
            for each in lemma.discharges:
                if isinstance(each, ByCoq):
                    assert f"What Coq prints of <code>{each.theorem}</code>" in section
                    assert place_of(coq, each.theorem) in section
