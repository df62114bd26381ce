"""The input of a design (`Target`: a head with its errors) and its output (`Design`: a payload for the kernel)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.geometry import Geometry
from lowerbound.core.rules import MULTIPLIER_CAP

FloatArray = NDArray[np.float64]

PRECISION_BITS = 128
MOST_LEVELS = 2**20
LOGIT_CAP = MULTIPLIER_CAP
"""The largest |logit| of a query with a unit key; it also applies to models whose own rule has no cap."""


@dataclass(frozen=True)
class Target:
    """The setting of a floor: a head, the error and the failure probability of its answers, and the largest |logit|.

    Parameters
    ----------
    eta : Fraction
        Error of an answer, additive for values in [0, 1] (relative in Theorem A).
    delta : Fraction
        Failure probability of an answer.
    multiplier : Fraction
        The largest |logit| between unit vectors.
    """

    geometry: Geometry
    eta: Fraction
    delta: Fraction
    multiplier: Fraction = LOGIT_CAP

    @property
    def n_tokens(self) -> int:
        """T, the number of cached tokens."""
        return self.geometry.n_tokens_cached

    @property
    def n_own(self) -> int:
        """T_N, the number of tokens of the last scale."""
        return self.geometry.n_own

    @property
    def d(self) -> int:
        """Head dimension."""
        return self.geometry.d


@dataclass(frozen=True)
class Design:
    """The payload of a certificate, the bits per head that it should prove, and what its claim names besides."""

    bits: float
    payload: dict[str, Any]
    claim: dict[str, Any] = field(default_factory=dict)


Designer = Callable[[Target], Design | None]
"""A function that returns the best known design for a target, or None if its theorem gives no bound there."""


def fano_bits(levels: FloatArray | float, delta: float) -> Any:
    """Fano's lower bound in bits for a symbol of `levels` levels that is misread with probability delta; at least 0."""
    entropy = -(delta * np.log2(delta) + (1 - delta) * np.log2(1 - delta)) if delta else 0.0
    wrong = delta * np.log2(np.maximum(np.asarray(levels, float) - 1, 1.0)) if delta else 0.0
    return np.maximum(0.0, np.log2(levels) - entropy - wrong)


def below(value: Any) -> Any:
    """The float times 1 - 1e-11, rounded down: certainly at most the exact number of which the float is a rounding."""
    return np.floor(np.asarray(value) * (1 - 1e-11))


def bits_of(design: Design | None) -> float:
    """The bits of a design; -1 for None, so that any design is preferred."""
    return -1.0 if design is None else design.bits
