"""Low dimension: how many keys fit at SubGen's radius, how many clusters it opens, and when every key is alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, IMPOSSIBLE, INK, MEASURED, Figure, sheet

TABLE = "dimension"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments dimension`."""
    tokens, top = rows[0]["tokens"], 4 * rows[0]["tokens"]
    certified = [row for row in rows if row["at_most"] is not None]
    with sheet(3.5, 3.2) as (figure, axes):
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
        axes.plot([], [], "o", color=MEASURED, markersize=4, label="clusters of SubGen, measured")
        axes.plot(
            [row["d"] for row in rows],
            [row["greedy"] for row in rows],
            "--",
            color=INK,
            linewidth=1,
            label="keys that exist (greedy)",
        )
        axes.axhline(tokens, color=INK, linewidth=1, linestyle=":", label=f"T = {tokens} tokens")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_ylim(2, top)
        axes.set_xlabel("head dimension d")
        axes.set_ylabel("keys, or clusters")
        figure.legend(loc="outside lower center", frameon=False, fontsize=7.5)
    return figure
