"""The proof book as a page: the graph, then every lemma with its statement, its range, its checkers and its source.

The book is verified while the page is made, so that a status on the page is one of this build.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import networkx as nx

from lowerbound.core.scalars import counted
from lowerbound.prove.book import Book, counter_models, load_book
from lowerbound.prove.coq import Compiled, CoqFolder
from lowerbound.prove.lemma import ByComputation, ByCoq, ByKernel, BySolvers, Cited, Discharge, Lemma
from lowerbound.prove.readers import to_latex, to_text
from lowerbound.prove.released import theorems_of
from lowerbound.prove.verify import BACKENDS, LemmaReport, Report, verify
from lowerbound.report.site.graph import CHECKERS, css_class, svg

SOURCES = "source"
"""The folder, beside this page, of the pages that show the book's files."""
CHECKER_WORDS = {
    "coq": "Coq",
    "kernel": "the kernel, a certificate",
    "solvers": "z3 and cvc5",
    "computation": "an exact computation",
    "on paper": "no machine",
}


@dataclass(frozen=True)
class Verified:
    """The book as verified by this build; Coq takes part only if it is installed and its files are compiled."""

    book: Book
    report: Report
    left_out: str

    @property
    def sentence(self) -> str:
        """One or two sentences: what was run, and the verdict or what was left out."""
        seconds = sum(entry.seconds for entry in self.report.entries)
        checks = sum(len(entry.checks) for entry in self.report.entries)
        said = f"`lowerbound verify` ran while this page was built: {counted(checks, 'check')}, {seconds:.0f} s"
        if self.left_out:
            return (
                f"{said}. **Not run: {self.left_out}.** A lemma that waits for such a check is called open here; "
                "`make proof` runs everything."
            )
        return f"{said}, and its last word was **{self.report.word}**."


def verified(directory: Path) -> Verified:
    """Verify a book with every check that takes seconds; compiling Coq takes minutes and is left to `make proof`.

    Contract: nothing that was not checked is called proved; `left_out` says in words what was not run, and why.
    """
    book = load_book(directory)
    why = coq_problem(CoqFolder(directory / "coq"))
    report = verify(book, backends=[name for name in BACKENDS if name != "coq"] if why else [])
    return Verified(book, report, why)


def coq_problem(folder: CoqFolder) -> str:
    """Why Coq's theorems cannot be checked within seconds, or an empty string."""
    if shutil.which("coqc") is None:
        return "Coq, which is not installed here"
    return "" if folder.is_compiled() else "Coq, whose files are not compiled yet"


def anchor(lemma_id: str) -> str:
    """The identifier that Sphinx gives to the heading of a lemma."""
    return lemma_id.replace("_", "-")


def page(found: Verified) -> str:
    """The page, as MyST Markdown."""
    book, report = found.book, found.report
    graph = book.graph()
    entries = {entry.lemma.id: entry for entry in report.entries}
    folder = CoqFolder(book.directory / "coq")
    coq = None if coq_problem(folder) else folder.compiled()
    printed = {} if coq is None else coq.readable(theorems_of(book))
    anchors = {lemma.id: anchor(lemma.id) for lemma in book.lemmas}
    beneath = graph.subgraph([book.theorem, *nx.ancestors(graph, book.theorem)])
    by_status = {status: sum(entry.status == status for entry in report.entries) for status in entries_statuses(report)}
    main = entries[book.theorem]
    lines = [
        *("---", "hide-toc: true", "---", ""),
        "# The proof, lemma by lemma",
        "",
        f"{counted(len(book.lemmas), 'lemma')}: {', '.join(f'{n} {status}' for status, n in by_status.items())}. "
        f"{found.sentence}",
        "",
        "## The theorem that everything is for",
        "",
        f"[{book.theorem}](#{anchor(book.theorem)}): {verdict(main)}",
        "",
        *sides(book, coq, printed, main.lemma),
        f"It rests on {beneath.number_of_nodes() - 1} lemmas, which stand to its left. Together they rest on: "
        f"{literal('; '.join(main.assumptions)) or 'nothing that was not checked'}.",
        "",
        *framed(svg(beneath, report, anchors, name="beneath"), "What the theorem uses"),
        "## Every lemma",
        "",
        "An arrow leads from a lemma to one that uses it. A box opens its lemma; pointing at it, or reaching it with "
        "the Tab key, shows on what it rests and what rests on it. Lemmas without an arrow, at the foot, are checked "
        "on their own. The theorem has a heavy frame.",
        "",
        *raw(f"<div class='graph-legend'>{legend(report)}</div>"),
        *framed(svg(graph, report, anchors), "The proof graph"),
        "Below, each lemma says the same thing up to three times: in words, as a formula, and as its checker reads it. "
        "Words and formulas are for readers; what is proved is the formal statement.",
    ]
    heading = ""
    for lemma in book.lemmas:
        name = book.files[lemma.id]
        if name != heading:
            heading = name
            lines += ["", f"## {title_of(book.directory / name)}"]
        lines += ["", *lemma_lines(book, coq, printed, entries[lemma.id], list(graph.successors(lemma.id)))]
    return "\n".join([*lines, ""])


