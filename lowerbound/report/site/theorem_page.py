"""The theorems on which floors rest, as a page: of each its words, its formula, what Coq prints and where it stands."""

from __future__ import annotations

from lowerbound.certify.theorems import CITED, Theorem
from lowerbound.prove.coq import Compiled, CoqFolder
from lowerbound.prove.released import theorems_of
from lowerbound.prove.verify import LemmaReport
from lowerbound.report.site.proof_page import Verified, anchor, coq_problem, literal, sides, verdict

INTRODUCTION = (
    "Every floor of this package rests on one of these theorems. Each block gives a theorem in words and as a formula, "
    "and beside them the statement in Coq, with its file and line. The words and the formula are for "
    "readers; what is proved is the statement in Coq. Letters are those of "
    "[the theorem](../theorem.md): T cached tokens, T_N tokens "
    "of the last map, d dimensions, h value channels, error η, failure probability δ, |S| states; fano(L, δ) = "
    "log₂ L − H₂(δ) − δ log₂(L − 1)."
)


def page(found: Verified) -> str:
    """The page, as MyST Markdown."""
    folder = CoqFolder(found.book.directory / "coq")
    coq = None if coq_problem(folder) else folder.compiled()
    readable = {} if coq is None else coq.readable(theorems_of(found.book))
    entries = {entry.lemma.id: entry for entry in found.report.entries}
    lines = ["# The floors, theorem by theorem", "", INTRODUCTION, "", found.sentence]
    for theorem in CITED:
        lines += ["", f"## Theorem {theorem.name}: {theorem.reads}", ""]
        if theorem.scope:
            lines += [f"It is about {literal(theorem.scope)}.", ""]
        lines.append(f"Certificates of kind `{theorem.rule}`; errors are {theorem.guarantee}.")
        for lemma in theorem.all_lemmas:
            lines += ["", *block(found, theorem, entries[lemma], coq, readable)]
    return "\n".join([*lines, ""])


def block(
    found: Verified, theorem: Theorem, entry: LemmaReport, coq: Compiled | None, readable: dict[str, str]
) -> list[str]:
    """One lemma of a theorem: status, words, formula, formal statement with its place, and what it rests on."""
    lemma = entry.lemma
    lines = [f"### {literal(lemma.id)}", "", verdict(entry)]
    if theorem.lemmas_with_failures is not None:
        lines[-1] += f"; for {'δ = 0' if lemma.id in theorem.lemmas else 'δ > 0'}"
    lines += ["", *sides(found.book, coq, readable, lemma)]
    lines.append(f"* rests on: {literal('; '.join(entry.assumptions)) or 'its certificates and computations alone'}")
    lines.append(f"* in the book: [{literal(lemma.id)}](proof.md#{anchor(lemma.id)})")
    return lines
