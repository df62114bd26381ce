"""Formulas are MathML with no TeX left in it, and what would leak is refused."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

pytest.importorskip("latex2mathml", reason="needs latex2mathml: the extra docs is not installed")

from lowerbound.errors import InvalidArgument
from lowerbound.prove.book import load_book
from lowerbound.prove.lemma import ByCoq, Cited
from lowerbound.prove.readers import to_latex
from lowerbound.report.site.mathml import to_mathml
from lowerbound.report.site.proof_page import formula_of
from proofs import LEMMAS

pytestmark = pytest.mark.slow  # fast, but only CI's second run and whoever builds the site has the converter
ROOT = Path(__file__).parent.parent.parent
DISPLAYED = re.compile(r"^\$\$\n(.*?)^\$\$$", re.DOTALL | re.MULTILINE)


def shown(element: str) -> str:
    """What a reader sees of a MathML element."""
    return "".join(ElementTree.fromstring(element).itertext())  # noqa: S314


def test_a_formula_reads_as_it_is_meant() -> None:
    """Known value: the floor, symbol by symbol."""
    assert shown(to_mathml(r"(1 - H_2(\delta)) \cdot T \cdot d")) == "(1−H2(δ))·T·d"


def test_alignments_become_tables() -> None:
    """Known value: two rows of two cells, and no separator among the symbols."""
    element = ElementTree.fromstring(to_mathml(r"\begin{aligned} a & b \\ c & d \end{aligned}", block=True))  # noqa: S314
    cells = ["".join(cell.itertext()) for cell in element.iter("{http://www.w3.org/1998/Math/MathML}mtd")]
    assert [cell for cell in cells if cell] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("formula", [r"\nosuchcommand x", r"a \arg b", r"\begin{nosuch} a & b \end{nosuch}"])
def test_what_would_leak_is_refused(formula: str) -> None:
    """Forgery: a command that the converter passes on as text is an error of the build."""
    with pytest.raises(InvalidArgument, match="a formula must use commands that MathML knows"):
        to_mathml(formula)


def test_every_formula_of_the_pages_and_of_the_book_converts() -> None:
    """Law: no displayed formula of docs, and no statement of the book, leaves TeX behind."""
    formulas = [f for page in sorted((ROOT / "docs").glob("*.md")) for f in DISPLAYED.findall(page.read_text("utf-8"))]
    for lemma in load_book(ROOT / "proofs").lemmas:
        if lemma.statement is not None:
            formulas += map(to_latex, [*lemma.statement.hypotheses.values(), lemma.statement.goal])
    assert len(formulas) > 30
    for formula in formulas:
        assert "\\" not in shown(to_mathml(formula, block=True))


def test_formulas_of_the_book_are_formulas() -> None:
    """Law: every lemma that Coq checks, or that is proved on paper, has a formula, and MathML can show it."""
    lemmas = [lemma for lemma in LEMMAS if any(isinstance(each, ByCoq | Cited) for each in lemma.discharges)]
    assert len(lemmas) > 50
    for lemma in lemmas:
        formula = formula_of(lemma)
        assert formula is not None, lemma.id
        assert "<math" in to_mathml(formula, block=True)
