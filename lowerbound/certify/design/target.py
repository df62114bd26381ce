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
from lowerbound.errors import LowerBoundError

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


class NoInstance(LowerBoundError):
    """A theorem has no instance for a target; the text is the reason, a clause without a capital or a full stop.

    `nearest` says what would be possible, where that is known without a search.
    """

    def __init__(self, reason: str, nearest: str = "") -> None:
        super().__init__(reason)
        self.nearest = nearest


@dataclass(frozen=True)
class Design:
    """The payload of a certificate, the bits per head that it should prove, and what its claim names besides."""

    bits: float
    payload: dict[str, Any]
    claim: dict[str, Any] = field(default_factory=dict)


Designer = Callable[[Target], Design]
"""A function that returns the best known design for a target, and raises NoInstance if its theorem has none there."""


def fano_bits(levels: FloatArray | float, delta: float) -> Any:
    """Fano's lower bound in bits for a symbol of `levels` levels that is misread with probability delta; at least 0."""
    entropy = -(delta * np.log2(delta) + (1 - delta) * np.log2(1 - delta)) if delta else 0.0
    wrong = delta * np.log2(np.maximum(np.asarray(levels, float) - 1, 1.0)) if delta else 0.0
    return np.maximum(0.0, np.log2(levels) - entropy - wrong)


def instance_of(designer: Designer, target: Target) -> Design:
    """The best known design for a target, which forces at least one bit.

    Contract: raises NoInstance for one cached token, delta >= 1/2, eta < 0, logits that are not positive, and where the
    theorem has no instance or forces no whole bit.
    """
    if target.n_tokens < 2:
        raise NoInstance("one cached token has no other beside it", "the nearest possible number of cached tokens is 2")
    if target.delta >= Fraction(1, 2):
        raise NoInstance("an answer that is wrong half of the time says nothing", "the nearest possible delta is 0.49")
    if target.eta < 0 or target.multiplier <= 0:
        raise NoInstance("no answer has an error below 0, and no read a logit of 0")
    found = designer(target)
    if not found.bits >= 1:
        raise NoInstance("it forces no whole bit")
    return found


def refuse_failures(target: Target) -> None:
    """Raise NoInstance at delta > 0: for theorems that are proved for answers that are never wrong."""
    if target.delta:
        raise NoInstance("proved for delta = 0 alone", "the nearest possible delta is 0")


def below(value: Any) -> Any:
    """The float times 1 - 1e-11, rounded down: certainly at most the exact number of which the float is a rounding."""
    return np.floor(np.asarray(value) * (1 - 1e-11))


def bits_of(design: Design | None) -> float:
    """The bits of a design; -1 for None, so that any design is preferred."""
    return -1.0 if design is None else design.bits
