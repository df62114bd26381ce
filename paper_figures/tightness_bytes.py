"""The forbidden region: how many bytes an image's cache cannot go below, for each error, model by model.

In computation model R1: the streams of all layers, heads and branches are free and independent, so that floors add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from lowerbound.certify.theorems import CHECKED, ON_PAPER, floors_with
from lowerbound.core.models import find_model
from lowerbound.core.sums import independent_streams
from lowerbound.report.figure import FORBIDDEN, IMPOSSIBLE, INK, OPEN, POSSIBLE, Figure, sheet

TABLE = "tightness"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments tightness` at delta = 0; a panel for each model with several errors."""
    by_machine, by_hand = (floors_with(status, delta=Fraction(0)) for status in (CHECKED, ON_PAPER))
    at_zero = [row for row in rows if row["delta"] == 0]
    names = [n for n in dict.fromkeys(row["model"] for row in at_zero) if sum(row["model"] == n for row in at_zero) > 3]
    with sheet(7.2, 3.1, ncols=len(names), squeeze=False) as (figure, grid):
        for axes, name in zip(grid[0], names, strict=True):
            model = find_model(name)
            here = sorted((row for row in at_zero if row["model"] == name), key=lambda row: row["eta"])
            plain = model.cache_bytes / 1e6
            etas = [row["eta"] for row in here]
            checked = [plain * max(row["floors"].get(t) or 0.0 for t in by_machine) for row in here]
            proved = [plain * max(row["floors"].get(t) or 0.0 for t in (*by_machine, *by_hand)) for row in here]
            enough = [plain * row["achieved"] for row in here]
            top = 1.15 * max(plain, *enough)
            axes.fill_between(etas, 0, proved, color=IMPOSSIBLE, linewidth=0)
            axes.fill_between(etas, proved, enough, color=OPEN, linewidth=0, label="open: nobody knows")
            axes.fill_between(etas, enough, top, color=POSSIBLE, linewidth=0)
            axes.plot(
                etas,
                checked,
                "--",
                color=FORBIDDEN,
                linewidth=1.5,
                label=f"floor, machine-checked ({', '.join(by_machine)})",
            )
            axes.plot(
                etas,
                proved,
                "-",
                color=FORBIDDEN,
                linewidth=1.5,
                label=f"floor, proved on paper ({', '.join(by_hand)})",
            )
            axes.plot(etas, enough, "-", color="#00664a", linewidth=1.5, label="cheapest cache with a proved error")
            axes.axhline(plain, color=INK, linewidth=1, linestyle=":", label="fp16 keys and values")
            axes.set_xscale("log")
            axes.set_xlim(etas[0], etas[-1])
            axes.set_ylim(0, top)
            axes.set_title(f"{name}\nmodel R1, {independent_streams(model).streams:,} free heads", fontsize=9)
            axes.set_xlabel(r"error $\eta$ of every answer")
            axes.text(etas[0] * 1.5, 0.07 * top, "impossible", color=FORBIDDEN, fontsize=8)
            axes.text(etas[-1] / 1.5, 0.7 * top, "possible", color="#00664a", fontsize=8, ha="right")
        grid[0][0].set_ylabel("one image's cache (MB)")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=8, ncols=2)
    return figure
