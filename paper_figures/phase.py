"""The phase diagram: for which lambda and T the floor bites, and where a sample of the tokens is enough."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, IMPOSSIBLE, INK, OPEN, POSSIBLE, Figure, sheet

TABLE = "phase"
TRAINED = (4.0, 100.0)


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments phase`."""
    border = sorted((row for row in rows if row["kind"] == "border"), key=lambda row: row["tokens"])
    tokens = [row["tokens"] for row in border]
    floor = [row["floor_lambda"] for row in border]
    sample = [max(row["sample_lambda"], 1e-3) for row in border]
    with sheet(3.5, 3.3) as (figure, axes):
        axes.fill_between(tokens, floor, 120, color=IMPOSSIBLE, linewidth=0)
        axes.fill_between(tokens, sample, floor, color=OPEN, linewidth=0)
        axes.fill_between(tokens, 0.05, sample, color=POSSIBLE, linewidth=0)
        axes.plot(
            tokens, floor, color=FORBIDDEN, linewidth=1.5, label=r"floor from $\ln\frac{T-1}{1/2-\eta}\,/\,(1-\mu)$ up"
        )
        axes.plot(tokens, sample, color="#00664a", linewidth=1.5, label="proved sample is smaller below")
        played = [row for row in rows if row["kind"] == "played"]
        wrong, asked = sum(row["wrong"] for row in played), sum(row["of"] for row in played)
        axes.plot(
            [row["tokens"] for row in played],
            [row["lambda"] for row in played],
            "o",
            color="#00664a",
            markersize=4.5,
            clip_on=False,
            label=rf"samples played: {wrong:,} of {asked:,} answers over $\eta$",
        )
        for height in TRAINED:
            axes.axhline(height, color=INK, linestyle=":", linewidth=1)
        axes.text(1024, 4.7, rf"trained $\lambda$: {TRAINED[0]:g} to {TRAINED[1]:g}", fontsize=7.5)
        models = sorted({row["tokens"] for row in rows if row["kind"] == "model" and row["tokens"] <= tokens[-1]})
        axes.plot(models, [100] * len(models), "|", color=INK, markersize=9, label="models (at the cap)")
        axes.text(4200, 0.062, "compression\nis possible", color="#00664a", fontsize=7.5)
        axes.text(300, 26, "T d bits are forced", color=FORBIDDEN, fontsize=7.5)
        axes.text(24, 0.5, "neither is proved", fontsize=7.5)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xlim(tokens[0], tokens[-1])
        axes.set_ylim(0.05, 120)
        axes.set_xlabel("tokens T")
        axes.set_ylabel(r"largest logit $\lambda$")
        figure.legend(loc="outside lower center", frameon=False, fontsize=7.5)
    return figure
