"""How costs grow: seconds and memory of games with tokens and dimension, and seconds with caches and lemmas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, INK, MEASURED, SERIES, Figure, plain_ticks, sheet

TABLE = "growth"
DECODED = SERIES[2][1]


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """The figure of the rows of `python -m experiments growth`; lines are fitted to the round marks."""
    (future,) = _of(rows, "extrapolated")
    with sheet(7.2, 5.2, nrows=2, ncols=2) as (figure, ((time, memory), (width, many))):
        _against_tokens(time, rows, "seconds", 1.0)
        _against_tokens(memory, rows, "memory_bytes", 2.0**-20)
        time.set_ylabel("seconds of a game")
        memory.set_ylabel("memory of a game (MiB)")
        games = _of(rows, "game")
        sides = [row for row in games if row["tokens"] == games[-1]["tokens"]]
        width.plot(list(map(int, future["widths"])), list(future["widths"].values()), color=INK, linewidth=1)
        _marks(width, sides, ("d", "seconds"), "o", MEASURED)
        width.set_xlabel(f"head dimension d, T = {sides[0]['tokens']:,}")
        width.set_ylabel("seconds of a game")
        for what, how, (marker, colour) in zip(
            ("caches", "lemmas"), ("played in processes of their own", "checked"), SERIES, strict=False
        ):
            _marks(many, _of(rows, what), ("count", "seconds"), marker + "-", colour, label=f"{what}, {how}")
        many.set_xlabel("number of caches, or of lemmas")
        many.set_ylabel("seconds for all")
        for axes, title in zip(
            (time, memory, width, many),
            ("time grows with tokens", "memory grows with tokens", "time grows with the dimension", "many at once"),
            strict=True,
        ):
            axes.set_title(title, loc="left", fontsize=9)
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.margins(x=0.06, y=0.08)
            plain_ticks(axes)
        many.margins(y=0.3)
        many.legend(frameon=False, fontsize=7.5)
        figure.legend(
            *time.get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False, fontsize=7.5
        )
    return figure


def _of(rows: Sequence[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The rows of one kind."""
    return [row for row in rows if row["kind"] == kind]


def _against_tokens(axes: Any, rows: Sequence[dict[str, Any]], name: str, scale: float) -> None:
    """Draw the costs of small games, the fit to them, and the costs of large games."""
    games, largest, (future,) = (_of(rows, kind) for kind in ("game", "largest", "extrapolated"))
    for (dimension, line), style in zip(future["lines"].items(), ("-", "--"), strict=True):
        heights = [scale * height for height in line[name]]
        axes.plot(line["tokens"], heights, style, color=INK, linewidth=1, label=f"fit, d = {dimension}")
    d, wide = games[0]["d"], largest[0]["d"]
    small = [row for row in games if row["d"] == d]
    _marks(axes, small, ("tokens", name), "o", MEASURED, scale, label=f"played, d = {d}")
    _marks(axes, largest, ("tokens", name), "s", FORBIDDEN, scale, label=f"foretold, then played, d = {wide}")
    for decoding, marker in ((d, "^"), (wide, "v")):
        decoded = [row for row in _of(rows, "decoding") if row["d"] == decoding]
        label = f"one own token, d = {decoding}"
        axes.plot(*_points(decoded, ("tokens", name), scale), marker, color=DECODED, markersize=4.5, label=label)
    axes.set_xlabel("cached tokens T")


def _points(rows: Sequence[dict[str, Any]], names: tuple[str, str], scale: float) -> tuple[list[float], list[float]]:
    x, y = names
    return [row[x] for row in rows], [scale * row[y] for row in rows]


def _marks(
    axes: Any,
    rows: Sequence[dict[str, Any]],
    names: tuple[str, str],
    marker: str,
    colour: str,
    scale: float = 1.0,
    label: str | None = None,
) -> None:
    """Draw one mark per row."""
    axes.plot(*_points(rows, names, scale), marker, color=colour, markersize=4.5, linewidth=1, zorder=3, label=label)
