"""The proof book as a page: the graph, then every lemma with its statement, its range, its checkers and its source.

The book is verified while the page is made, so that a status on the page is one of this build.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from lowerbound.prove.book import Book, counter_models, load_book
from lowerbound.prove.coq import Compiled, CoqFolder
from lowerbound.prove.lemma import ByCoq, Lemma
from lowerbound.prove.readers import to_latex
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
        said = f"`lowerbound verify` ran while this page was built: {checks} checks, {seconds:.0f} s"
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
    drawn = svg(graph, report, {lemma.id: anchor(lemma.id) for lemma in book.lemmas})
    counted = {status: sum(entry.status == status for entry in report.entries) for status in entries_statuses(report)}
    lines = [
        *("---", "hide-toc: true", "---", ""),
        "# The proof, lemma by lemma",
        "",
        f"{len(book.lemmas)} lemmas: {', '.join(f'{n} {status}' for status, n in counted.items())}. {found.sentence}",
        "",
        "Read the graph from left to right: an arrow leads from a lemma to one that uses it. A box opens its lemma; "
        "pointing at it, or reaching it with the Tab key, shows on what it rests and what rests on it. Lemmas without "
        "an arrow are checked on their own.",
        "",
        *raw(
            f"<div class='graph-legend'>{legend(report)}</div>",
            "<div class='graph-frame' role='region' aria-label='The proof graph' tabindex='0'>",
            drawn,
            "</div>",
        ),
        "The theorem that everything is for is "
        f"[{book.theorem}](#{anchor(book.theorem)}); together with all it uses it rests on: "
        f"{'; '.join(report.theorem.assumptions) or 'nothing that was checked'}.",
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


def said(lemma: Lemma) -> list[str]:
    """A lemma in words and, where it has one, as a formula."""
    lines = [literal(lemma.words), ""]
    if (formula := formula_of(lemma)) is not None:
        lines += ["$$", formula, "$$", ""]
    return lines


def standing(entry: LemmaReport) -> list[str]:
    """The derived status of a lemma, its range and its model, as items of a list."""
    return [
        f"* status: [{entry.status}]{{.status .{css_class(entry.status)}}}",
        f"* range: {literal(entry.lemma.range)}",
        f"* computation model: {entry.lemma.model}",
    ]


def lemma_lines(
    book: Book, coq: Compiled | None, printed: Mapping[str, str], entry: LemmaReport, used_by: Sequence[str]
) -> list[str]:
    """One lemma: words, formula, facts, the Coq statements and the counter-models."""
    lemma = entry.lemma
    name = book.files[lemma.id]
    lines = [f"({anchor(lemma.id)})=", f"### {lemma.id}", "", *said(lemma), *standing(entry)]
    for check in entry.checks:
        lines.append(f"* {literal(check.checker)}: {check.outcome} ({literal(check.reason)})")
    for premise, model in counter_models(book, lemma).items():
        values = ", ".join(f"{variable} = {value}" for variable, value in sorted((model or {}).items()))
        lines.append(f"* needed: *{premise}*; without it, false at {literal(values) or 'irrational values'}")
    if lemma.uses:
        lines.append(f"* uses: {links([use.lemma for use in lemma.uses])}")
    if used_by:
        lines.append(f"* used by: {links(used_by)}")
    lines.append(f"* rests on: {literal('; '.join(entry.assumptions)) or 'its certificates and computations alone'}")
    lines.append(f"* source: [proofs/{name}]({SOURCES}/{Path(name).stem}.md)")
    theorems = [discharge.theorem for discharge in lemma.discharges if isinstance(discharge, ByCoq)]
    if coq is not None:
        lines += [f"* Coq: {place_of(coq, theorem)}" for theorem in theorems]
        for theorem in theorems:
            lines += ["", *raw(coq_details(theorem, printed[theorem]))]
    return lines


def formula_of(lemma: Lemma) -> str | None:
    """The lemma in LaTeX: derived from its formal statement, or its own formula; None if it has neither."""
    if lemma.statement is None:
        return lemma.formula or None
    formulas = [to_latex(relation) for relation in lemma.statement.hypotheses.values()]
    return f"{', '.join(formulas)} \\;\\Longrightarrow\\; {to_latex(lemma.statement.goal)}"


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
