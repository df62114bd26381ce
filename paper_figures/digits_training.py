"""Addressability along training: each head's multiplier, and the share of its cached keys that a query can address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from experiments.digits import SPEC
from lowerbound.report.figure import INK, SERIES, Figure, sheet

TABLE = "digits"
START, CAP = 4.0, 100.0
"""The multiplier with which the official training starts, and its cap."""
STYLES = ("-", "--")
"""The lines of the heads of one layer."""


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments digits`, of which those with the stage "heads" are drawn."""
    logged = [row for row in rows if row["stage"] == "heads"]
    raised = _raised()
    with sheet(7.2, 3.4, ncols=2) as (figure, (left, right)):
        for level, words in ((CAP, f"cap {CAP:g}"), (START, f"start {START:g}")):
            left.axhline(level, color=INK, linewidth=1, linestyle=":")
            left.text(logged[-1]["step"], level * 0.96, words, fontsize=7.5, ha="right", va="top", color=INK)
        _heads(left, logged, "multipliers", 1)
        _heads(right, logged, "addressable", 100)
        left.set_yscale("log")
        left.set_ylim(3, 130)
        left.set_yticks([3, 4, 6, 10, 20, 50, 100], ["3", "4", "6", "10", "20", "50", "100"])
        left.minorticks_off()
        left.set_ylabel(r"multiplier $\lambda$ of a head")
        right.set_ylim(0, 100)
        right.set_ylabel("addressable keys of a head (%)")
        for axes in (left, right):
            for step, times in raised:
                axes.axvline(step, color=INK, linewidth=1, linestyle=(0, (1, 3)))
                if axes is left:
                    words = f"from here on, the learning rate of\n$\\lambda$ is {times} times that of other weights"
                    axes.annotate(words, (step, 45), (4, 0), textcoords="offset points", fontsize=7.5, va="top")
            axes.set_xlim(logged[0]["step"], logged[-1]["step"])
            axes.set_xlabel("training step")
        figure.legend(
            *right.get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False, fontsize=7.5
        )
    return figure


def _raised() -> list[tuple[int, int]]:
    """The steps at which the recipe changes the learning rate of multipliers, relative to that of other weights."""
    found, step, before = [], 0, 1
    for part in SPEC["var"]:
        if part["multipliers_times"] != before:
            before = part["multipliers_times"]
            found.append((step, before))
        step += part["steps"]
    return found


def _heads(axes: Any, logged: Sequence[dict[str, Any]], name: str, scale: float) -> None:
    """Draw one line per head: layers by marker and colour, heads of a layer by their line."""
    for layer, (marker, colour) in zip(range(len(logged[0]["layers"])), SERIES, strict=False):
        for head in range(len(logged[0]["layers"][layer][name])):
            axes.plot(
                [row["step"] for row in logged],
                [scale * row["layers"][layer][name][head] for row in logged],
                marker + STYLES[head % len(STYLES)],
                color=colour,
                markerfacecolor=colour if head % len(STYLES) == 0 else "white",
                markersize=3.5,
                linewidth=1,
                clip_on=False,
                label=f"layer {layer}, head {head}",
            )
