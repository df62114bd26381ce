"""The anatomy of one reading: bits on a pyramid, nearly orthogonal keys, a row of attention, a threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import FORBIDDEN, INK, MEASURED, Figure, sheet

TABLE = "anatomy"
ZERO, ONE, ASKED = "#ffffff", "#3b3b3b", "#D55E00"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """The row of `python -m experiments anatomy`."""
    (row,) = rows
    cached, token, coordinate = row["maps"][:-1], row["token"], row["coordinate"]
    bits = [line[coordinate] for line in row["bits"]]
    with sheet(7.2, 4.3, nrows=2, ncols=2, width_ratios=[1.15, 1]) as (figure, grid):
        (pyramid, gram), (attention, reading) = grid
        _pyramid(pyramid, cached, bits, token, row["maps"][-1])
        pyramid.set_title(f"1  Alice writes bits into {len(bits)} tokens", fontsize=9, loc="left")
        _gram(figure, gram, row)
        gram.set_title(rf"2  public keys, $\mu$ = {row['coherence']}", fontsize=9, loc="left")
        _attention(attention, row, len(bits))
        attention.set_title("3  Bob asks with one token's key", fontsize=9, loc="left")
        _reading(reading, row, bits)
        reading.set_title("4  every output is on its bit's side", fontsize=9, loc="left")
    return figure


def _pyramid(axes: Any, maps: Sequence[Sequence[int]], bits: Sequence[int], token: int, last: Sequence[int]) -> None:
    left, start = 0.0, 0
    for height, width in (*maps, last):
        own = len(bits) == start
        for place in range(height * width):
            row, column = divmod(place, width)
            is_asked = not own and start + place == token
            colour = "#dddddd" if own else (ONE if bits[start + place] else ZERO)
            axes.fill(
                [left + column, left + column + 1, left + column + 1, left + column],
                [-row, -row, -row - 1, -row - 1],
                facecolor=colour,
                edgecolor=ASKED if is_asked else "#888888",
                linewidth=2.2 if is_asked else 0.6,
                zorder=3 if is_asked else 2,
            )
        axes.text(left + width / 2, -height - 0.75, f"{height}x{width}", ha="center", fontsize=7.5)
        if own:
            axes.text(left + width / 2, 0.25, "asks", ha="center", fontsize=7.5)
        start += 0 if own else height * width
        left += width + 0.9
    axes.set_aspect("equal")
    axes.set_xlim(-0.3, left)
    axes.set_ylim(-last[0] - 1.4, 1.1)
    axes.axis("off")


def _gram(figure: Figure, axes: Any, row: dict[str, Any]) -> None:
    image = axes.imshow(row["gram"], cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xlabel("key of token j")
    axes.set_ylabel("key of token i")
    figure.colorbar(image, ax=axes, label="inner product", shrink=0.9)


def _attention(axes: Any, row: dict[str, Any], n_cached: int) -> None:
    weights = row["weights"]
    colours = [ASKED if place == row["token"] else "#888888" for place in range(len(weights))]
    axes.bar(range(len(weights)), weights, color=colours, width=0.9)
    axes.axhline(1 - row["leakage"], color=FORBIDDEN, linewidth=1.2, linestyle="--")
    axes.text(
        len(weights) - 1,
        1 - row["leakage"] + 0.03,
        r"proved: at least $1-\tau$",
        ha="right",
        fontsize=7.5,
        color=FORBIDDEN,
    )
    axes.axvline(n_cached - 0.5, color=INK, linewidth=0.8, linestyle=":")
    axes.text(n_cached + 0.2, 0.42, "Bob's own\ntokens", fontsize=7.5)
    axes.set_ylim(0, 1.13)
    axes.set_xlabel("token j, in the order of scales")
    axes.set_ylabel("attention weight")


def _reading(axes: Any, row: dict[str, Any], bits: Sequence[int]) -> None:
    outputs, threshold, token = row["outputs"], row["threshold"], row["token"]
    for value, marker in ((1, "s"), (0, "o")):
        places = [place for place, bit in enumerate(bits) if bit == value]
        axes.plot(
            places,
            [outputs[place] for place in places],
            marker,
            color=ONE,
            markerfacecolor=ONE if value else "white",
            markersize=4.5,
            linestyle="none",
            label=f"bit {value}",
        )
    axes.plot([token], [outputs[token]], "o", markersize=10, markerfacecolor="none", color=ASKED, markeredgewidth=1.8)
    axes.axhline(threshold, color=MEASURED, linewidth=1.3, label="threshold")
    tau = row["leakage"]
    axes.axhspan(0, tau, color="#dce9f5", linewidth=0, label=r"proved: $\leq\tau$ or $\geq 1-\tau$")
    axes.axhspan(1 - tau, 1.02, color="#dce9f5", linewidth=0)
    axes.set_ylim(-0.04, 1.45)
    axes.set_yticks([0, 0.5, 1])
    axes.set_xlabel("token that is asked for")
    axes.set_ylabel("attention output")
    axes.legend(frameon=False, fontsize=7.5, ncols=2, loc="upper center")
