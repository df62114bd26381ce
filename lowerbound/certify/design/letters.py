"""The letters of Theorems F and F' in floats: an even grid, or blocks of levels that one read shows evenly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

STEEPEST = 12.0
"""Logits of a run of levels beyond which no more of it can be shown by one read."""
HALVINGS = 40


@dataclass(frozen=True)
class LetterSet:
    """As the kernel's `Letters`: least and largest positive letter, mean and variance of the squares, growth."""

    low: float
    top: float
    second: float
    variance: float
    growth: float


def even_grid(letters: float, h: float) -> LetterSet:
    """+-h/2, +-3h/2, ...; a number of letters between two whole ones interpolates."""
    second = h * h * (letters**2 - 1) / 12
    variance = h**4 * (letters**2 - 1) * max(0.0, letters**2 - 4) / 180
    return LetterSet(h / 2, h * (letters - 1) / 2, second, variance, h * letters / 2)


def blocks_of_levels(levels: int, digits: int, kappa: float, gap: float, slope: float) -> LetterSet | None:
    """2^digits blocks whose levels are kappa apart in one read, with gaps between; None if one read has no room."""
    if kappa * (levels - 1) >= 1:
        return None
    shown = (1 + kappa * (2 * np.arange(levels) - levels + 1)) / 2
    logits = np.log(shown / (1 - shown))
    starts = gap / 2 - logits[0] + (logits[-1] - logits[0] + gap) * np.arange(2 ** (digits - 1))
    letters = (starts[:, None] + logits).ravel() / slope
    growth = (2 * len(letters) * letters / (2 * np.arange(len(letters)) + 1)).max()
    squares = letters**2
    return LetterSet(float(letters[0]), float(letters[-1]), float(squares.mean()), float(squares.var()), float(growth))


def spacing_of_runs(levels: float, sure: float, apart: float) -> float | None:
    """The least logit >= apart between letters of a grid whose runs are `sure` apart in one read; or None."""

    def rise(g: float) -> float:
        return math.sinh(g / 2) / (math.cosh(g * (levels - 2) / 2) + math.cosh(g / 2)) - sure

    low = high = apart
    while rise(high) < 0:
        high *= 1.05
        if high * levels > STEEPEST:
            return None
    for _ in range(HALVINGS if high > low else 0):
        middle = (low + high) / 2
        low, high = (low, middle) if rise(middle) >= 0 else (middle, high)
    return high
