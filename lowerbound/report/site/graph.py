"""The proof graph as SVG that lives in a page: columns from what is used to what uses it, every box a link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import networkx as nx
from scipy.optimize import isotonic_regression

from lowerbound.prove.blueprint import checker_of, corner
from lowerbound.prove.lemma import Lemma
from lowerbound.prove.verify import Report

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 176, 28, 44, 12, 8
PER_ROW = 5
"""Lemmas without an edge stand in rows of so many under the graph."""
SWEEPS = 24
CHECKERS = ("coq", "kernel", "solvers", "computation", "on paper")
"""Strongest first; a box has the colour of the strongest check that its lemma asks for."""

Node = str | tuple[str, str, int]
"""A lemma, or the place where an edge passes a column."""


@dataclass(frozen=True)
class Layout:
    """Where every lemma stands (the middle of its box's left side), how edges run, and the size of it all."""

    places: Mapping[str, tuple[float, float]]
    edges: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]
    width: float
    height: float


def columns(graph: nx.DiGraph[str]) -> dict[str, int]:
    """A column for each lemma with an edge: right of all that it uses, and no further left than its readers need."""
    linked = graph.subgraph([lemma for lemma in graph if graph.degree(lemma)])
    column: dict[str, int] = {}
    for number, generation in enumerate(nx.topological_generations(linked)):
        column |= dict.fromkeys(generation, number)
    for lemma in linked:
        if not linked.in_degree(lemma):
            column[lemma] = min(column[reader] for reader in linked.successors(lemma)) - 1
    return column


def layout(graph: nx.DiGraph[str]) -> Layout:
    """Places without overlaps; the same for the same graph."""
    column = columns(graph)
    proper: nx.DiGraph[Node] = nx.DiGraph()
    chains: dict[tuple[str, str], list[Node]] = {}
    for source, target in graph.edges:
        between: list[Node] = [(source, target, number) for number in range(column[source] + 1, column[target])]
        chains[source, target] = [source, *between, target]
        nx.add_path(proper, chains[source, target])
    where: dict[Node, int] = {node: node[2] if isinstance(node, tuple) else column[node] for node in proper}
    order = _ordered(proper, [[n for n in proper if where[n] == k] for k in range(max(where.values()) + 1)])
    height_of = _heights(proper, order)
    shift = MARGIN + BOX_HEIGHT / 2 - min(height_of.values())
    left = {node: MARGIN + where[node] * (BOX_WIDTH + GAP_X) for node in proper}
    places = {node: (left[node], height_of[node] + shift) for node in proper if isinstance(node, str)}
    edges = {}
    for edge, chain in chains.items():
        points = []
        for node in chain:
            y = height_of[node] + shift
            ends = [left[node], left[node] + BOX_WIDTH]
            points += [(x, y) for x in (ends[1:] if node == chain[0] else ends[:1] if node == chain[-1] else ends)]
        edges[edge] = tuple(points)
    below = max(y for _, y in places.values()) + BOX_HEIGHT + 3 * GAP_Y
    alone = [lemma for lemma in graph if lemma not in column]
    for number, lemma in enumerate(alone):
        row, place = divmod(number, PER_ROW)
        places[lemma] = MARGIN + place * (BOX_WIDTH + GAP_X), below + row * (BOX_HEIGHT + GAP_Y)
    width = 2 * MARGIN + max(len(order), PER_ROW) * (BOX_WIDTH + GAP_X) - GAP_X
    height = max(y for _, y in places.values()) + BOX_HEIGHT / 2 + MARGIN
    return Layout(places, edges, width, height)


def _ordered(graph: nx.DiGraph[Node], start: list[list[Node]]) -> list[list[Node]]:
    """Columns in an order with few crossings: barycentres, swept to and fro; the best order seen is kept."""
    order, best = start, start
    for sweep in range(SWEEPS):
        neighbours = graph.predecessors if sweep % 2 == 0 else graph.successors
        rank = {node: place for column in order for place, node in enumerate(column)}
        for column in order if sweep % 2 == 0 else order[::-1]:
            middle = {
                node: sum(rank[n] for n in near) / len(near) if (near := list(neighbours(node))) else rank[node]
                for node in column
            }
            rank |= {node: place for place, node in enumerate(sorted(column, key=middle.__getitem__))}
        order = [sorted(column, key=rank.__getitem__) for column in order]
        best = min(best, order, key=lambda one: crossings(graph, one))
    return best


