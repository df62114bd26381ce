"""Texts of rows: what is printed contains what is proved."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lowerbound.report.table import error_text


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.0, 0.0004, "0.2501 [0.000, 0.001]"),
        (0.23749, 0.26351, "0.2501 [0.237, 0.264]"),
        (0.2379, 0.2631, "0.2501 [0.237, 0.264]"),
        (0.25, 0.5, "0.2501 [0.250, 0.500]"),
        (0.999, 1.0, "0.2501 [0.998, 1.000]"),  # the float nearest to 0.999 lies below it
    ],
)
def test_an_interval_is_rounded_outward(low: float, high: float, text: str) -> None:
    """Known values: the printed ends lie at or beyond the ends of the interval, by less than a thousandth."""
    row: Any = SimpleNamespace(error=0.2501, error_low=low, error_high=high)
    assert error_text(row) == text
