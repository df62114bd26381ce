"""Tightness: what certified floors force and what proved caches need, against the error."""

from __future__ import annotations

import json
from pathlib import Path

from lowerbound.report.figure import save, tightness

TABLE = Path("results/tightness.json")
PICTURE = Path("results/figures/tightness")
PAGE_PICTURE = Path(__file__).parent.parent / "docs" / "tightness.png"
MODEL = "var-d16"


def draw() -> list[Path]:
    """Read the table of `python -m experiments tightness`, and draw it as PDF and PNG, and for the page of floors."""
    rows = [row for row in json.loads(TABLE.read_text(encoding="utf-8"))["rows"] if row["model"] == MODEL]
    paths = [PICTURE.with_suffix(".pdf"), PICTURE.with_suffix(".png"), PAGE_PICTURE]
    return [save(tightness(rows), path) for path in paths]
