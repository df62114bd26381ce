"""The frontier: every cache's measured memory and error, beside the floor that is proved."""

from __future__ import annotations

import json
from pathlib import Path

from lowerbound.report.figure import frontier, save

TABLE = Path("results/frontier.json")
PICTURE = Path("results/figures/frontier")


def draw() -> list[Path]:
    """Read the table of `python -m experiments frontier`, and draw it as PDF and PNG."""
    rows = json.loads(TABLE.read_text(encoding="utf-8"))["rows"]
    return [save(frontier(rows), PICTURE.with_suffix(suffix)) for suffix in (".pdf", ".png")]
