"""What a cache still knows: each token of the pyramid, asked for by its own key, and the weight that it then gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import Figure, sheet

TABLE = "maps"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments maps`, attention first."""
    half = -(-len(rows) // 2)
    with sheet(7.2, max(2.6, 1.35 * half), nrows=half, ncols=2, squeeze=False) as (figure, grid):
        panels = [axes for line in grid for axes in line]
        image = None
        for axes, row in zip(panels, rows, strict=False):
            image = _pyramid(axes, row["maps"][:-1], row["weights"])
            n = len(row["weights"])
            told = (
                f"{row['cache']}: knows {row['known']} of {n}" if "known" in row else f"{row['cache']}: all {n} tokens"
            )
            axes.set_title(told, fontsize=9, loc="left", pad=2)
        for axes in panels[len(rows) :]:
            axes.axis("off")
        figure.colorbar(image, ax=panels, label="weight on the token asked for", shrink=0.6)  # type: ignore[arg-type]
    return figure


def _pyramid(axes: Any, maps: Sequence[Sequence[int]], weights: Sequence[float]) -> Any:
    left, start, image = 0, 0, None
    for height, width in maps:
        part = weights[start : start + height * width]
        block = [list(part[row * width : (row + 1) * width]) for row in range(height)]
        extent = (left, left + width, -height, 0)
        image = axes.imshow(block, cmap="Blues", vmin=0, vmax=1, extent=extent, interpolation="nearest")
        for column in range(width + 1):
            axes.plot([left + column] * 2, [0, -height], color="#bbbbbb", linewidth=0.4)
        for row in range(height + 1):
            axes.plot([left, left + width], [-row] * 2, color="#bbbbbb", linewidth=0.4)
        axes.text(left + width / 2, -height - 0.9, f"{height}x{width}", ha="center", fontsize=6.5)
        start += height * width
        left += width + 1
    axes.set_aspect("equal")
    axes.set_xlim(-0.3, left)
    axes.set_ylim(-max(height for height, _ in maps) - 1.2, 0.3)
    axes.axis("off")
    return image
