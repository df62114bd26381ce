"""The book as a short table: what is proved, for which range, by which checkers, and on which assumptions."""

from __future__ import annotations

from collections import Counter

from lowerbound.certify.theorems import CITED, OTHER_MODELS
from lowerbound.core.scalars import counted
from lowerbound.prove.verify import Report

HEADLINES = {
    **{
        lemma: f"{theorem.name}: {theorem.reads}"
        for theorem in CITED
        if theorem.rule not in OTHER_MODELS
        for lemma in theorem.all_lemmas
    },
    "every_scale": "before every scale of one generation",
    "window": "sliding windows",
    "low_dimension": "few dimensions",
    "low_dimension_constants": "few dimensions, in numbers",
    "clusters": "clusters: floor and counters meet",
    "kv_cache_random_keys": "random keys",
    "kv_cache_square_constants": "numbers for all constants",
    "streams": "layers and heads together",
    "variable_length": "any coins, mean lengths",
    "time": "reads of a reader that does not look",
    "replay": "public weights: the ids are needed",
    **{lemma: f"{theorem.name}: {theorem.reads}" for theorem in OTHER_MODELS.values() for lemma in theorem.all_lemmas},
    "flat_logits": "converse: flat logits escape",
}
"""The lemmas of the table in reading order, with their titles; the rest of the table comes from the report."""

BEGIN, END = "<!-- the proof book: begin -->", "<!-- the proof book: end -->"


def summary(report: Report) -> str:
    """A Markdown table of the lemmas in HEADLINES, and the number of all lemmas by status and by checker.

    Contract: every status, checker, range and assumption is that of the report.
    """
    entries = {entry.lemma.id: entry for entry in report.entries}
    lines = ["| result | holds for | status |", "|---|---|---|"]
    for lemma_id, title in HEADLINES.items():
        entry = entries[lemma_id]
        by = f", by {', '.join(entry.checked_by)}" if entry.checked_by else ""
        lines.append(f"| [{title}](proofs/BLUEPRINT.md#{lemma_id}) | {entry.lemma.range} | {entry.status}{by} |")
    statuses = Counter(entry.status for entry in report.entries)
    checkers = Counter(checker for entry in report.entries for checker in entry.checked_by)
    assumptions = sorted({assumption for entry in report.entries for assumption in entry.assumptions})
    by_status = ", ".join(f"{count} {status}" for status, count in statuses.most_common())
    checked = ", ".join(f"{checker} {count}" for checker, count in checkers.most_common())
    lines += ["", f"{counted(len(entries), 'lemma')}: {by_status}. Checked by: {checked}. Together they rest on:", ""]
    return "\n".join([*lines, *(f"* {assumption}" for assumption in assumptions)])


def inserted(page: str, table: str) -> str:
    """The page with the table between the marks BEGIN and END; a page without these marks raises ValueError."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def record(report: Report) -> dict[str, str]:
    """The derived status of each lemma, by id; the library is installed with this record, but without the book."""
    return {entry.lemma.id: entry.status for entry in report.entries}
