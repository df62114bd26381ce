"""The proof graph as SVG inside a page of the site: every box is a link, and its status is a CSS class."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import networkx as nx

from lowerbound.prove.blueprint import checker_of, corner
from lowerbound.prove.layout import BOX_HEIGHT, BOX_WIDTH, curve, layout, name_svg
from lowerbound.prove.lemma import Lemma
from lowerbound.prove.verify import Report

CHECKERS = ("coq", "kernel", "solvers", "computation", "on paper")
"""The kinds of checkers, strongest first; a box has the color of the strongest one that its lemma asks for."""


def strongest_checker(lemma: Lemma) -> str:
    """The strongest kind of check that a lemma asks for."""
    asked = {checker_of(discharge) for discharge in lemma.discharges}
    return next(checker for checker in CHECKERS if checker in asked)


def svg(graph: nx.DiGraph[str], report: Report, anchors: Mapping[str, str], *, name: str = "whole") -> str:
    """The graph of a verified book, or of a part of it; every box links to its lemma's anchor, its label has the status
    and checkers, and the main theorem has a frame of its own. `name` tells the pictures of a page apart.

    The page's style sheet sets the colors of the classes `coq`, `kernel`, ... and `proved`, `paper`, `open`, `refuted`.
    """
    laid = layout(graph)
    entries = {entry.lemma.id: entry for entry in report.entries}
    parts = [
        f'<svg class="proof-graph {name}" viewBox="0 0 {laid.width:.0f} {laid.height:.0f}" width="{laid.width:.0f}" '
        f'height="{laid.height:.0f}" role="group" aria-label="Which lemma rests on which">',
        f'<defs><marker id="tip-{name}" viewBox="0 0 8 8" refX="8" refY="4" markerUnits="userSpaceOnUse" '
        'markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
    ]
    for (source, target), points in laid.edges.items():
        parts.append(
            f'<path class="edge" data-from="{source}" data-to="{target}" d="{curve(points)}" '
            f'marker-end="url(#tip-{name})"/>'
        )
    for lemma_id, (x, y) in laid.places.items():
        entry = entries[lemma_id]
        lemma = entry.lemma
        status = css_class(entry.status)
        kind = strongest_checker(lemma)
        main = " data-main" if entry.lemma.id == report.theorem.lemma.id else ""
        who = ", ".join(entry.checked_by) or "no machine"
        tag = f'<text class="tag" x="{x + BOX_WIDTH - 5:.1f}" y="{y - BOX_HEIGHT / 2 + 8:.1f}">{lemma.model}</text>'
        parts.append(
            f'<a class="node {kind.replace("on ", "")} {status}" data-id="{lemma_id}"{main} '
            f'href="#{anchors[lemma_id]}" aria-label="{lemma_id}: {escape(entry.status)}, checked by {who}">'
            f"<title>{escape(lemma.words)}</title>"
            f'<rect x="{x:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" '
            f'rx="{10 if corner(lemma) else 0}"/>'
            f"{name_svg(lemma_id, x, y)}"
            f"{tag if lemma.model != 'R1' else ''}</a>"
        )
    return "\n".join([*parts, "</svg>"])


def css_class(status: str) -> str:
    """The CSS class of a status: proved, paper, refuted or open."""
    return "paper" if status.startswith("proved on paper") else status
