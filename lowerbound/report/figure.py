"""Figures: one style, deterministic bytes. The only module that imports matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure

from lowerbound.core.bounds import ENTROPY
from lowerbound.core.scalars import rational
from lowerbound.errors import invalid

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "pdf.fonttype": 42,
    "svg.hashsalt": "lowerbound",
    "svg.fonttype": "none",
}

FAMILY_MARKS: dict[str, tuple[str, str]] = {
    "full": ("s", "#555555"),
    "quantised": ("D", "#0072B2"),
    "window": ("^", "#D55E00"),
    "eviction": ("v", "#CC79A7"),
    "sketch": ("d", "#56B4E9"),
    "low-rank": ("p", "#666633"),
    "recurrent": (">", "#AA4499"),
    "sampling": ("<", "#8C6BB1"),
    "merging": ("h", "#A6611A"),
    "code": ("o", "#009E73"),
    "control": ("X", "#000000"),
    "recompute": ("o", "#E69F00"),
}
"""Marker and colour (Okabe-Ito) of each family; other families are user caches."""
USER_MARK = ("P", "#56B4E9")

_METADATA: dict[str, dict[str, None]] = {
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as .pdf, .png or .svg, byte for byte the same each time."""
    if path.suffix not in _METADATA:
        raise invalid("figure path", "end in .pdf, .png or .svg", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        figure.savefig(path, dpi=200, metadata=_METADATA[path.suffix])
    return path


def frontier(rows: Sequence[dict[str, Any]]) -> Figure:
    """Every cache's measured (error, bits a symbol) beside the proved frontier 1 - H2(error).

    `rows` are the JSON rows of `duel`, all with two levels. Filled marks belong to model R1, hollow ones do not.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.6), layout="constrained")
        axes = figure.add_subplot()
        errors = [rational(f"{step}/1000") for step in range(499)]
        floor = [float(1 - ENTROPY.enclosure(error).mid()) for error in errors]
        xs = [float(error) for error in errors]
        lowest = 1e-3
        axes.plot(xs, floor, color="black", linewidth=1.5, label=r"proved floor $1 - H_2(\delta)$, model R1")
        axes.fill_between(xs, floor, lowest, color="#f3e3e3", linewidth=0)
        axes.text(0.03, 0.006, "no cache of model R1\ncan be here", color="#8c3a3a", fontsize=9)
        _marks(axes, rows)
        axes.set_yscale("log")
        axes.set_ylim(lowest, 400)
        axes.set_xlim(-0.012, 0.56)
        axes.set_xlabel(r"error rate $\delta$ of the symbols that Bob reads")
        axes.set_ylabel("measured message (bits a symbol)")
        first = rows[0]
        axes.set_title(
            f"{first['geometry']}, one head, {first['symbols']} bits: every cache against the floor",
            fontsize=10,
        )
        axes.legend(loc="upper right", frameon=False, fontsize=8, ncols=2)
    return figure


def _marks(axes: Any, rows: Sequence[dict[str, Any]]) -> None:
    """One mark a row; rows of one cache at several budgets are joined and named once."""
    named_families: set[str] = set()
    labelled: list[tuple[float, float]] = []
    series: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["error"], -row["bits_per_symbol"])):
        series.setdefault(row["cache"], []).append(row)
    for cache, points in sorted(series.items(), key=lambda one: -one[1][0]["bits_per_symbol"]):
        first, last = points[0], points[-1]
        marker, colour = FAMILY_MARKS.get(first["family"], USER_MARK)
        in_r1 = first["computation_model"] == "R1"
        family = first["family"] + ("" if in_r1 else f" (model {first['computation_model']})")
        xs = [row["error"] for row in points]
        ys = [row["bits_per_symbol"] for row in points]
        axes.errorbar(
            xs,
            ys,
            xerr=[
                [max(0.0, row["error"] - row["error_low"]) for row in points],
                [max(0.0, row["error_high"] - row["error"]) for row in points],
            ],
            fmt=marker,
            linestyle="-" if len(points) > 1 else "none",
            linewidth=0.6,
            color=colour,
            markerfacecolor=colour if in_r1 else "white",
            markersize=6,
            elinewidth=0.8,
            label=None if family in named_families else family,
            zorder=3,
        )
        named_families.add(family)
        if first["budget"] is not None and len(points) > 1:
            name = f"{cache}, budgets {last['budget']} to {first['budget']}"
        else:
            name = cache + (f" {first['budget']}" if first["budget"] else "")
        is_column = xs[-1] - xs[0] < 0.02
        spot = (xs[-1], ys[-1]) if is_column else (xs[0], ys[0])
        below = any(abs(spot[0] - x) < 0.05 and 0.6 < spot[1] / y < 1.7 for x, y in labelled)
        labelled.append(spot)
        axes.annotate(
            name,
            spot,
            textcoords="offset points",
            xytext=(7, -19) if below else (7, 4),
            fontsize=7,
            color="#333333",
            arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.5} if below else None,
        )
