"""The proof: which lemma rests on which, who checked it, and how far it holds."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

from lowerbound.report.figure import INK, Figure, sheet

TABLE = "proof"
FILL = {"coq": "#cfe8d8", "kernel": "#d6e4f5", "z3": "#fbe7c6", "computation": "#e8e0f0"}
ON_PAPER = "#ffffff"
REACH = 0.21
"""The distance from the middle of a name to the end of an arrow, in columns."""
WIDEST = 14
"""The most letters per line; longer names are broken."""


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments proof`: one lemma each, with its place in the picture."""
    places = {row["id"]: (row["column"], -row["row"]) for row in rows}
    heights = [row["row"] for row in rows]
    with sheet(7.2, 0.26 * (max(heights) - min(heights)) + 1) as (figure, axes):
        for row in rows:
            for used in row["uses"]:
                (x1, y1), (x2, y2) = places[used], places[row["id"]]
                axes.annotate(
                    "",
                    (x2 - REACH, y2),
                    (x1 + REACH, y1),
                    arrowprops={"arrowstyle": "-|>", "color": "#999999", "linewidth": 0.5, "mutation_scale": 5},
                )
        for row in rows:
            checker = next((name for name in FILL if name in row["checked_by"]), None)
            axes.text(
                *places[row["id"]],
                fill(row["id"].replace("_", " "), WIDEST),
                ha="center",
                va="center",
                fontsize=6,
                linespacing=1.05,
                fontweight="bold" if row["main"] else "normal",
                bbox={
                    "boxstyle": "round,pad=0.3" if row["everywhere"] else "square,pad=0.3",
                    "facecolor": FILL[checker] if checker else ON_PAPER,
                    "edgecolor": INK if row["status"] == "proved" else "#cc3333",
                    "linewidth": 1.3 if row["main"] else 0.6,
                    "linestyle": "-" if row["status"] == "proved" else "--",
                },
            )
        for checker, colour in (*FILL.items(), ("on paper", ON_PAPER)):
            axes.plot([], [], "s", color=colour, markeredgecolor=INK, markeredgewidth=0.6, markersize=7, label=checker)
        axes.plot([], [], "o", color="white", markeredgecolor=INK, markersize=7, label="round: all sizes")
        figure.legend(loc="outside lower center", frameon=False, fontsize=7, ncols=6)
        columns = [column for column, _ in places.values()]
        axes.set_xlim(min(columns) - 0.6, max(columns) + 0.6)
        axes.set_ylim(-max(heights) - 0.8, -min(heights) + 0.8)
        axes.axis("off")
    return figure
