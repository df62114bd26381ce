"""The anatomy of the proof: a cache is a message from which Bob reads every bit, one nearly one-hot row at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, INK, MEASURED, Figure, arrow, cell, sheet

TABLE = "anatomy"
ZERO, ONE, ASKED, PROVED, LINES = "#ffffff", "#3b3b3b", "#D55E00", "#dce9f5", "#888888"
N_LINES = 24
"""The number of lines in which the picture shows the message."""


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """The figure of the single row of `python -m experiments anatomy`."""
    (row,) = rows
    cached = row["maps"][:-1]
    n, d, coordinate = len(row["bits"]), len(row["bits"][0]), row["coordinate"]
    parts = {
        "mosaic": [["alice"] * 3 + ["message"] * 2 + ["bob"] * 3, ["gram"] * 2 + ["weights"] * 3 + ["outputs"] * 3],
        "height_ratios": [1, 1.45],
    }
    with sheet(7.2, 4.0, **parts) as (figure, axes):
        _pyramid(axes["alice"], cached, [bits[coordinate] for bits in row["bits"]], row["token"])
        _title(axes["alice"], "1", f"Alice: {n} tokens hold {d} bits each")
        _note(axes["alice"], f"one of the {d} is shown")
        _message(axes["message"], row["message"])
        _title(axes["message"], "2", f"the cache: {len(row['message'])} bits")
        _pyramid(axes["bob"], cached, [bits[coordinate] for bits in row["read"]], row["token"])
        _title(axes["bob"], "6", f"Bob: all {n} x {d} bits are read")
        _note(axes["bob"], rf"so the cache has $\geq$ {n * d} bits")
        _gram(axes["gram"], row)
        _title(axes["gram"], "3", rf"public keys, $\mu$ = {row['coherence']}")
        _weights(axes["weights"], row, n)
        _title(axes["weights"], "4", "Bob asks with one key")
        _outputs(axes["outputs"], row)
        _title(axes["outputs"], "5", "a threshold reads the bit")
        arrow(axes["alice"], (1.02, 0.52), axes["message"], (-0.05, 0.51), MEASURED)
        arrow(axes["message"], (1.05, 0.51), axes["bob"], (-0.02, 0.52), MEASURED)
    return figure


def _title(axes: Any, number: str, words: str) -> None:
    axes.set_title(rf"$\bf{{{number}}}$  {words}", fontsize=8.5, loc="left")


def _note(axes: Any, words: str) -> None:
    axes.text(0, 0.03, words, transform=axes.transAxes, fontsize=7.5, color=INK)


def _pyramid(axes: Any, maps: Sequence[Sequence[int]], bits: Sequence[int], asked: int) -> None:
    left, start = 0.0, 0
    for height, width in maps:
        for place in range(height * width):
            row, column = divmod(place, width)
            is_asked = start + place == asked
            cell(
                axes,
                left + column,
                row,
                facecolor=ONE if bits[start + place] else ZERO,
                edgecolor=ASKED if is_asked else LINES,
                linewidth=2.2 if is_asked else 0.6,
                zorder=3 if is_asked else 2,
            )
        axes.text(left + width / 2, -height - 0.65, f"{height}x{width}", ha="center", fontsize=7)
        start += height * width
        left += width + 0.6
    axes.set_aspect("equal", anchor="NW")
    axes.set_xlim(-0.1, left - 0.5)
    axes.set_ylim(-max(height for height, _ in maps) - 1.1, 0.1)
    axes.axis("off")


def _message(axes: Any, message: Sequence[int]) -> None:
    columns = -(-len(message) // N_LINES)
    lines = [list(message[line * columns : (line + 1) * columns]) for line in range(N_LINES)]
    lines[-1] += [0] * (columns - len(lines[-1]))
    axes.imshow(lines, cmap="Greys", vmin=0, vmax=1.25, interpolation="nearest")
    axes.set_anchor("N")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set(visible=True, color=MEASURED, linewidth=1.5)


def _gram(axes: Any, row: dict[str, Any]) -> None:
    n = len(row["gram"])
    axes.imshow(row["gram"], cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    top, bottom = row["token"] - 0.5, row["token"] + 0.5
    axes.plot([-0.5, n - 0.5, n - 0.5, -0.5, -0.5], [top, top, bottom, bottom, top], color=ASKED, linewidth=1.2)
    axes.grid(visible=False)
    axes.set_anchor("N")
    axes.set_xlabel("key of token j")
    axes.set_ylabel("key of token i")


def _weights(axes: Any, row: dict[str, Any], n_cached: int) -> None:
    weights, token = row["weights"], row["token"]
    axes.bar(range(len(weights)), weights, color=[ASKED if j == token else LINES for j in range(len(weights))])
    axes.axhline(1 - row["leakage"], color=FORBIDDEN, linewidth=1.2, linestyle="--")
    axes.text(
        len(weights) - 1.5, 1 - row["leakage"] - 0.02, r"$1-\tau$", ha="right", va="top", fontsize=8, color=FORBIDDEN
    )
    axes.axvspan(n_cached - 0.5, len(weights) - 0.5, color="#f0f0f0", linewidth=0, zorder=0)
    axes.text((n_cached + len(weights) - 1) / 2, 0.35, "Bob's\nown map", fontsize=7.5, ha="center")
    axes.set_xlim(-1, len(weights) - 0.5)
    axes.set_ylim(0, 1.08)
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("token j")
    axes.set_ylabel("attention weight")


def _outputs(axes: Any, row: dict[str, Any]) -> None:
    outputs, token, tau = row["outputs"], row["token"], row["leakage"]
    bits = [line[row["coordinate"]] for line in row["bits"]]
    axes.axhspan(-0.04, tau, color=PROVED, linewidth=0, label=r"proved: $\leq\tau$, $\geq 1-\tau$")
    axes.axhspan(1 - tau, 1.04, color=PROVED, linewidth=0)
    for value, marker in ((1, "s"), (0, "o")):
        places = [place for place, bit in enumerate(bits) if bit == value]
        axes.plot(
            places,
            [outputs[place] for place in places],
            marker,
            color=ONE,
            markerfacecolor=ONE if value else ZERO,
            markersize=4,
            linestyle="none",
            label=f"bit {value}",
        )
    axes.plot([token], [outputs[token]], "o", markersize=9, markerfacecolor="none", color=ASKED, markeredgewidth=1.8)
    axes.axhline(row["threshold"], color=MEASURED, linewidth=1.3, label="threshold")
    axes.set_ylim(-0.04, 1.5)
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("token asked for")
    axes.set_ylabel("output")
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda place: labels[place])
    axes.legend(
        [handles[place] for place in order],
        [labels[place] for place in order],
        frameon=False,
        fontsize=7,
        ncols=2,
        loc="upper center",
        columnspacing=1,
        handletextpad=0.4,
    )
