"""Figures in one style, with the same bytes each time. This is the only module that imports matplotlib."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from math import atan2, degrees, hypot, log
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

from matplotlib.figure import Figure as Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Curve
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from lowerbound.certify.theorems import CHECKED, THEOREMS
from lowerbound.core.bounds import ENTROPY
from lowerbound.core.scalars import rational
from lowerbound.errors import invalid, printable

STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "axes.axisbelow": True,
    "pdf.fonttype": 42,
    "svg.hashsalt": "lowerbound",
    "svg.fonttype": "none",
}

FAMILY_MARKS: dict[str, tuple[str, str]] = {
    "full": ("s", "#555555"),
    "quantised": ("D", "#0072B2"),
    "window": ("^", "#D55E00"),
    "eviction": ("v", "#CC79A7"),
    "sketch": ("d", "#56B4E9"),
    "low-rank": ("p", "#666633"),
    "recurrent": (">", "#AA4499"),
    "sampling": ("<", "#8C6BB1"),
    "merging": ("h", "#A6611A"),
    "code": ("o", "#009E73"),
    "control": ("X", "#000000"),
    "recompute": ("o", "#E69F00"),
    "guaranteed": ("*", "#0B5394"),
    "structured": ("P", "#806000"),
}
"""The marker and color of each family of caches; any other family is a user's cache and gets USER_MARK."""
USER_MARK = ("P", "#56B4E9")

_METADATA: dict[str, dict[str, None]] = {
    ".pdf": {"CreationDate": None},
    ".png": {"Software": None},
    ".svg": {"Date": None},
}


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as .pdf, .png or .svg, with the same bytes each time, and return the path.

    Contract: any other ending raises InvalidArgument.
    """
    if path.suffix not in _METADATA:
        raise invalid("figure path", f"end in one of {', '.join(_METADATA)}", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(STYLE):
        figure.savefig(path, dpi=200, metadata=_METADATA[path.suffix])
    return path


INK, FORBIDDEN, MEASURED = "#222222", "#8c3a3a", "#0072B2"
SERIES = (("o", "#0072B2"), ("s", "#D55E00"), ("^", "#009E73"), ("D", "#CC79A7"), ("v", "#E69F00"), ("P", "#56B4E9"))
"""The markers and colors (Okabe-Ito) of measured series; markers differ too, for prints in gray."""


@contextmanager
def sheet(width: float, height: float, mosaic: Any = None, **parts: Any) -> Iterator[tuple[Figure, Any]]:
    """An empty figure of width x height inches, and its axes as returned by `Figure.subplots` or `subplot_mosaic`."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.subplots(**parts) if mosaic is None else figure.subplot_mosaic(mosaic, **parts)


def cell(axes: Any, column: float, row: float, **style: Any) -> None:
    """Draw one cell of a map: a unit square whose upper left corner is (column, -row), so that rows go down."""
    axes.fill([column, column + 1, column + 1, column], [-row, -row, -row - 1, -row - 1], **style)


def arrow(start: Any, at: tuple[float, float], end: Any, to: tuple[float, float], colour: str) -> None:
    """Draw an arrow from point `at` of one panel to point `to` of another, both in axes fractions of their panel."""
    style = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.5, "mutation_scale": 12}
    drawn = start.annotate(
        "", to, at, xycoords=end.transAxes, textcoords=start.transAxes, arrowprops=style, annotation_clip=False
    )
    drawn.set_in_layout(False)


def plain_ticks(axes: Any) -> None:
    """Write ticks of logarithmic axes as plain numbers: 1, 2 and 5 times powers of ten upward, powers of two along.

    Contract: an axis that spans more than two powers of ten has its powers of ten alone.
    """
    low, high = axes.get_ylim()
    digits = (1,) if high > MOST_TICKED * low else (1, 2, 5)
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=digits))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:,.12g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.12g}"))


MOST_TICKED = 100
"""The ratio of an axis' ends above which powers of ten alone have a tick."""


def box(axes: Any, corner: tuple[float, float], size: tuple[float, float], radius: float, **style: Any) -> None:
    """Draw a box of the given size at its least corner, in the axes' units; a radius of 0 leaves its corners square."""
    shape = f"round,pad=0,rounding_size={radius}" if radius else "square,pad=0"
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=shape, **style))