def entries_statuses(report: Report) -> list[str]:
    """The statuses that occur, in the order of the book."""
    return list(dict.fromkeys(entry.status for entry in report.entries))


def legend(report: Report) -> str:
    """The meaning of colors, borders and corners; statuses that do not occur are left out."""
    keys = [
        f"<span><i class='key {checker.replace('on ', '')}'></i>{CHECKER_WORDS[checker]}</span>" for checker in CHECKERS
    ]
    borders = [
        f"<span><i class='key border {css_class(status)}'></i>{status}</span>" for status in entries_statuses(report)
    ]
    shapes = [
        "<span><i class='key round'></i>all sizes or all reals</span>",
        "<span><i class='key'></i>a box or a finite list</span>",
    ]
    rows = [("strongest checker", keys), ("border: status", borders), ("corners: range", shapes)]
    return "".join(f"<p><b>{name}</b> {' '.join(items)}</p>" for name, items in rows)


def title_of(path: Path) -> str:
    """A heading for the lemmas of a file: the first paragraph of its docstring, without the final period."""
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem
    return " ".join(told.split("\n\n")[0].split()).rstrip(".")


def framed(drawn: str, label: str) -> list[str]:
    """A picture in a frame that scrolls where the screen is narrower."""
    return raw(f"<div class='graph-frame' role='region' aria-label='{label}' tabindex='0'>", drawn, "</div>")


def verdict(entry: LemmaReport) -> str:
    """The derived status of a lemma, who checked it, its range and its model, in one line."""
    names = ["Coq" if name == "coq" else name for name in entry.checked_by]
    who = f", checked by {literal(', '.join(names))}" if names else ""
    lemma = entry.lemma
    return f"[{entry.status}]{{.status .{css_class(entry.status)}}}{who}; {literal(lemma.range)}; model {lemma.model}"


def sides(book: Book, coq: Compiled | None, printed: Mapping[str, str], lemma: Lemma) -> list[str]:
    """One lemma as a formula, and under it its words beside what its checkers are given."""
    formula = formula_of(lemma)
    shown = [] if formula is None else ["{.rubric}", "Statement", "", "$$", formula, "$$", ""]
    lines = [
        *raw("<div class='sides'><div class='wide'>"),
        *shown,
        *raw("</div><div>"),
        *("{.rubric}", "In words", "", literal(lemma.words), ""),
        *raw("</div><div>"),
    ]
    for discharge in lemma.discharges:
        lines += formal(book, coq, printed, lemma, discharge)
    return [*lines, *raw("</div></div>")]


def formal(
    book: Book, coq: Compiled | None, printed: Mapping[str, str], lemma: Lemma, discharge: Discharge
) -> list[str]:
    """What one checker is given, under its name; a Coq theorem with its file and line."""
    match discharge:
        case ByCoq(theorem):
            if coq is None:
                return ["{.rubric}", f"Coq: `{theorem}`", ""]
            return [
                *("{.rubric}", f"Coq: {place_of(coq, theorem)}", ""),
                *raw(f"<pre class='formal'>{escape(laid_out(coq.source(theorem)))}</pre>"),
                *raw(coq_details(theorem, printed[theorem])),
            ]
        case BySolvers(statement):
            given = [f"{name}: {to_text(relation)}" for name, relation in statement.hypotheses.items()]
            told = "\n".join([*given, f"goal: {to_text(statement.goal)}"])
            return ["{.rubric}", "z3 and cvc5", "", *raw(f"<pre class='formal'>{escape(told)}</pre>")]
        case ByKernel(kind, claim):
            told = "\n".join(f"{name}: {json.dumps(value, default=str)}" for name, value in claim.items())
            return [
                *("{.rubric}", f"the kernel: a certificate of kind `{kind}`", ""),
                *raw(f"<pre class='formal'>{escape(told)}</pre>"),
            ]
        case ByComputation(check):
            name = book.files[lemma.id]
            source = f"[proofs/{name}]({SOURCES}/{Path(name).stem}.md)"
            return ["{.rubric}", f"an exact computation: `{check.__name__}` in {source}", ""]
        case Cited(reference):
            return ["{.rubric}", "no machine; the proof is", "", literal(reference), ""]


OPEN_BINDER = re.compile(r"\b(forall|exists) [^,]*$")
"""Text that ends within the names that a quantifier binds, whose types have arrows of their own."""


