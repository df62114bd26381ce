"""Floors whose numbers a search in floats proposes: two processors, which round differently, end near each other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

SEARCHED = frozenset({"G"})
WITHIN = 1e-4
"""The search ends where a step gains less than a millionth; two machines were seen 4.4e-5 apart at most."""


def nearly(told: Mapping[str, Any]) -> dict[str, Any]:
    """The floors by theorem, of which those of SEARCHED equal whatever is WITHIN."""
    return {name: close(bits) if name in SEARCHED and bits is not None else bits for name, bits in told.items()}


def close(number: float, rounding: float = 0.0) -> Any:
    """What equals each number WITHIN of this one, or as near to it as it was rounded."""
    return pytest.approx(number, rel=WITHIN, abs=rounding)


def numbers_in(text: str) -> list[float]:
    """The numbers that a text shows, with commas between thousands."""
    return [float(found.replace(",", "")) for found in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]
