"""Savings by structure: for each prior the floor of its class, its scheme, and caches that do not use it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, IMPOSSIBLE, INK, Figure, sheet

TABLE = "structures"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments structures`."""
    names = list(dict.fromkeys(row["prior"] for row in rows))
    height = {name: len(names) - number for number, name in enumerate(names)}
    with sheet(5.2, 3.4) as (figure, axes):
        for name in names:
            own = [row for row in rows if row["prior"] == name]
            share = own[0]["class_bits"] / own[0]["all_bits"]
            axes.barh(
                height[name],
                share - 0.05,
                left=0.05,
                height=0.72,
                color=IMPOSSIBLE,
                linewidth=0,
                label="impossible without error" if name == names[0] else None,
            )
            axes.plot([share, share], [height[name] - 0.36, height[name] + 0.36], color=FORBIDDEN, linewidth=1.5)
        for matching, errs, marker, face, words in (
            (False, True, "o", "white", "other caches, misreading"),
            (False, False, "o", "#9a9a9a", "other caches, exact"),
            (True, False, "D", "#00664a", "the matching scheme"),
        ):
            chosen = [row for row in rows if row["matching"] == matching and bool(row["errors"]) == errs]
            axes.plot(
                [row["bits"] / row["all_bits"] for row in chosen],
                [height[row["prior"]] for row in chosen],
                marker,
                color="#00664a" if matching else INK,
                markerfacecolor=face,
                markersize=4.5 if matching else 3.5,
                markeredgewidth=0.6,
                label=words,
            )
        axes.axvline(1, color=INK, linestyle=":", linewidth=1)
        axes.text(1.04, len(names) + 0.55, "T d bits", fontsize=7.5)
        axes.set_xscale("log")
        axes.set_xlim(0.05, 60)
        axes.set_ylim(0.4, len(names) + 1.1)
        axes.set_yticks([height[name] for name in names], names)
        axes.set_xlabel("bits of the state, in units of T d")
        figure.legend(loc="outside lower center", frameon=False, fontsize=7.5, ncols=2)
    return figure
