"""Scaling: the exact cache's bits against the image's side and the head's dimension, and the lambda that is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import INK, SERIES, Figure, sheet

TABLE = "scaling"
NAMES = {"geometric": "sides 1, 2, 4, ...", "linear": "sides 1, 2, 3, ...", "var": "VAR's sides"}

ROOM = 16
"""The factor by which the first panel reaches above its points, which leaves room for the legend."""


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments scaling`; lines have the fitted slopes, which the legend lists."""
    fits = rows[0]["fits"]
    with sheet(7.2, 2.7, ncols=3) as (figure, (by_n, by_d, by_lambda)):
        at = [row for row in rows if row["d"] == 64]
        for (kind, name), (marker, colour) in zip(NAMES.items(), SERIES, strict=False):
            some = sorted((row for row in at if row["kind"] == kind), key=lambda row: row["n"])
            slope, margin = fits[f"{kind} n"]
            label = rf"{name}: $n^{{{slope:.2f} \pm {margin:.2f}}}$"
            _points(by_n, some, "n", "bits", marker, colour, slope, label)
        geometric = sorted(
            (row for row in rows if row["kind"] == "geometric" and row["n"] == 8), key=lambda row: row["d"]
        )
        slope, margin = fits["geometric d"]
        _points(by_d, geometric, "d", "bits", *SERIES[0], slope, rf"n = 8: $d^{{{slope:.2f} \pm {margin:.2f}}}$")
        some = sorted((row for row in at if row["kind"] == "geometric"), key=lambda row: row["n"])
        slope, margin = fits["lambda"]
        xs, ys = [row["n"] for row in some], [row["lambda_times_gap"] for row in some]
        by_lambda.plot(
            xs, ys, "o", color=SERIES[0][1], markersize=5, label=rf"{slope:.2f} $\pm$ {margin:.2f} each $\ln n$"
        )
        by_lambda.plot([xs[0], xs[-1]], [ys[0], ys[-1]], color=INK, linewidth=1)
        by_lambda.set_xscale("log", base=2)
        by_lambda.legend(frameon=False, fontsize=7.5)
        low, high = by_n.get_ylim()
        by_n.set_ylim(low, high * ROOM)
        for axes, x, y in (
            (by_n, "side n of the largest map", "exact cache, measured (bits)"),
            (by_d, "head dimension d", "exact cache, measured (bits)"),
            (by_lambda, "side n of the largest map", r"least $\lambda (1 - \mu)$ for $\tau = 1/4$"),
        ):
            axes.set_xlabel(x)
            axes.set_ylabel(y)
    return figure


def _points(
    axes: Any, rows: Sequence[dict[str, Any]], x: str, y: str, marker: str, colour: str, slope: float, label: str
) -> None:
    xs, ys = [row[x] for row in rows], [row[y] for row in rows]
    axes.plot(xs, ys, marker, color=colour, markersize=5, label=label)
    last = ys[-1] * (xs[0] / xs[-1]) ** slope
    axes.plot([xs[0], xs[-1]], [last, ys[-1]], color=colour, linewidth=1)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.legend(frameon=False, fontsize=7, loc="upper left", handletextpad=0.1)