def crossings(graph: nx.DiGraph[Node], order: list[list[Node]]) -> int:
    """How many pairs of edges between neighbouring columns cross."""
    rank = {node: place for column in order for place, node in enumerate(column)}
    total = 0
    for column in order:
        ends = [(rank[source], rank[target]) for source in column for target in graph.successors(source)]
        total += sum((a - c) * (b - d) < 0 for n, (a, b) in enumerate(ends) for c, d in ends[:n])
    return total


def _heights(graph: nx.DiGraph[Node], order: list[list[Node]]) -> dict[Node, float]:
    """Heights near those of the neighbours, in the given order and without overlap: least squares, column by column."""
    height: dict[Node, float] = {}
    offsets: dict[Node, float] = {}
    for column in order:
        reached = 0.0
        for node in column:
            half = (BOX_HEIGHT + GAP_Y) / 2 if isinstance(node, str) else GAP_Y / 2
            offsets[node] = reached + half
            reached += 2 * half
        height |= {node: offsets[node] - reached / 2 for node in column}
    for sweep in range(SWEEPS):
        for column in order if sweep % 2 == 0 else order[::-1]:
            wished = []
            for node in column:
                near = [*graph.predecessors(node), *graph.successors(node)]
                wished.append(sum(height[n] for n in near) / len(near) - offsets[node])
            fitted = isotonic_regression(wished).x
            height |= {node: float(y) + offsets[node] for node, y in zip(column, fitted, strict=True)}
    return height


def strongest_checker(lemma: Lemma) -> str:
    """The strongest kind of check that a lemma asks for."""
    asked = {checker_of(discharge) for discharge in lemma.discharges}
    return next(checker for checker in CHECKERS if checker in asked)


def svg(graph: nx.DiGraph[str], report: Report, anchors: Mapping[str, str]) -> str:
    """The graph of a verified book; every box links to its lemma's anchor, and says who checked it and how it stands.

    Colours are left to the page's style sheet: classes `coq`, `kernel`, ..., and `proved`, `paper`, `open`, `refuted`.
    """
    laid = layout(graph)
    entries = {entry.lemma.id: entry for entry in report.entries}
    parts = [
        f'<svg class="proof-graph" viewBox="0 0 {laid.width:.0f} {laid.height:.0f}" width="{laid.width:.0f}" '
        f'height="{laid.height:.0f}" role="group" aria-label="Which lemma rests on which">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerUnits="userSpaceOnUse" markerWidth="8" '
        'markerHeight="8" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
    ]
    for (source, target), points in laid.edges.items():
        path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
        for (x1, y1), (x2, y2) in pairwise(points):
            bend = (x1 + x2) / 2
            path += f" C{bend:.1f},{y1:.1f} {bend:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
        parts.append(f'<path class="edge" data-from="{source}" data-to="{target}" d="{path}" marker-end="url(#tip)"/>')
    for lemma_id, (x, y) in laid.places.items():
        entry = entries[lemma_id]
        lemma = entry.lemma
        status = css_class(entry.status)
        kind = strongest_checker(lemma)
        who = ", ".join(entry.checked_by) or "no machine"
        tag = f'<text class="tag" x="{x + BOX_WIDTH - 5:.1f}" y="{y - 4:.1f}">{lemma.model}</text>'
        parts.append(
            f'<a class="node {kind.replace("on ", "")} {status}" data-id="{lemma_id}" href="#{anchors[lemma_id]}" '
            f'aria-label="{lemma_id}: {escape(entry.status)}, checked by {who}">'
            f"<title>{escape(lemma.words)}</title>"
            f'<rect x="{x:.1f}" y="{y - BOX_HEIGHT / 2:.1f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" '
            f'rx="{10 if corner(lemma) else 0}"/>'
            f'<text x="{x + BOX_WIDTH / 2:.1f}" y="{y + 4:.1f}">{escape(lemma_id)}</text>'
            f"{tag if lemma.model != 'R1' else ''}</a>"
        )
    return "\n".join([*parts, "</svg>"])


def css_class(status: str) -> str:
    """The class of a status: proved, paper, refuted or open."""
    return "paper" if status.startswith("proved on paper") else status
