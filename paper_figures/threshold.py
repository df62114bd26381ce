"""Thresholds: from which head dimension on T keys are separated enough, found and proved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, IMPOSSIBLE, INK, SERIES, Figure, sheet

TABLE = "threshold"
NAMES = {"gaussian": "Gaussian keys", "signs": "random signs", "greedy": "greedy signs"}


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments threshold`."""
    with sheet(3.5, 3.3) as (figure, axes):
        for (family, name), (marker, colour) in zip(NAMES.items(), SERIES, strict=False):
            some = [row for row in rows if row["family"] == family]
            tokens, found = [row["tokens"] for row in some], [row["d"] for row in some]
            reach = [
                [row["d"] - min(row["d_of_seeds"]) for row in some],
                [max(row["d_of_seeds"]) - row["d"] for row in some],
            ]
            axes.errorbar(
                tokens, found, yerr=reach, fmt=marker, color=colour, markersize=4.5, elinewidth=0.8, label=name
            )
        one = sorted((row for row in rows if row["family"] == "greedy"), key=lambda row: row["tokens"])
        tokens = [row["tokens"] for row in one]
        welch = [row["welch"] for row in one]
        axes.plot(
            tokens, [row["union"] for row in one], "-", color=INK, linewidth=1, label="union bound, $4 \\ln T/\\mu^2$"
        )
        axes.plot(
            tokens, [row["greedy"] for row in one], "--", color=INK, linewidth=1, label="greedy, $2 \\ln T/\\mu^2$"
        )
        axes.plot(tokens, welch, "-", color=FORBIDDEN, linewidth=1.3, label="Welch: nothing below")
        axes.fill_between(tokens, 0, welch, color=IMPOSSIBLE, linewidth=0)
        axes.set_xscale("log", base=2)
        axes.set_ylim(0, 1.06 * max(row["union"] for row in one))
        axes.set_xlabel("tokens T")
        axes.set_ylabel("least head dimension d")
        axes.legend(frameon=False, fontsize=7.5, loc="upper left")
    return figure
