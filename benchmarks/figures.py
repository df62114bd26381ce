"""How long all figures take to draw from their tables, with the interpreter's start."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.timing import Row, within
from paper_figures.__main__ import FIGURES, RESULTS

LIMIT_S = 30.0


def rows() -> Iterator[Row]:
    """The time to draw all figures whose tables exist, into a temporary folder."""
    names = [name for name, module in FIGURES.items() if (RESULTS / f"{module.TABLE}.json").exists()]
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "paper_figures", *names, "--out", folder]
        if names:
            yield within(
                "figures as PDF, SVG and PNG",
                f"{len(names)} of {len(FIGURES)}",
                lambda: subprocess.run(words, check=True, capture_output=True),
                LIMIT_S,
            )
