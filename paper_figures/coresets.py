"""Caches of few tokens as logits grow: their largest error on random tokens, and where proved coresets are small."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import INK, SERIES, Figure, sheet

TABLE = "coresets"
ETA = 0.1
BOTTOM, TOP = 0.01, 3.0


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments coresets`.

    A proved coreset is drawn only where it keeps fewer tokens than there are; elsewhere it is the whole cache.
    """
    named: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("rows", 0) < row.get("tokens", 1):
            named.setdefault(row["cache"], []).append(row)
    with sheet(3.6, 3.4) as (figure, axes):
        axes.axhline(ETA, color=INK, linewidth=1, linestyle=":", label=rf"$\eta$ = {ETA:g}")
        for (name, points), (marker, colour) in zip(named.items(), SERIES, strict=False):
            kept = min(row["rows"] for row in points) if "rows" in points[0] else None
            axes.plot(
                [row["lambda"] for row in points],
                [row["worst"] for row in points],
                marker + "-",
                color=colour,
                linewidth=1,
                markersize=4,
                label=name if kept is None else f"{name}, {kept:,} tokens or more",
            )
            if beyond := [row for row in points if row["worst"] > TOP]:
                most = max(row["worst"] for row in beyond)
                axes.text(
                    beyond[-1]["lambda"], TOP, f"up to {most:.0e}", ha="right", va="top", fontsize=7, color=colour
                )
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_ylim(BOTTOM, TOP)
        axes.set_xlabel(r"largest logit $\lambda$")
        axes.set_ylabel("largest error of an output")
        figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=7.5)
    return figure