def laid_out(statement: str) -> str:
    """A Coq statement with a line for each hypothesis: broken after the first colon and after every arrow and `in` that
    stand outside of brackets and of quantifiers' types."""
    depth, start = 0, 0
    lines: list[str] = []
    for place, character in enumerate(statement):
        depth += (character in "([{") - (character in ")]}")
        so_far = statement[start:place]
        ends = so_far.endswith((" ->", " in") if lines else (" ->", " in", " :"))
        if character == " " and depth == 0 and ends and not OPEN_BINDER.search(so_far):
            lines.append(so_far)
            start = place + 1
    return "\n  ".join([*lines, statement[start:]])


def lemma_lines(
    book: Book, coq: Compiled | None, printed: Mapping[str, str], entry: LemmaReport, used_by: Sequence[str]
) -> list[str]:
    """One lemma: its status, words, formula and formal statement side by side, and the facts about it."""
    lemma = entry.lemma
    name = book.files[lemma.id]
    lines = [f"({anchor(lemma.id)})=", f"### {lemma.id}", "", verdict(entry), "", *sides(book, coq, printed, lemma)]
    if lemma.uses:
        lines += [f"Uses {links([use.lemma for use in lemma.uses])}.", ""]
    if used_by:
        lines += [f"Used by {links(used_by)}.", ""]
    lines += [*raw("<details class='facts'><summary>Checks, and what it rests on</summary>"), ""]
    for check in entry.checks:
        lines.append(f"* {literal(check.checker)}: {check.outcome} ({literal(check.reason)})")
    for premise, model in counter_models(book, lemma).items():
        values = ", ".join(f"{variable} = {value}" for variable, value in sorted((model or {}).items()))
        lines.append(f"* needed: *{premise}*; without it, false at {literal(values) or 'irrational values'}")
    lines.append(f"* rests on: {literal('; '.join(entry.assumptions)) or 'its certificates and computations alone'}")
    lines += [f"* source: [proofs/{name}]({SOURCES}/{Path(name).stem}.md)", "", *raw("</details>")]
    return lines


def formula_of(lemma: Lemma) -> str | None:
    """The lemma in LaTeX: derived from its formal statement, or its own formula; None if it has neither."""
    if lemma.statement is None:
        return lemma.formula or None
    formulas = [to_latex(relation) for relation in lemma.statement.hypotheses.values()]
    rows = [*(f"& {formula}," for formula in formulas[:-1]), *(f"& {formula}" for formula in formulas[-1:])]
    goal = f"\\Longrightarrow\\; & {to_latex(lemma.statement.goal)}"
    return "\n".join(["\\begin{aligned}", " \\\\\n".join([*rows, goal]), "\\end{aligned}"])


def place_of(coq: Compiled, theorem: str) -> str:
    """A Coq theorem, its file with a link, and the line."""
    module = coq.full_name(theorem).partition(".")[0]
    return f"`{theorem}`, [proofs/coq/{module}.v]({SOURCES}/{module}.md), line {coq.line(theorem)}"


def coq_details(theorem: str, printed: str) -> str:
    """What Coq prints of a theorem; it opens on demand."""
    return (
        f"<details class='coq'><summary>What Coq prints of <code>{theorem}</code></summary>"
        f"<pre>{escape(printed)}</pre></details>"
    )


def links(lemmas: Sequence[str]) -> str:
    """Links to lemmas of this page."""
    return ", ".join(f"[{lemma}](#{anchor(lemma)})" for lemma in lemmas)


def raw(*lines: str) -> list[str]:
    """Lines of HTML in a block that MyST passes through unchanged."""
    return ["```{raw} html", *lines, "```", ""]


def literal(text: str) -> str:
    """Text of the book, escaped so that Markdown shows it unchanged; code in backquotes stays code."""
    pieces = text.split("`")
    for place in range(0, len(pieces), 2):
        for character in "\\*_[]<>$":
            pieces[place] = pieces[place].replace(character, f"\\{character}")
    return "`".join(pieces)


def source_pages(book: Book) -> dict[str, str]:
    """A page for each file of the book and of its Coq half: name of the page -> MyST Markdown."""
    pages = {}
    files = [(path, "python") for path in sorted({book.directory / name for name in book.files.values()})]
    files += [(path, "coq") for path in CoqFolder(book.directory / "coq").files]
    for path, language in files:
        shown = path.relative_to(book.directory.parent)
        text = path.read_text(encoding="utf-8").rstrip()
        pages[path.stem] = (
            f"---\norphan: true\n---\n\n# {literal(str(shown))}\n\n"
            f"````{{code-block}} {language}\n:linenos:\n\n{text}\n````\n"
        )
    return pages
