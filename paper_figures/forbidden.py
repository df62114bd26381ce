"""The forbidden region: how many bytes an image's cache cannot go below, for each error, model by model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.core.models import find_model
from lowerbound.report.figure import FORBIDDEN, IMPOSSIBLE, INK, OPEN, POSSIBLE, Figure, sheet

TABLE = "tightness"
CHECKED = ("B", "C", "C'")


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments tightness` at delta = 0; a panel for each model with several errors."""
    at_zero = [row for row in rows if row["delta"] == 0]
    names = [n for n in dict.fromkeys(row["model"] for row in at_zero) if sum(row["model"] == n for row in at_zero) > 3]
    with sheet(7.2, 2.9, ncols=len(names), squeeze=False, sharey=True) as (figure, grid):
        for axes, name in zip(grid[0], names, strict=True):
            model = find_model(name)
            here = sorted((row for row in at_zero if row["model"] == name), key=lambda row: row["eta"])
            scale = model.cache_bytes / 1e6
            etas = [row["eta"] for row in here]
            checked = [scale * max(row["floors"].get(t) or 0.0 for t in CHECKED) for row in here]
            proved = [scale * max(share or 0.0 for share in row["floors"].values()) for row in here]
            enough = [scale * row["achieved"] for row in here]
            low, high = min(checked) / 3, scale * 2
            axes.fill_between(etas, low, proved, color=IMPOSSIBLE, linewidth=0)
            axes.fill_between(etas, proved, enough, color=OPEN, linewidth=0)
            axes.fill_between(etas, enough, high, color=POSSIBLE, linewidth=0)
            axes.plot(etas, checked, "--", color=FORBIDDEN, linewidth=1.5, label="floor, machine-checked (B, C, C')")
            axes.plot(etas, proved, "-", color=FORBIDDEN, linewidth=1.5, label="floor, proved on paper (E)")
            axes.plot(etas, enough, "-", color="#00664a", linewidth=1.5, label="cheapest cache with a proved error")
            axes.axhline(scale, color=INK, linewidth=1, linestyle=":", label="fp16 keys and values")
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xlim(etas[0], etas[-1])
            axes.set_title(f"{name}\n{scale:,.0f} MB in fp16", fontsize=9)
            axes.set_xlabel(r"error $\eta$ of every answer")
        grid[0][0].set_ylabel("bytes of one image's cache (MB)")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=8, ncols=2)
    return figure
