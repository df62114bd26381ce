"""Low dimension: how many keys fit at SubGen's radius, how many clusters it opens, and the memory that they take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, IMPOSSIBLE, INK, MEASURED, Figure, sheet

TABLE = "dimension"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments dimension`: keys and clusters on the left, memory on the right."""
    with sheet(6.6, 3.3, ncols=2) as (figure, (left, right)):
        _keys(left, rows)
        _memory(right, rows)
        for axes in (left, right):
            heads = [row["d"] for row in rows if row["models"]]
            axes.plot(heads, [0.02] * len(heads), "|", transform=axes.get_xaxis_transform(), color=INK, markersize=8)
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
            axes.set_xlabel("head dimension d")
        left.plot([], [], "|", color=INK, markersize=8, label="heads of the catalogue's models")
        named = {
            name: line for axes in (left, right) for line, name in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            list(named.values()), list(named), loc="outside lower center", ncols=2, frameon=False, fontsize=7.5
        )
    return figure


def _keys(axes: Any, rows: Sequence[dict[str, Any]]) -> None:
    tokens, top = rows[0]["tokens"], 4 * rows[0]["tokens"]
    certified = [row for row in rows if row["at_most"] is not None]
    at, most = [row["d"] for row in certified], [row["at_most"] for row in certified]
    axes.fill_between(at, most, max(*most, top), color=IMPOSSIBLE, linewidth=0)
    axes.plot(
        at,
        most,
        color=FORBIDDEN,
        linewidth=1.5,
        label=f"keys of inner products up to {rows[0]['coherence']:g} that fit (Delsarte)",
    )
    for row in rows:
        axes.plot([row["d"]] * len(row["clusters"]), row["clusters"], "o", color=MEASURED, markersize=4)
    axes.plot([], [], "o", color=MEASURED, markersize=4, label="SubGen, measured: clusters; bits of a state for them")
    axes.plot(
        [row["d"] for row in rows],
        [row["at_least"] for row in rows],
        "--",
        color=INK,
        linewidth=1,
        label="keys that exist, up to T",
    )
    axes.axhline(tokens, color=INK, linewidth=1, linestyle=":", label=f"T = {tokens:,} tokens")
    axes.set_ylim(2, top)
    axes.set_ylabel("keys, or clusters")


def _memory(axes: Any, rows: Sequence[dict[str, Any]]) -> None:
    at, floor = [row["d"] for row in rows], [row["floor_bits"] for row in rows]
    axes.fill_between(at, floor, 1, color=IMPOSSIBLE, linewidth=0)
    axes.plot(
        at, floor, "-.", color=FORBIDDEN, linewidth=1.5, label="floor without error: d bits for each key that exists"
    )
    for row in rows:
        axes.plot([row["d"]] * len(row["state_bits"]), row["state_bits"], "o", color=MEASURED, markersize=4)
    axes.set_ylim(floor[0] / 4, 4 * max(bits for row in rows for bits in row["state_bits"]))
    axes.set_ylabel("memory (bits)")