def winding(axes: Any, points: Sequence[Sequence[float]], colour: str) -> None:
    """Draw an arrow through the points, horizontal at each of them, from exactly the first to exactly the last."""
    vertices, codes = [tuple(points[0])], [Curve.MOVETO]
    for (x1, y1), (x2, y2) in pairwise(points):
        bend = (x1 + x2) / 2
        vertices += [(bend, y1), (bend, y2), (x2, y2)]
        codes += [Curve.CURVE4] * 3
    style: Any = {"arrowstyle": "-|>", "color": colour, "linewidth": 0.5, "mutation_scale": 4}
    axes.add_patch(FancyArrowPatch(path=Curve(vertices, codes), shrinkA=0, shrinkB=0, **style))


def save_all(figure: Figure, path: Path) -> list[Path]:
    """Write the figure as PDF, SVG and PNG, and return the three paths."""
    return [save(figure, path.with_suffix(suffix)) for suffix in (".pdf", ".svg", ".png")]


def frontier(rows: Sequence[dict[str, Any]]) -> Figure:
    """Every cache's measured error and bits per symbol beside the proved lower bound (floor) 1 - H2(error).

    `rows` are the JSON rows of `duel`, all with two levels. Filled marks are caches of model R1, hollow ones are not.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 5.4), layout="constrained")
        axes = figure.add_subplot()
        errors = [rational(f"{step}/1000") for step in range(499)]
        floor = [float(1 - ENTROPY.enclosure(error).mid()) for error in errors]
        xs = [float(error) for error in errors]
        lowest = 1e-3
        axes.plot(xs, floor, color="black", linewidth=1.5, label=r"proved floor $1 - H_2(\delta)$, model R1")
        axes.fill_between(xs, floor, lowest, color="#f3e3e3", linewidth=0)
        axes.text(0.03, 0.006, "no cache of model R1\ncan be here", color="#8c3a3a", fontsize=9)
        axes.set_yscale("log")
        axes.set_ylim(lowest, 400)
        axes.set_xlim(-0.012, 0.56)
        axes.set_xlabel(r"error rate $\delta$ of the symbols that Bob reads")
        axes.set_ylabel("measured message (bits per symbol)")
        symbols = rows[0]["symbols"] // rows[0].get("heads", 1)
        axes.set_title(f"{rows[0]['geometry']}, one head, {symbols:,} bits: every cache against the floor", fontsize=10)
        names = _marks(axes, rows)
        figure.legend(loc="outside lower center", frameon=False, fontsize=8, ncols=4)
        figure.draw_without_rendering()
        lines: dict[str, list[tuple[float, float]]] = {}
        for row in sorted(rows, key=lambda row: (row["error"], -row["bits_per_symbol"])):
            lines.setdefault(row["cache"], []).append((row["error"], row["bits_per_symbol"]))
        forbidden = [(x, y) for x, y in zip(xs, floor, strict=True) if y > lowest]
        _write(figure, axes, names, list(lines.values()), forbidden)
    return figure


MOST_NAMED = 14
"""The largest number of caches of which all are named; if there are more, those that no other cache beats are, and of
each family of caches the one that comes nearest to the floor."""


HALO = withStroke(linewidth=1.8, foreground="white")
"""A white outline that keeps a name readable on top of lines."""
NAME_POINTS = 7.0
"""The font size of a cache's name in the frontier, in points."""
LETTER = 0.62
"""The mean width of a letter over the font size; slightly overestimated, so that names stay apart."""
PLACES = tuple(
    sorted(
        (
            (side * x, rise)
            for side in (1, -1)
            for x in (7, 25, 45, 70)
            for rise in (*range(4, 68, 9), *range(-11, -66, -9))
        ),
        key=lambda place: (hypot(*place), place),
    )
)
"""Offsets of a name from its mark in points, near ones first; for x < 0 the name is to the left of its mark."""
LEADER_FROM = 14
"""The distance to its mark, in points, from which on a name has a line to the mark."""
STEP = 3.0
"""The distance between the points of a line that a name must not cover, in points."""


def _as_written(text: str) -> str:
    """Foreign text as matplotlib draws it letter by letter: no formula between dollars, and no control characters."""
    return printable(text).replace("$", r"\$")


