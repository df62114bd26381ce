"""Time: readers' error rate against the number of cached rows they read; fixed readers beside the proved bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lowerbound.report.figure import FORBIDDEN, IMPOSSIBLE, SERIES, Figure, sheet

TABLE = "probes"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments probes`; rows of caches, whose reads are not counted, are left out."""
    readers = [row for row in rows if "reader" in row]
    models = list(dict.fromkeys(row["model"] for row in readers))
    with sheet(3.3 * len(models), 3.2, ncols=len(models), sharey=True, squeeze=False) as (figure, grid):
        for axes, model in zip(grid[0], models, strict=True):
            here = [row for row in readers if row["model"] == model]
            _panel(axes, here)
            axes.set_title(f"{model}: T = {here[0]['tokens']:,}", loc="left", fontsize=9)
        grid[0][0].set_ylabel("error rate of the bits read")
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=2 * len(models) - 1, frameon=False, fontsize=7.5
        )
    return figure


def _panel(axes: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Draw the panel of one model."""
    tokens = rows[0]["tokens"]
    looks = [0.0, *np.geomspace(0.01, tokens, 400).tolist()]
    least = [(1 - look / tokens) / 2 for look in looks]
    axes.fill_between(looks, least, 0, color=IMPOSSIBLE, linewidth=0)
    axes.plot(looks, least, color=FORBIDDEN, linewidth=1.5, label=r"fixed places, proved: $(1 - 2 \delta) T$ rows")
    names = ["fixed places", *(row["reader"] for row in rows if row["reader"] != "fixed places")]
    for name, (marker, colour) in zip(dict.fromkeys(names), SERIES, strict=False):
        points = [row for row in rows if row["reader"] == name]
        is_adaptive = points[0]["is_adaptive"]
        axes.plot(
            [row["looks"] for row in points],
            [row["error"] for row in points],
            marker,
            color=colour,
            markerfacecolor="white" if is_adaptive else colour,
            markersize=5,
            zorder=3,
            label=name + (", adaptive" if is_adaptive else ", played"),
        )
    axes.text(1.2, 0.22, "no reader that fixes its places\nbefore it looks", color=FORBIDDEN, fontsize=8)
    axes.set_xscale("symlog", base=2, linthresh=1)
    ticks = [0, *(4**k for k in range(tokens.bit_length()) if 4**k <= tokens)]
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xlim(-0.15, 1.35 * tokens)
    axes.set_ylim(-0.02, 0.55)
    axes.set_xlabel("rows read for one answer, in the mean")
