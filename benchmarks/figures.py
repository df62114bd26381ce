"""How long all figures take to draw from their tables, with the interpreter's start."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial

from benchmarks.timing import Row, anew, within
from paper_figures.__main__ import FIGURES, RESULTS

LIMIT_S = 30.0


def rows() -> Iterator[Row]:
    """The time to draw all figures whose tables exist, into a temporary folder."""
    names = [name for name, module in FIGURES.items() if (RESULTS / f"{module.TABLE}.json").exists()]
    with tempfile.TemporaryDirectory() as folder:
        draw = partial(anew, "-m", "paper_figures", *names, "--out", folder)
        if names:
            yield within("figures as PDF, SVG and PNG", f"{len(names)} of {len(FIGURES)}", draw, LIMIT_S)
