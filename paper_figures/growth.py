"""How cost grows: seconds and memory of games against tokens and dimension, seconds against caches and lemmas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, INK, MEASURED, SERIES, Figure, sheet

TABLE = "growth"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments growth`; lines are the fit of the round marks."""
    games = [row for row in rows if row["kind"] == "game"]
    largest = [row for row in rows if row["kind"] == "largest"]
    (future,) = (row for row in rows if row["kind"] == "extrapolated")
    d = games[0]["d"]
    with sheet(7.2, 5.2, nrows=2, ncols=2) as (figure, ((time, memory), (width, many))):
        some = [row for row in games if row["d"] == d]
        for axes, name, scale in ((time, "seconds", 1.0), (memory, "memory_bytes", 2.0**-20)):
            for (dimension, line), style in zip(future["lines"].items(), ("-", "--"), strict=True):
                heights = [scale * height for height in line[name]]
                axes.plot(line["tokens"], heights, style, color=INK, linewidth=1, label=f"fit, d = {dimension}")
            axes.plot(
                [row["tokens"] for row in some],
                [scale * row[name] for row in some],
                "o",
                color=MEASURED,
                markersize=4,
                label=f"played, d = {d}",
            )
            axes.plot(
                [row["tokens"] for row in largest],
                [scale * row[name] for row in largest],
                "s",
                color=FORBIDDEN,
                markersize=5,
                label=f"played, d = {largest[0]['d']}, foretold by the fit",
            )
            axes.set_xlabel("cached tokens T")
        time.set_ylabel("seconds of a game")
        memory.set_ylabel("memory of a game (MiB)")
        sides = [row for row in games if row["tokens"] == games[-1]["tokens"]]
        width.plot(list(map(int, future["widths"])), list(future["widths"].values()), color=INK, linewidth=1)
        width.plot([row["d"] for row in sides], [row["seconds"] for row in sides], "o", color=MEASURED, markersize=4)
        width.set_xlabel(f"head dimension d, T = {sides[0]['tokens']:,}")
        width.set_ylabel("seconds of a game")
        for what, (marker, colour) in zip(("caches", "lemmas"), SERIES, strict=False):
            points = [row for row in rows if row["kind"] == what]
            many.plot(
                [row["count"] for row in points],
                [row["seconds"] for row in points],
                marker + "-",
                color=colour,
                linewidth=1,
                markersize=4,
                label=f"{what}, {'played in processes of their own' if what == 'caches' else 'checked'}",
            )
        many.set_xlabel("number of caches, or of lemmas")
        many.set_ylabel("seconds for all")
        for axes in (time, memory, width, many):
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
        many.legend(frameon=False, fontsize=7)
        figure.legend(
            *time.get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=7.5
        )
    return figure
