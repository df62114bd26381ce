"""What a floor is about, and what a design proposes: a head, its errors, and a payload for the judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

PRECISION_BITS = 128
MOST_LEVELS = 2**20


@dataclass(frozen=True)
class Head:
    """What a floor is about: T cached tokens and T_N own ones in R^d, logits up to `multiplier`, and the errors.

    `eta` is additive for values in [0, 1]; `delta` is the failure probability of an answer.
    """

    n_tokens: int
    n_own: int
    d: int
    multiplier: Fraction
    eta: Fraction
    delta: Fraction


@dataclass(frozen=True)
class Design:
    """A certificate's kind and payload, and the bits a head that it should prove."""

    theorem: str
    kind: str
    bits: float
    payload: dict[str, Any]


Search = Callable[[Head], Design | None]


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
