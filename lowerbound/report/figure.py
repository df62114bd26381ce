"""Figures: one style, deterministic bytes. The only module that imports matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

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
    seen = set()
    placed: list[tuple[float, float]] = []
    for row in sorted(rows, key=lambda row: (row["error"], -row["bits_per_symbol"])):
        marker, colour = FAMILY_MARKS.get(row["family"], USER_MARK)
        in_r1 = row["computation_model"] == "R1"
        name = row["family"] + ("" if in_r1 else f" (model {row['computation_model']})")
        x, y = row["error"], row["bits_per_symbol"]
        axes.errorbar(
            x,
            y,
            xerr=[[max(0.0, x - row["error_low"])], [max(0.0, row["error_high"] - x)]],
            fmt=marker,
            color=colour,
            markerfacecolor=colour if in_r1 else "white",
            markersize=6,
            elinewidth=0.8,
            label=None if name in seen else name,
            zorder=3,
        )
        seen.add(name)
        crowded = any(abs(x - other) < 0.03 and 0.75 < y / height < 1.33 for other, height in placed)
        placed.append((x, y))
        budget = f" {row['budget']}" if row["budget"] else ""
        axes.annotate(
            row["cache"] + budget,
            (x, y),
            textcoords="offset points",
            xytext=(-7, -2.5) if crowded else (7, 3),
            ha="right" if crowded else "left",
            fontsize=7,
            color="#333333",
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )
