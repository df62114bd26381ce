"""Two more ways to read an expression, for comparison with the library's own: Arb balls, and NumPy's floats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from lowerbound.core.scalars import ball
from lowerbound.prove.expression import Expression, fold


@dataclass(frozen=True)
class _Balls:
    values: Mapping[str, arb]

    def variable(self, name: str) -> arb:
        return self.values[name]

    def number(self, value: Fraction) -> arb:
        return ball(value)

    def exp(self, x: arb) -> arb:
        return x.exp()

    def log(self, x: arb) -> arb:
        return x.log()


def to_ball(expression: Expression, values: Mapping[str, arb]) -> arb:
    """An enclosure of the expression at enclosures of its variables."""
    result: arb = fold(expression, _Balls(values))
    return result


@dataclass(frozen=True)
class _Arrays:
    values: Mapping[str, Any]

    def variable(self, name: str) -> Any:
        return self.values[name]

    def number(self, value: Fraction) -> Any:
        return float(value)

    def exp(self, x: Any) -> Any:
        return np.exp(x)

    def log(self, x: Any) -> Any:
        return np.log(x)


def to_numpy(expression: Expression, values: Mapping[str, Any]) -> Any:
    """The expression in floating point, elementwise over arrays."""
    return fold(expression, _Arrays(values))
