"""Question: does the whole proof book hold, and which checker verified which lemma?

Claim that could be refuted: every check of every lemma succeeds, and the main theorem rests on the axioms of the reals
alone. Cost: seconds once Coq has compiled its files, two minutes before.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from experiments.table import Outcome, save
from lowerbound.prove.book import load_book
from lowerbound.prove.layout import layout
from lowerbound.prove.verify import AXIOMS_OF_THE_REALS, verify

SPEC: dict[str, Any] = {"book": "proofs", "axioms": [AXIOMS_OF_THE_REALS]}


def run() -> Outcome:
    """Verify the book, and write each lemma with its place in the picture and the arrows that end there."""
    book = load_book(Path(__file__).parent.parent / SPEC["book"])
    report = verify(book)
    laid = layout(book.graph())
    rows = [
        {
            "id": entry.lemma.id,
            "status": entry.status,
            "checked_by": list(entry.checked_by),
            "everywhere": entry.lemma.range.startswith(("all", "as ")),
            "main": entry.lemma.id == book.theorem,
            "left": laid.places[entry.lemma.id][0],
            "middle": laid.places[entry.lemma.id][1],
            "arrows": {used: points for (used, user), points in laid.edges.items() if user == entry.lemma.id},
        }
        for entry in report.entries
    ]
    words = {"VERIFIED": "supported", "NOT VERIFIED": "refuted", "UNDECIDED": "undecided"}
    outcome: Any = words[report.word]
    if outcome == "supported" and list(report.theorem.assumptions) != SPEC["axioms"]:
        outcome = "refuted"
    proved = sum(row["status"] == "proved" for row in rows)
    rests = ", ".join(report.theorem.assumptions)
    sentence = f"{report.word}: {proved} of {len(rows)} lemmas are machine-checked; the theorem rests on {rests}"
    return save("proof", SPEC, rows, outcome, sentence)