def _is_beaten(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> bool:
    """Whether another cache of the same computation model has at most this error and fewer bits per symbol."""
    return any(
        other["computation_model"] == row["computation_model"]
        and other["cache"] != row["cache"]
        and other["error"] <= row["error"]
        and other["bits_per_symbol"] < row["bits_per_symbol"]
        for other in rows
    )


def _nearest(rows: Sequence[dict[str, Any]]) -> set[str]:
    """Of each family, the cache of model R1 whose bits are the smallest multiple of the floor at its own error."""
    best: dict[str, tuple[float, str]] = {}
    for row in rows:
        floor = float(1 - ENTROPY.enclosure(rational(str(row["error"]))).mid()) if row["error"] < 0.5 else 0.0
        if row["computation_model"] == "R1" and floor > 0:
            told = row["bits_per_symbol"] / floor, row["cache"]
            best[row["family"]] = min(told, best.get(row["family"], told))
    return {cache for _, cache in best.values()}


def _marks(axes: Any, rows: Sequence[dict[str, Any]]) -> list[tuple[str, tuple[float, float]]]:
    """Draw one mark per row, and join those of one cache at several budgets; return the names and their positions."""
    is_crowded = len({row["cache"] for row in rows}) > MOST_NAMED
    nearest = _nearest(rows) if is_crowded else set()
    named_families: set[str] = set()
    names: list[tuple[str, tuple[float, float]]] = []
    series: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: (row["error"], -row["bits_per_symbol"])):
        series.setdefault(row["cache"], []).append(row)
    for cache, points in sorted(series.items(), key=lambda one: -one[1][0]["bits_per_symbol"]):
        best = [row for row in points if not is_crowded or not _is_beaten(row, rows)]
        first = points[0]
        marker, colour = FAMILY_MARKS.get(first["family"], USER_MARK)
        in_r1 = first["computation_model"] == "R1"
        family = first["family"] + ("" if in_r1 else f" (model {first['computation_model']})")
        xs = [row["error"] for row in points]
        ys = [row["bits_per_symbol"] for row in points]
        axes.errorbar(
            xs,
            ys,
            xerr=[
                [max(0.0, row["error"] - row["error_low"]) for row in points],
                [max(0.0, row["error_high"] - row["error"]) for row in points],
            ],
            fmt=marker,
            linestyle="-" if len(points) > 1 else "none",
            linewidth=0.6,
            color=colour,
            markerfacecolor=colour if in_r1 else "white",
            markersize=6 if best else 4,
            alpha=1.0 if best else 0.55,
            elinewidth=0.8,
            label=None if family in named_families else _as_written(family),
            zorder=3,
        )
        named_families.add(family)
        if not best and cache not in nearest:
            continue
        name = cache if is_crowded else cache + budgets_text(points)
        best = best or points
        spot = best[-1] if best[-1]["error"] - best[0]["error"] < 0.02 else best[0]
        names.append((_as_written(name), (spot["error"], spot["bits_per_symbol"])))
    return names


def budgets_text(rows: Sequence[dict[str, Any]]) -> str:
    """The budgets of the rows of one cache, as they follow its name: the least and the largest, one, or none."""
    budgets = sorted({row["budget"] for row in rows if row["budget"] is not None}, key=rational)
    if len(budgets) > 1:
        return f", budgets {budgets[0]} to {budgets[-1]}"
    return f" {budgets[0]}" if budgets else ""


