"""Tightness: what certified floors force and what proved caches need, against the error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import Figure
from lowerbound.report.figure import tightness as build_tightness

TABLE = "tightness"
MODEL = "var-d16"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments tightness`, those of one model."""
    return build_tightness([row for row in rows if row["model"] == MODEL])
