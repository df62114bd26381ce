"""The proof graph as it is drawn: nothing overlaps, every arrow leads right, and every lemma is there."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import networkx as nx
import pytest

from lowerbound.prove.book import Book, load_book
from lowerbound.prove.layout import BOX_HEIGHT, BOX_WIDTH, LETTERS, columns, crossings, layout, lines_of
from lowerbound.prove.verify import verify
from lowerbound.report.site.graph import svg
from lowerbound.report.site.proof_page import anchor

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(ROOT / "proofs")


def test_arrows_lead_from_left_to_right(book: Book) -> None:
    """Law: whatever uses a lemma stands in a later column."""
    graph = book.graph()
    column = columns(graph)
    assert all(column[source] < column[target] for source, target in graph.edges)
    assert set(column) == {lemma for lemma in graph if graph.degree(lemma)}


def test_no_two_boxes_overlap_and_all_are_on_the_sheet(book: Book) -> None:
    """Law: two boxes are apart in one direction at least, and every box is inside the picture."""
    laid = layout(book.graph())
    assert set(laid.places) == {lemma.id for lemma in book.lemmas}
    for (x1, y1), (x2, y2) in combinations(laid.places.values(), 2):
        assert abs(x1 - x2) >= BOX_WIDTH or abs(y1 - y2) >= BOX_HEIGHT
    for x, y in laid.places.values():
        assert 0 <= x <= laid.width - BOX_WIDTH
        assert BOX_HEIGHT / 2 <= y <= laid.height - BOX_HEIGHT / 2


def test_names_fit_their_boxes(book: Book) -> None:
    """Law: a name stands whole in its box, in at most two lines of the width that a box has room for."""
    for lemma in book.lemmas:
        lines = lines_of(lemma.id)
        assert "".join(lines) == lemma.id
        assert len(lines) <= 2
        assert max(map(len, lines)) <= LETTERS


def test_edges_run_between_boxes(book: Book) -> None:
    """Law: an edge that passes a column meets no box of it."""
    laid = layout(book.graph())
    for points in laid.edges.values():
        for x, y in points[1:-1]:
            for left, middle in laid.places.values():
                assert not (left < x < left + BOX_WIDTH and abs(y - middle) < BOX_HEIGHT / 2)


def test_crossings_are_counted_and_fewer_than_as_written() -> None:
    """Known value: a crossed pair is one crossing, and the layout uncrosses it."""
    graph: nx.DiGraph = nx.DiGraph([("a", "y"), ("b", "x")])
    assert crossings(graph, [["a", "b"], ["x", "y"]]) == 1
    places = layout(graph).places
    assert (places["a"][1] < places["b"][1]) == (places["y"][1] < places["x"][1])


@pytest.mark.slow
def test_the_picture_tells_the_report(book: Book) -> None:
    """Law: a box's class is its lemma's status in the report; unchecked lemmas are open, and nothing is typed."""
    report = verify(book, backends=["computation"])
    text = svg(book.graph(), report, {lemma.id: anchor(lemma.id) for lemma in book.lemmas})
    drawn = dict(re.findall(r'<a class="node [\w ]*?(\w+)" data-id="(\w+)"', text))
    classes = {lemma: status for status, lemma in re.findall(r'<a class="node [\w-]+ (\w+)" data-id="(\w+)"', text)}
    assert drawn
    expected = {"proved": "proved", "open": "open", "refuted": "refuted"}
    assert classes == {entry.lemma.id: expected.get(entry.status, "paper") for entry in report.entries}
    assert set(classes.values()) >= {"proved", "open", "paper"}
