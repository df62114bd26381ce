"""Attention maps of broken caches: one witness as attention and a cache weigh it, and the tokens each cache knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import INK, Figure, cell, sheet

TABLE = "maps"
VALUED, GRID = "#D55E00", "#bbbbbb"
GAP = 1
"""The distance between two maps, in cells."""
N_COLUMNS = 3


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """The figure of the rows of `python -m experiments maps`: one witness, then the known tokens, attention first."""
    (witness,) = (row for row in rows if row["kind"] == "witness")
    known = [row for row in rows if row["kind"] == "known"]
    lines = -(-len(known) // N_COLUMNS)
    with sheet(7.2, 1.6 + 1.0 * lines, nrows=1 + lines, ncols=N_COLUMNS, squeeze=False) as (figure, grid):
        _witness(figure, grid[0], witness)
        below = [axes for line in grid[1:] for axes in line]
        image = None
        for axes, row in zip(below, known, strict=False):
            image = _pyramid(axes, row["maps"][:-1], row["weights"], "Blues", 0, 1)
            n = len(row["weights"])
            _title(
                axes, f"{row['cache']} knows {row['known']} of {n}" if "known" in row else f"attention knows all {n}"
            )
        for axes in below[len(known) :]:
            axes.axis("off")
        _bar(figure, image, grid[-1], "weight on each token, when it is asked for by its own key", 70)
    return figure


def _witness(figure: Figure, panels: Any, row: dict[str, Any]) -> None:
    mistakes = [mine - true for mine, true in zip(row["weights"], row["truth"], strict=True)]
    top = max(*row["truth"], *row["weights"])
    reach = max(map(abs, mistakes))
    _pyramid(panels[0], row["maps"], row["truth"], "Blues", 0, top)
    _title(panels[0], f"attention answers {row['exact']:.4f}")
    image = _pyramid(panels[1], row["maps"], row["weights"], "Blues", 0, top)
    _title(panels[1], f"{row['cache']} answers {row['answer']:.4f}")
    _bar(figure, image, panels[:2], "weight on each token, in one answer", 50)
    # cividis grows lighter from end to end, so that signs can also be told apart in gray.
    image = _pyramid(panels[2], row["maps"], mistakes, "cividis", -reach, reach)
    _title(panels[2], "difference")
    _bar(figure, image, panels[2:], "this cache's weight less attention's", 25)
    for axes in panels:
        _mark(axes, row["maps"], [value > 0 for value in row["values"]])
    height = max(height for height, _ in row["maps"])
    words = "framed token: value 1\nevery other: value 0"
    panels[0].text(0, -height, words, fontsize=6.5, color=INK, va="bottom")


def _bar(figure: Figure, image: Any, panels: Any, words: str, aspect: float) -> None:
    bar = figure.colorbar(image, ax=list(panels), orientation="horizontal", shrink=0.6, aspect=aspect, pad=0.08)
    bar.outline.set_linewidth(0.4)
    bar.ax.tick_params(labelsize=6.5, length=2, width=0.5)
    bar.ax.locator_params(nbins=4)
    bar.set_label(words, fontsize=7.5)


def _title(axes: Any, words: str) -> None:
    axes.set_title(words, fontsize=8.5, loc="left", pad=2)


def _mark(axes: Any, maps: Sequence[Sequence[int]], marked: Sequence[bool]) -> None:
    """Draw a frame around every token whose value is not 0."""
    left, start = 0, 0
    for height, width in maps:
        for place in range(height * width):
            if marked[start + place]:
                row, column = divmod(place, width)
                cell(axes, left + column, row, facecolor="none", edgecolor=VALUED, linewidth=1.4, zorder=4)
        start += height * width
        left += width + GAP


def _pyramid(
    axes: Any, maps: Sequence[Sequence[int]], weights: Sequence[float], colours: str, low: float, high: float
) -> Any:
    left, start, image = 0, 0, None
    for height, width in maps:
        part = weights[start : start + height * width]
        block = [list(part[row * width : (row + 1) * width]) for row in range(height)]
        extent = (left, left + width, -height, 0)
        image = axes.imshow(block, cmap=colours, vmin=low, vmax=high, extent=extent, interpolation="nearest")
        for column in range(width + 1):
            axes.plot([left + column] * 2, [0, -height], color=GRID, linewidth=0.3)
        for row in range(height + 1):
            axes.plot([left, left + width], [-row] * 2, color=GRID, linewidth=0.3)
        start += height * width
        left += width + GAP
    axes.set_aspect("equal", anchor="NW")
    axes.set_xlim(-0.3, left - GAP + 0.3)
    axes.set_ylim(-max(height for height, _ in maps) - 0.3, 0.3)
    axes.axis("off")
    return image
