"""The first picture: what is forced and what is enough on three models, and where published caches stand."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from lowerbound.core.scalars import rounded_down, rounded_up
from lowerbound.report.figure import IMPOSSIBLE, INK, Figure, sheet

TABLE = "hero"
CHECKED, ON_PAPER = "#b5433c", "#e2a39d"
PARTS = (
    (CHECKED, "forced, machine-checked"),
    (ON_PAPER, "forced, proved on paper"),
    ("#dedede", "open"),
    ("#8cc5a5", "enough, proved"),
)
"""The parts of a bar from left to right: color and meaning."""
STATED = "#1f4e79"
BAND_AT = Fraction(1, 100)
END = 130
"""The right end of the axis of packages, in % of fp16; what is held beyond is told in words."""


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments hero`."""
    bars = [row for row in rows if row["kind"] == "bracket"]
    papers = [row for row in rows if row["kind"] == "paper"]
    packages = sorted((row for row in rows if row["kind"] == "package"), key=lambda row: (row["claim"], row["name"]))
    with sheet(9.0, 5.2, [["models", "packages"]], width_ratios=[1.3, 1]) as (figure, axes):
        _models(axes["models"], bars, papers)
        _packages(axes["packages"], packages, next(row for row in bars[::-1] if Fraction(row["eta"]) == BAND_AT))
        figure.legend(loc="outside lower center", frameon=False, fontsize=9, ncols=4)
    return figure


def _models(axes: Any, bars: Sequence[dict[str, Any]], papers: Sequence[dict[str, Any]]) -> None:
    """A bar from 0 to 100 % of fp16 for each model and error, and a line through all of them for each paper."""
    models = list(dict.fromkeys(row["model"] for row in bars))
    per_model = len(bars) / len(models)
    for number, row in enumerate(bars):
        model = models.index(row["model"])
        height = -(number + 1.1 * model)
        checked, proved, enough = (100 * row[key] for key in ("checked", "proved", "enough"))
        ends = (0.0, checked, proved, enough, 100.0)
        for start, stop, (colour, word) in zip(ends[:-1], ends[1:], PARTS, strict=True):
            told = word if number == 0 else None
            axes.barh(height, max(0.0, stop - start), 0.82, left=start, color=colour, linewidth=0, label=told)
        axes.text(1.2, height, f"{rounded_down(checked, 0)} %", ha="left", va="center", color="white", fontsize=9)
        axes.text(enough + 1, height, f"{rounded_up(enough, 0)} %", ha="left", va="center", color=INK, fontsize=9)
        axes.text(-1.5, height, rf"$\eta$ = {float(Fraction(row['eta'])):g}", ha="right", va="center", fontsize=9)
        if number % per_model == 0:
            told = f"{row['model']}: {row['tokens']:,} tokens, d = {row['d']}"
            axes.text(100, height + 0.5, told, ha="right", va="bottom", fontsize=9, weight="bold")
    said = "dashed: sizes that papers state;\nthey measure averages over texts,\nand claim no guarantee"
    axes.text(100, 3.9, said, color=STATED, fontsize=8, ha="right", va="top")
    top, low = 2.6, -(len(bars) - 1 + 1.1 * (len(models) - 1)) - 0.6
    for rise, row in enumerate(sorted(papers, key=lambda row: row["claim"])):
        share, level = 100 * row["claim"], 1.75 + 0.62 * (len(papers) - 1 - rise)
        axes.plot([share, share], [low, level], color=STATED, linewidth=1.3, linestyle=(0, (4, 2)))
        axes.text(share + 1, level, f"{row['name']}: {share:.0f} %", color=STATED, fontsize=9, va="center")
        top = max(top, level + 0.4)
    axes.set_xlim(0, 100)
    axes.set_ylim(low, top)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("size of one head's cache, in % of fp16")
    axes.set_title("Size that keeps every answer within $\\eta$", fontsize=10, loc="left")


def _packages(axes: Any, packages: Sequence[dict[str, Any]], bar: dict[str, Any]) -> None:
    """A line for each audited package, from the share of fp16 that it states to the one that it holds.

    A band shows what is forced on the model of `bar`, by a theorem that a machine has checked.
    """
    axes.axvspan(0, 100 * bar["checked"], color=IMPOSSIBLE, linewidth=0, zorder=0)
    told = f"forced at\n$\\eta$ = {float(BAND_AT):g},\n{bar['model']}"
    axes.text(1.5, 0.55 - len(packages), told, fontsize=8, color=CHECKED, va="bottom")
    for number, row in enumerate(packages):
        claim, held = 100 * row["claim"], 100 * row["holds"]
        shown = min(held, END)
        axes.plot([claim, shown], [-number, -number], color=STATED, linewidth=1, zorder=2)
        axes.plot([claim], [-number], "o", color=STATED, markerfacecolor="white", markersize=5, zorder=3)
        axes.plot([shown], [-number], "o" if held <= END else ">", color=STATED, markersize=5, zorder=3, clip_on=False)
        axes.text(-3, -number, row["name"], ha="right", va="center", fontsize=8)
        if held > END:
            axes.text(END - 3, -number + 0.05, f"{held:.0f} %", ha="right", va="bottom", fontsize=7, color=STATED)
    axes.axvline(100, color=INK, linewidth=0.8)
    axes.set_xlim(0, END)
    axes.set_ylim(-len(packages) + 0.4, 0.9)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("size of the cache, in % of fp16")
    axes.set_title(f"{len(packages)} packages: claim (hollow) and what they hold (filled)", fontsize=10, loc="right")
