"""The frontier: every cache's measured memory and error, beside the floor that is proved."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lowerbound.report.figure import Figure
from lowerbound.report.figure import frontier as build_frontier

TABLE = "frontier"


def build(rows: Sequence[dict[str, Any]]) -> Figure:
    """Rows of `python -m experiments frontier`."""
    return build_frontier(rows)