def _write(
    figure: Figure,
    axes: Any,
    names: Sequence[tuple[str, tuple[float, float]]],
    lines: Sequence[Sequence[tuple[float, float]]],
    forbidden: Sequence[tuple[float, float]],
) -> None:
    """Write each name at the first of PLACES where it covers no name, no mark and no line between marks.

    No line from a mark to its name crosses another name, and the region below the line `forbidden` has names of marks
    that lie in it alone. A name that has no such place is left out; the table of caches has all names.
    """
    to_points = 72 / figure.dpi
    frame = axes.get_window_extent()
    taken: list[tuple[float, float, float, float]] = []
    edge = to_points * axes.transData.transform(forbidden)
    region = [(x, x, float(frame.y0), y + 1) for x, y in edge]
    for line in [*lines, forbidden]:
        places = to_points * axes.transData.transform(line)
        taken += [(x - 4, x + 4, y - 3, y + 3) for x, y in places]
        for (x1, y1), (x2, y2) in pairwise(places):
            steps = int(hypot(x2 - x1, y2 - y1) / STEP)
            between = [(x1 + k / steps * (x2 - x1), y1 + k / steps * (y2 - y1)) for k in range(1, steps)]
            taken += [(x, x, y - 1, y + 1) for x, y in between]
    leaders: list[tuple[float, float, float, float]] = []
    written: list[tuple[float, float, float, float]] = []
    for name, spot in names:
        x, y = to_points * axes.transData.transform(spot)
        width = LETTER * NAME_POINTS * len(name)
        is_inside = spot[0] < forbidden[-1][0] and spot[1] < min(y for x, y in forbidden if x <= max(spot[0], 0.0))
        for dx, dy in PLACES:
            left, low = x + dx - (width if dx < 0 else 0), y + dy
            room = left, left + width, low, low + NAME_POINTS
            inside = (
                to_points * frame.x0 < room[0] and room[1] < to_points * frame.x1 and room[2] > to_points * frame.y0
            )
            steps = int(hypot(dx, dy) / STEP) if hypot(dx, dy) > LEADER_FROM else 0
            leader = [(x + k / steps * dx, y + k / steps * dy) for k in range(1, steps)]
            points = [(px, px, py, py) for px, py in leader]
            if (
                not inside
                or _overlap([room], [*taken, *leaders, *([] if is_inside else region)])
                or _overlap(points, written)
            ):
                continue
            taken.append(room)
            written.append(room)
            leaders += points
            axes.annotate(
                name,
                spot,
                textcoords="offset points",
                xytext=(dx, dy),
                ha="right" if dx < 0 else "left",
                va="bottom",
                fontsize=NAME_POINTS,
                color="#333333",
                path_effects=[HALO],
                arrowprops={"arrowstyle": "-", "color": "#999999", "linewidth": 0.5} if steps else None,
            )
            break


def _overlap(some: Sequence[tuple[float, ...]], others: Sequence[tuple[float, ...]]) -> bool:
    """Whether a rectangle (left, right, low, high) of one list meets a rectangle of the other."""
    return any(a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3] for a in some for b in others)


IMPOSSIBLE, OPEN, POSSIBLE = "#f0d0d0", "#eeeeee", "#cfe8dc"
"""The colors of sizes below the floor, between the floor and the best proved cache, and from that cache upward."""


