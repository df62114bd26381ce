"""Every cache in a trained network: the bytes of its state, the ids it loses, and how far its pictures are off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.caches.registry import find_cache
from lowerbound.errors import InvalidArgument
from lowerbound.report.figure import FAMILY_MARKS, FORBIDDEN, HALO, INK, USER_MARK, Figure, sheet

TABLE = "pictures"
PIECES = {(14.0, 250.0): (20, 100), (8e3, 6e5): (10_000, 20_000, 50_000, 100_000, 200_000, 500_000)}
"""The ranges of bytes on the two pieces of the axis, and their ticks."""
EXACT = 1e-4
"""The picture error below which the axis is linear, so that it has a place for 0."""
NAMED_IDS = {
    "kivi@1/8": (4, -16),
    "uniform@1/8": (-4, -16),
    "turboquant@1/8": (-4, 9),
    "window@1/2": (-4, -16),
    "h2o@1/2": (12, 6),
    "h2o@1/8": (-10, -14),
    "snapkv@1/2": (-12, 2),
    "guaranteed-a": (9, -4),
    "full-fp16": (5, -16),
    "random": (-7, -12),
}
NAMED_PICTURES = {
    "ams-kv@1/4": (2, -28),
    "kivi@1/8": (-9, -4),
    "kivi@1/2": (-9, -4),
    "uniform@1/8": (2, 23),
    "turboquant@1/8": (-5, 18),
    "h2o@1/2": (-20, -14),
    "h2o@1/8": (5, -26),
    "guaranteed-a": (8, 14),
    "full-fp16": (9, -3),
    "random": (-4, 9),
}
"""Caches that are named on each panel, and where their names start, in points from their marks."""


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments pictures`, of which the last one has the facts that the caches stand beside."""
    *caches, last = rows
    far = [told(row) for row in caches if not any(low <= row["state_bytes"] <= high for low, high in PIECES)]
    if far:
        raise InvalidArgument(
            f"states must be in {' or '.join(map(str, PIECES))} bytes to be drawn, got {', '.join(far)}"
        )
    facts, secret = last["facts"], caches[0]["secret_ids"]
    parts: dict[str, Any] = {"sharex": "col", "sharey": "row", "width_ratios": [1, 6]}
    with sheet(7.2, 6.6, nrows=2, ncols=2, **parts) as (figure, grid):
        for line, named, height in zip(
            grid, (NAMED_IDS, NAMED_PICTURES), ("ids_unreadable", "image_error"), strict=True
        ):
            for axes, (low, high) in zip(line, PIECES, strict=True):
                here = [row for row in caches if low <= row["state_bytes"] <= high]
                _levels(axes, facts, (low, high), is_told=height == "ids_unreadable")
                _marks(axes, here, height, named)
                if height == "image_error":
                    _forced(axes, [row for row in here if told(row) in named])
                axes.set_xscale("log")
                axes.set_xlim(low, high)
                axes.minorticks_off()
                axes.set_xticks(PIECES[low, high], [f"{size:,}" for size in PIECES[low, high]])
            _broken(*line)
        above, below = grid[0][1], grid[1][1]
        _level(above, secret, f"all {secret} ids of the first four maps")
        above.set_ylim(-4, secret + 3)
        grid[0][0].set_ylabel("ids of a picture, misread from answers")
        _level(below, facts["other_seed_error"], "pictures of another seed")
        below.set_yscale("symlog", linthresh=EXACT, linscale=0.4)
        below.set_ylim(-EXACT / 3, 0.11)
        grid[1][0].set_ylabel("mean squared error of the pictures")
        below.set_xlabel("largest state before the last map (bytes)")
        below.plot([], [], "o", color=INK, markerfacecolor="white", markersize=4, label="the same, ids forced")
        found = {
            name: line
            for axes in (grid[0][0], above, below)
            for line, name in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            list(found.values()), list(found), loc="outside lower center", ncols=6, frameon=False, fontsize=7.5
        )
    return figure


