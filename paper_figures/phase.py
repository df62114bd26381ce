"""The phase diagram: for which lambda, T and d the floor bites, and where a coreset of proved error is smaller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, IMPOSSIBLE, INK, OPEN, POSSIBLE, Figure, sheet

TABLE = "phase"
TRAINED = (4.0, 100.0)
BOTTOM, TOP = 0.05, 150.0
GREEN = "#00664a"
LEAST_RATIO = 4.0
"""The ratio of its ends from which on a zone has its name in it."""


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments phase`."""
    borders = [row for row in rows if row["kind"] == "border"]
    dimensions = sorted({row["d"] for row in borders})
    width = 1.6 + 1.9 * len(dimensions)
    with sheet(width, 3.5, ncols=len(dimensions), sharey=True, squeeze=False) as (figure, grid):
        for axes, d in zip(grid[0], dimensions, strict=True):
            _panel(axes, d, sorted((row for row in borders if row["d"] == d), key=lambda row: row["tokens"]), rows)
        grid[0][0].set_ylabel(r"largest logit $\lambda$")
        played = [row for row in rows if row["kind"] == "played"]
        wrong, asked = sum(row["wrong"] for row in played), sum(row["of"] for row in played)
        last = grid[0][-1]
        last.plot([], [], color=FORBIDDEN, linewidth=1.5, label="T d bits are forced above")
        last.plot([], [], color=GREEN, linewidth=1.5, label="a coreset is smaller below: sample or balls")
        last.plot(
            [], [], "o", color=GREEN, markersize=4.5, label=rf"played: {wrong:,} of {asked:,} outputs over $\eta$"
        )
        last.plot([], [], "|", color=INK, markersize=8, label="models, at the cap")
        last.plot([], [], ":", color=INK, linewidth=1, label=rf"trained $\lambda$: {TRAINED[0]:g} to {TRAINED[1]:g}")
        figure.legend(loc="outside lower center", ncols=2 if len(dimensions) > 1 else 1, frameon=False, fontsize=7.5)
    return figure


def _panel(axes: Any, d: int, border: list[dict[str, Any]], rows: Sequence[dict[str, Any]]) -> None:
    """Draw the panel of one dimension; marks on its border are drawn whole."""
    tokens = [row["tokens"] for row in border]
    forced = [row["floor_from"] if row["floor_from"] is not None else 1e4 for row in border]
    smaller = [max(row["sampled_to"] or 0, row["covered_to"] or 0) for row in border]
    axes.fill_between(tokens, smaller, forced, color=OPEN, linewidth=0)
    axes.fill_between(tokens, forced, TOP, color=IMPOSSIBLE, linewidth=0)
    axes.fill_between(tokens, BOTTOM, smaller, color=POSSIBLE, linewidth=0)
    axes.plot(tokens, forced, color=FORBIDDEN, linewidth=1.5)
    axes.plot(tokens, smaller, color=GREEN, linewidth=1.5)
    games = [row for row in rows if row["kind"] == "played" and row["d"] == d]
    places = [row["tokens"] for row in games], [row["lambda"] for row in games]
    axes.plot(*places, "o", color=GREEN, markeredgecolor="white", markersize=5.5, zorder=4, clip_on=not games)
    for height in TRAINED:
        axes.axhline(height, color=INK, linestyle=":", linewidth=1)
    models = sorted({row["tokens"] for row in rows if row["kind"] == "model" and row["d"] == d})
    axes.plot(models, [TRAINED[1]] * len(models), "|", color=INK, markersize=8)
    axes.set_title(f"d = {d}", loc="left", fontsize=9)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(tokens[0], tokens[-1])
    for words, colour, low, high in (
        ("forced", FORBIDDEN, forced, [TOP] * len(tokens)),
        ("open", INK, smaller, forced),
        ("coreset", GREEN, [BOTTOM] * len(tokens), smaller),
    ):
        _name(axes, tokens, low, high, words, colour)
    axes.set_ylim(BOTTOM, TOP)
    axes.set_xlabel("tokens T")


def _name(
    axes: Any, tokens: Sequence[int], low: Sequence[float], high: Sequence[float], words: str, colour: str
) -> None:
    """Write a zone's name where the zone is highest, if a line of text fits there."""
    ends = [(max(bottom, BOTTOM), min(top, TOP)) for bottom, top in zip(low, high, strict=True)]
    inner = range(1, len(tokens) - 1) if len(tokens) > 2 else range(len(tokens))
    best = max(inner, key=lambda place: ends[place][1] / ends[place][0])
    bottom, top = ends[best]
    if top > LEAST_RATIO * bottom:
        side = "left" if best < len(tokens) / 2 else "right"
        middle = (bottom * top) ** 0.5
        name = axes.text(tokens[best], middle, words, color=colour, fontsize=8, ha=side, va="center", zorder=5)
        name.set_in_layout(False)
