"""The proof: which lemma rests on which, who checked it, and how far it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.prove.layout import BOX_HEIGHT, BOX_WIDTH, MARGIN, lines_of
from lowerbound.report.figure import INK, Figure, box, sheet, winding

TABLE = "proof"
FILL = {"coq": "#cfe8d8", "kernel": "#d6e4f5", "z3": "#fbe7c6", "computation": "#e8e0f0"}
NAMES = {"coq": "Coq", "kernel": "kernel", "z3": "z3 and cvc5", "computation": "computation"}
ON_PAPER, OPEN = "#ffffff", "#8a5a00"
WIDTH_INCHES, LEGEND_INCHES = 7.2, 0.5
ROUND = 9.0
"""The radius of the corners of a lemma that holds for all sizes, in the layout's units."""


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments proof`: one lemma each, with its place and the arrows that end at its box."""
    width = max(row["left"] for row in rows) + BOX_WIDTH + MARGIN
    height = max(row["middle"] for row in rows) + BOX_HEIGHT / 2 + MARGIN
    with sheet(WIDTH_INCHES, WIDTH_INCHES * height / width + LEGEND_INCHES) as (figure, axes):
        for row in rows:
            for points in row["arrows"].values():
                winding(axes, points, "#8a8f98")
        for row in rows:
            _box(axes, row)
            axes.text(
                row["left"] + BOX_WIDTH / 2,
                row["middle"],
                "\n".join(lines_of(row["id"])),
                ha="center",
                va="center",
                fontsize=5,
                linespacing=1.05,
                fontweight="bold" if row["main"] else "normal",
            )
        for name, colour in (*((NAMES[checker], colour) for checker, colour in FILL.items()), ("on paper", ON_PAPER)):
            axes.plot([], [], "s", color=colour, markeredgecolor=INK, markeredgewidth=0.6, markersize=7, label=name)
        axes.plot([], [], "o", color="white", markeredgecolor=INK, markersize=7, label="round: all sizes")
        figure.legend(loc="outside lower center", frameon=False, fontsize=7, ncols=6)
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        axes.axis("off")
    return figure


def _box(axes: Any, row: dict[str, Any]) -> None:
    """Draw the box of a lemma: its color is its strongest checker's, its border its status, its corners its range."""
    checker = next((name for name in FILL if name in row["checked_by"]), None)
    is_proved = row["status"] == "proved"
    box(
        axes,
        (row["left"], row["middle"] - BOX_HEIGHT / 2),
        (BOX_WIDTH, BOX_HEIGHT),
        ROUND if row["everywhere"] else 0,
        facecolor=FILL[checker] if checker else ON_PAPER,
        edgecolor=INK if is_proved else OPEN,
        linewidth=1.6 if row["main"] else 0.6,
        linestyle="-" if is_proved else "--",
    )
