"""The theorems on which floors rest, as a page: of each its words, its formula, what Coq prints and where it stands."""

from __future__ import annotations

from lowerbound.certify.theorems import CITED, Theorem
from lowerbound.prove.coq import Compiled, CoqFolder
from lowerbound.prove.lemma import ByCoq, Cited
from lowerbound.prove.released import theorems_of
from lowerbound.prove.verify import LemmaReport
from lowerbound.report.site.proof_page import (
    Verified,
    anchor,
    coq_details,
    coq_problem,
    literal,
    place_of,
    raw,
    said,
    standing,
)

INTRODUCTION = (
    "Every floor of this package rests on one of these theorems. Each block gives a theorem in words and as a formula, "
    "the statement as Coq prints it, its file and line, and what it rests on. The words and the formula are for "
    "readers; what is proved is what Coq prints. Letters are those of "
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
            lines += [f"It speaks of {literal(theorem.scope)}.", ""]
        lines.append(f"Certificates of kind `{theorem.rule}`; errors are {theorem.guarantee}.")
        for lemma in theorem.all_lemmas:
            lines += ["", *block(theorem, entries[lemma], coq, readable)]
    return "\n".join([*lines, ""])


def block(theorem: Theorem, entry: LemmaReport, coq: Compiled | None, readable: dict[str, str]) -> list[str]:
    """One lemma of a theorem: words, formula, statement, place, and what it rests on."""
    lemma = entry.lemma
    lines = [f"### {literal(lemma.id)}", "", *said(lemma)]
    if theorem.lemmas_with_failures is not None:
        lines.append(f"* for {'δ = 0' if lemma.id in theorem.lemmas else 'δ > 0'}")
    lines += standing(entry)
    lines += [f"* proof: {literal(each.reference)}" for each in lemma.discharges if isinstance(each, Cited)]
    names = [each.theorem for each in lemma.discharges if isinstance(each, ByCoq)]
    if coq is not None:
        lines += [f"* Coq: {place_of(coq, name)}" for name in names]
    lines.append(f"* rests on: {literal('; '.join(entry.assumptions)) or 'its certificates and computations alone'}")
    lines.append(f"* in the book: [{literal(lemma.id)}](proof.md#{anchor(lemma.id)})")
    for name in names:
        lines += ["", *raw(coq_details(name, readable[name]))] if name in readable else []
    return lines