def claim_picture(answer: dict[str, Any]) -> Figure:
    """One claim on an axis of bits: the floors, the cheapest proved cache, and the size asked for.

    `answer` is the JSON of `possible`.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.6), layout="constrained")
        axes = figure.add_subplot()
        plain = answer["cache_bits"]
        floor, checked, achieved = answer["floor"], answer["machine_checked_floor"], answer["achieved"]
        low = 0.0 if floor is None else 100 * floor["bits"] / plain
        high = 100 * achieved["bits"] / plain
        asked = 100 * answer["budget_bits"] / plain
        end = max(104.0, high * 1.05, min(asked * 1.1, 200.0))
        for start, stop, colour, word in (
            (0.0, low, IMPOSSIBLE, "impossible"),
            (low, high, OPEN, "open"),
            (high, end, POSSIBLE, "possible"),
        ):
            axes.axvspan(start, stop, color=colour, linewidth=0)
            if stop - start > 0.09 * end:
                axes.text((start + stop) / 2, 0.82, word, ha="center", fontsize=10, color="#333333")
        lines = [(asked, "black", "-", f"asked for: 1/{answer['ratio']:g} of fp16, {answer['budget_bits']:,.0f} bits")]
        if floor is not None:
            lines.append((low, "#8c3a3a", "-", f"floor, Theorem {floor['theorem']} ({floor['proof']})"))
        if checked is not None and checked["theorem"] != floor["theorem"]:
            share = 100 * checked["bits"] / plain
            lines.append((share, "#8c3a3a", "--", f"floor, Theorem {checked['theorem']} ({checked['proof']})"))
        lines.append((high, "#00664a", "-", f"proved cache {achieved['cache']}"))
        for share, colour, style, label in lines:
            axes.axvline(share, color=colour, linestyle=style, linewidth=2.2 if colour == "black" else 1.5, label=label)
        axes.set_xlim(0, end)
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.grid(visible=False)
        axes.set_xlabel("bits of one head, in % of its fp16 cache")
        axes.set_title(
            f"{answer['model']}: every answer within {answer['eta']:g}, failure probability {answer['delta']:g}",
            fontsize=10,
        )
        figure.legend(loc="outside lower center", frameon=False, fontsize=8, ncols=2)
    return figure


FLOOR_LINES = (
    *(("-", "#8c3a3a"), ("-.", "#8c3a3a"), ("--", "#8c3a3a"), ("-.", "#D55E00"), ("--", "#0072B2"), (":", "#555555")),
    *(("-", "#CC79A7"), ("--", "#CC79A7"), ("-", "#E69F00"), ("--", "#E69F00")),
)
"""Line and color (Okabe-Ito, and the red of what is forbidden) of the floors, the strongest theorem first."""


def tightness(rows: Sequence[dict[str, Any]]) -> Figure:
    """Floors and the cheapest proved cache against eta, for one geometry at delta = 0 and one delta > 0."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        deltas = sorted({row["delta"] for row in rows})
        panels = figure.subplots(1, len(deltas), sharey=True, squeeze=False)[0]
        between: list[tuple[Any, list[float], list[float]]] = []
        for axes, delta in zip(panels, deltas, strict=True):
            here = sorted((row for row in rows if row["delta"] == delta), key=lambda row: row["eta"])
            etas = [row["eta"] for row in here]
            best = [max((100 * share for share in row["floors"].values() if share), default=0.0) for row in here]
            above = [100 * row["achieved"] for row in here]
            axes.fill_between(etas, 0, best, color=IMPOSSIBLE, linewidth=0)
            axes.fill_between(etas, best, above, color=OPEN, linewidth=0)
            axes.fill_between(etas, above, 115, color=POSSIBLE, linewidth=0)
            style = "-" if axes is panels[0] else (0, (6, 1))
            label = f"proved cache, {here[0]['cache']}"
            axes.plot(etas, above, linestyle=style, color="#00664a", linewidth=1.8, label=label)
            axes.text(0.60, 0.86, "possible", transform=axes.transAxes, color="#00664a")
            axes.text(0.05, 0.10, "impossible", transform=axes.transAxes, color="#8c3a3a")
            between.append((axes, etas, [(low + high) / 2 for low, high in zip(best, above, strict=True)]))
            for theorem, (style, colour) in zip(reversed(THEOREMS.values()), FLOOR_LINES, strict=False):
                shares = [row["floors"].get(theorem.name) for row in here]
                if any(share is None for share in shares):
                    continue
                reads = theorem.reads.partition(",")[0].rpartition(": ")[2]
                who = "Coq" if theorem.status(Fraction(str(delta))) == CHECKED else "on paper"
                label = f"{theorem.name}: {reads} ({who})"
                axes.plot(etas, [100 * share for share in shares], style, color=colour, linewidth=1.5, label=label)
            axes.set_xscale("log")
            axes.set_xlim(etas[0], etas[-1])
            axes.set_ylim(0, 115)
            axes.set_xlabel(r"error $\eta$ of every answer")
            axes.set_title(rf"failure probability $\delta$ = {delta:g}", fontsize=10)
        panels[0].set_ylabel("bits of one head, in % of its fp16 cache")
        figure.suptitle(f"{rows[0]['model']}: what is forced, and what is enough", fontsize=10)
        named = {text: line for axes in panels for line, text in zip(*axes.get_legend_handles_labels(), strict=True)}
        figure.legend(list(named.values()), list(named), loc="outside lower center", frameon=False, fontsize=7, ncols=3)
        figure.draw_without_rendering()
        for axes, etas, heights in between:
            _along(axes, etas, heights, "open: nobody knows")
    return figure


def _along(axes: Any, xs: Sequence[float], ys: Sequence[float], words: str) -> None:
    """Write words along a line, at its middle; the layout must be known."""
    (x1, y1), (x2, y2) = axes.transData.transform([(xs[0], ys[0]), (xs[-1], ys[-1])])
    middle = axes.transData.inverted().transform(((x1 + x2) / 2, 0))[0]
    place = bisect_left(xs, middle)
    share = log(middle / xs[place - 1]) / log(xs[place] / xs[place - 1])
    height = ys[place - 1] + share * (ys[place] - ys[place - 1])
    turned = degrees(atan2(y2 - y1, x2 - x1))
    axes.text(
        middle, height, words, rotation=turned, rotation_mode="anchor", ha="center", va="center_baseline", fontsize=7.5
    )
