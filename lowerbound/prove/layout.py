"""The places of lemmas in a picture of the book: a lemma stands right of those it uses, and few edges cross.

Both pictures of the proof graph, that of the book and that of the site, are drawn from this one layout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

import networkx as nx
from scipy.optimize import isotonic_regression

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 132, 32, 40, 10, 8
PER_ROW = 6
"""The number of lemmas per row among those without an edge, which stand under the graph."""
SWEEPS = 24
LETTERS = 19
"""The most letters that stand in one line of a box; a longer name is broken into two."""
LINE_HEIGHT = 12.0

Node = str | tuple[str, str, int]
"""A lemma's id, or the place where an edge passes a column: (source, target, column)."""


@dataclass(frozen=True)
class Layout:
    """The place of every lemma (the middle of its box's left side), the points of every edge, and the total size."""

    places: Mapping[str, tuple[float, float]]
    edges: Mapping[tuple[str, str], tuple[tuple[float, float], ...]]
    width: float
    height: float


def lines_of(lemma_id: str) -> list[str]:
    """A lemma's name as it stands in its box: one line, or two, broken at the underscore that keeps them shortest."""
    parts = lemma_id.split("_")
    if len(lemma_id) <= LETTERS or len(parts) == 1:
        return [lemma_id]
    broken = [["_".join(parts[:n]) + "_", "_".join(parts[n:])] for n in range(1, len(parts))]
    return min(broken, key=lambda lines: max(map(len, lines)))


def name_svg(lemma_id: str, left: float, middle: float, style: str = "") -> str:
    """A lemma's name as SVG text, in the middle of the box whose left side is at `left`; `style` is more attributes."""
    lines = lines_of(lemma_id)
    x, top = left + BOX_WIDTH / 2, middle + 4 - LINE_HEIGHT * (len(lines) - 1) / 2
    spans = "".join(
        f'<tspan x="{x:.1f}" y="{top + LINE_HEIGHT * number:.1f}">{escape(line)}</tspan>'
        for number, line in enumerate(lines)
    )
    return f"<text{style}>{spans}</text>"


def columns(graph: nx.DiGraph[str]) -> dict[str, int]:
    """The column of each lemma with an edge: right of all that it uses; if it uses none, just left of its users."""
    linked = graph.subgraph([lemma for lemma in graph if graph.degree(lemma)])
    column: dict[str, int] = {}
    for number, generation in enumerate(nx.topological_generations(linked)):
        column |= dict.fromkeys(generation, number)
    for lemma in linked:
        if not linked.in_degree(lemma):
            column[lemma] = min(column[reader] for reader in linked.successors(lemma)) - 1
    return column


def layout(graph: nx.DiGraph[str]) -> Layout:
    """The layout of a proof graph; boxes do not overlap, and equal graphs have equal layouts."""
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
    widest = max(len(order), min(PER_ROW, len(alone)))
    width = 2 * MARGIN + widest * (BOX_WIDTH + GAP_X) - GAP_X
    height = max(y for _, y in places.values()) + BOX_HEIGHT / 2 + MARGIN
    return Layout(places, edges, width, height)


def _ordered(graph: nx.DiGraph[Node], start: list[list[Node]]) -> list[list[Node]]:
    """Columns in an order with few crossings: each node moves to its neighbors' mean, in sweeps left and right.

    The best order seen is kept.
    """
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
    """The number of pairs of edges between adjacent columns that cross."""
    rank = {node: place for column in order for place, node in enumerate(column)}
    total = 0
    for column in order:
        ends = [(rank[source], rank[target]) for source in column for target in graph.successors(source)]
        total += sum((a - c) * (b - d) < 0 for n, (a, b) in enumerate(ends) for c, d in ends[:n])
    return total


def _heights(graph: nx.DiGraph[Node], order: list[list[Node]]) -> dict[Node, float]:
    """Heights in the given order, without overlap, and as near as possible to the neighbors' in least squares."""
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


def curve(points: Sequence[tuple[float, float]]) -> str:
    """The path of an edge in SVG, horizontal at every point that it passes."""
    path = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(points):
        bend = (x1 + x2) / 2
        path += f" C{bend:.1f},{y1:.1f} {bend:.1f},{y2:.1f} {x2:.1f},{y2:.1f}"
    return path
