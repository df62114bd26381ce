"""What a design is asked for, and what it proposes: a target with its errors, and a payload for the judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
"""The largest |logit| that queries may ask of unit keys, also where a model's own rule caps nothing."""


@dataclass(frozen=True)
class Target:
    """What a floor is about: a head, how far its answers may be off and how often, and how loud a query may be.

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
        """T cached tokens."""
        return self.geometry.n_tokens_cached

    @property
    def n_own(self) -> int:
        """T_N tokens of the last scale."""
        return self.geometry.n_own

    @property
    def d(self) -> int:
        """Head dimension."""
        return self.geometry.d


@dataclass(frozen=True)
class Design:
    """The payload of a certificate, and the bits per head that it should prove."""

    bits: float
    payload: dict[str, Any]


Designer = Callable[[Target], Design | None]
"""The best instance that is known for a target, or None where a theorem says nothing about it."""


def fano_bits(levels: FloatArray | float, delta: float) -> Any:
    """Bits of a symbol known with error delta; not below 0."""
    entropy = -(delta * np.log2(delta) + (1 - delta) * np.log2(1 - delta)) if delta else 0.0
    wrong = delta * np.log2(np.maximum(np.asarray(levels, float) - 1, 1.0)) if delta else 0.0
    return np.maximum(0.0, np.log2(levels) - entropy - wrong)


def below(value: Any) -> Any:
    """The largest whole number certainly under a float that may be rounded."""
    return np.floor(np.asarray(value) * (1 - 1e-11))


def bits_of(design: Design | None) -> float:
    """The bits of a proposal; below every other if there is none."""
    return -1.0 if design is None else design.bits
