"""Pictures of a network under several caches: a grid for a file, and blocks of characters for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.report.figure import Figure, sheet
from lowerbound.var.simulator.drawn import Drawn

SHADES = " ░▒▓█"
"""Characters for a cell of two pixels, from empty to full."""
GAP = 2
"""Spaces between two pictures on a line."""
INCHES, SIDE, LEFT, TOP = 0.62, 0.58, 2.3, 0.4
"""The step from picture to picture in a grid, the side of one, and the room for words on its left and on top."""


def label(drawn: Drawn) -> str:
    """A cache and its nominal budget."""
    return drawn.cache if drawn.budget is None else f"{drawn.cache}@{drawn.budget}"


def facts(drawn: Drawn) -> str:
    """The bytes of a cache's state, and what it did to ids and pictures."""
    size = f"{drawn.state_bytes:,} bytes"
    if not drawn.image_error and drawn.agreement == 1:
        return f"{size}, every id as with the full cache"
    return f"{size}, {100 * drawn.agreement:.1f} % of ids, picture error {drawn.image_error:.2g}"


def blocks(picture: NDArray[Any]) -> list[str]:
    """A picture (channels, h, w) in [0, 1] as lines of SHADES, two rows of pixels a line."""
    gray = picture.mean(axis=0)
    padded = np.pad(gray, ((0, len(gray) % 2), (0, 0)))
    cells = padded.reshape(-1, 2, padded.shape[1]).mean(axis=1)
    shades = np.minimum((cells * len(SHADES)).astype(int), len(SHADES) - 1)
    return ["".join(SHADES[shade] for shade in row) for row in shades]


def drawn_text(rows: Sequence[Drawn], width: int) -> str:
    """Each cache in words, above as many of its pictures as fit into a line."""
    side = rows[0].pictures.shape[-1] + GAP
    count = min(len(rows[0].pictures), max(1, (width + GAP) // side))
    lines = []
    for drawn in rows:
        lines.append(f"{label(drawn)}: {facts(drawn)}")
        parts = [blocks(picture) for picture in drawn.pictures[:count]]
        lines += [(" " * GAP).join(line).rstrip() for line in zip(*parts, strict=True)]
    return "\n".join(lines)


def drawn_figure(rows: Sequence[Drawn], title: str) -> Figure:
    """One row of pictures per cache, with its bytes and what it did beside them."""
    width, height = LEFT + INCHES * len(rows[0].pictures), TOP + INCHES * len(rows)
    with sheet(width, height) as (figure, empty):
        figure.set_layout_engine("none")
        empty.remove()
        figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=10)
        for line, drawn in enumerate(rows):
            bottom = height - TOP - INCHES * (line + 1)
            for column, picture in enumerate(drawn.pictures):
                box = LEFT + INCHES * column, bottom, SIDE, SIDE
                place = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
                shown = picture[0] if len(picture) == 1 else np.moveaxis(picture, 0, -1)
                place.imshow(shown, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
                place.set_axis_off()
            middle = (bottom + SIDE / 2) / height
            figure.text(0.01, middle, label(drawn), weight="bold", va="bottom", fontsize=8)
            figure.text(0.01, middle, facts(drawn).replace(", ", "\n", 1), va="top", fontsize=6.5)
    return figure