def told(row: dict[str, Any]) -> str:
    """A cache and its budget."""
    return str(row["cache"]) if row["budget"] is None else f"{row['cache']}@{row['budget']}"


def _levels(axes: Any, facts: dict[str, Any], ends: tuple[float, float], *, is_told: bool) -> None:
    """Draw the sizes that the states stand beside, those of one piece of the axis; told above the upper panel."""
    theorem, forced = facts["checked"]
    levels = (
        (facts["replay_bits"] / 8, "--", "#00664a", "center", f"{facts['replay_bits']} bits:\nthe ids\n(model R2)"),
        (forced, "-", FORBIDDEN, "right", f"forced for some input\nat error 0.01 (model R1,\nTheorem {theorem})"),
        (facts["cache_bytes"], "--", INK, "left", "fp16"),
    )
    for size, style, colour, side, words in levels:
        if ends[0] <= size <= ends[1]:
            axes.axvline(size, color=colour, linestyle=style, linewidth=1.2, zorder=1)
            if is_told:
                place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
                axes.annotate(words, (size, 1), (0, 3), ha=side, va="bottom", fontsize=7.5, color=colour, **place)


def _level(axes: Any, height: float, words: str) -> None:
    axes.axhline(height, color=INK, linewidth=0.8, linestyle=":", zorder=1)
    at = axes.get_xlim()[1]
    axes.annotate(words, (at, height), (0, 2), textcoords="offset points", ha="right", fontsize=7.5, color=INK)


def _broken(left: Any, right: Any) -> None:
    """Leave out the spine between the pieces of an axis, and mark the gap."""
    right.spines["left"].set_visible(False)
    right.tick_params(axis="y", left=False)
    slash = {"marker": [(-0.6, -1), (0.6, 1)], "markersize": 7, "linestyle": "none", "color": "k", "clip_on": False}
    left.plot([1], [0], transform=left.transAxes, **slash)
    right.plot([0], [0], transform=right.transAxes, **slash)


def _marks(axes: Any, caches: Sequence[dict[str, Any]], height: str, named: dict[str, tuple[int, int]]) -> None:
    """Draw one mark per row, by family; those that are named are larger."""
    labelled = set()
    for row in sorted(caches, key=lambda row: told(row) in named):
        family, (marker, colour) = _family(row)
        offset = named.get(told(row))
        axes.plot(
            [row["state_bytes"]],
            [row[height]],
            marker,
            color=colour,
            markersize=4 if offset is None else 6.5,
            markeredgewidth=0.5,
            markeredgecolor="white",
            alpha=0.6 if offset is None else 1,
            zorder=3 if offset is None else 4,
            clip_on=False,
        )
        if family not in labelled:
            axes.plot([], [], marker, color=colour, markersize=5, label=family)
            labelled.add(family)
        if offset is not None:
            _name(axes, row, height, offset)


def _family(row: dict[str, Any]) -> tuple[str, tuple[str, str]]:
    family = find_cache(row["cache"]).facts().family
    return family, FAMILY_MARKS.get(family, USER_MARK)


def _forced(axes: Any, caches: Sequence[dict[str, Any]]) -> None:
    """Draw the errors where each map was given the full run's ids, joined to those of the free runs."""
    for row in caches:
        _, (_, colour) = _family(row)
        size, both = row["state_bytes"], [row["image_error"], row["forced_image_error"]]
        axes.plot([size, size], both, color=colour, linewidth=0.8, zorder=3.5)
        axes.plot([size], both[1:], "o", color=colour, markerfacecolor="white", markersize=4, clip_on=False, zorder=5)


def _name(axes: Any, row: dict[str, Any], height: str, offset: tuple[int, int]) -> None:
    words = axes.annotate(
        told(row),
        (row["state_bytes"], row[height]),
        offset,
        textcoords="offset points",
        fontsize=7.5,
        ha="right" if offset[0] < 0 else "left",
        color=INK,
        path_effects=[HALO],
        zorder=6,
        arrowprops={"arrowstyle": "-", "color": "#777777", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2},
    )
    words.set_in_layout(False)
