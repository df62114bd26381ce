"""Designs of Theorem E1 (keys over a lattice, values on a grid): the best tilt, in the symbols of its kernel rule."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.special import gammaln

from lowerbound.certify.design.target import (
    MOST_LEVELS,
    PRECISION_BITS,
    Design,
    FloatArray,
    NoInstance,
    Target,
    refuse_failures,
)
from lowerbound.core.reading import FloatArithmetic
from lowerbound.core.tilt import apart, others, turn

STEPS = 2**60
"""M, lattice steps to a unit: so many that a finer lattice gives no bit more at the errors of any page."""
PART, CAP = 2**16, 2**20
"""k and m', the denominators of the lengths m/k and k'/m' of a certificate."""
LARGEST = 2**56
"""The largest m."""
MARGIN = 1 - 1e-9
"""Factor by which bounds are shrunk, so that the kernel's balls confirm every level and every key that is counted."""
DIGITS = 10**9
TILTS = 4001
FLOATS = FloatArithmetic()


def lattice_clique_design(target: Target) -> Design:
    """The design of Theorem E1; it needs delta = 0, and keys that the multiplier tells apart.

    The coherence is the least that half of all lists of keys have. The tilt is the best of 4001 between the coherence
    and the cosine of matched keys.
    """
    n, n_free, lam, eta = target.n_tokens, target.d - 1, float(target.multiplier), float(target.eta)
    refuse_failures(target)
    if n_free < 1 or not 2 * eta < 1:
        raise NoInstance("it speaks of keys in R^d with d >= 2 and of an eta below 1/2", "the nearest eta is smaller")
    spread = float(apart(FLOATS, eta))
    small, mu = _coherence(n, n_free)
    matched = _matched(n, lam, spread, mu)
    where = f"of {n:,} lattice keys, of cosines up to {mu:.3f}"
    if matched is None:
        raise NoInstance(f"{where}, some are not told apart by logits of at most {lam:g}")
    tilts = np.linspace(mu, matched, TILTS)[1:-1]
    found = _Read.of(tilts, target, spread, mu)
    both = 2 * found.scales / PART * found.levels
    token = n_free * np.log2(np.where(found.holds, both, 1.0))
    best = int(token.argmax())
    bits = n * token[best] - gammaln(n + 1) / np.log(2) - 1
    if found.holds[best] and bits < 1:
        raise NoInstance("it forces no whole bit")
    if not found.holds[best]:
        raise NoInstance(f"{where}, no tilted read bounds a key and reads two levels of a value")
    payload = {
        "precision": PRECISION_BITS,
        "mu": str(Fraction(round(mu * DIGITS), DIGITS)),
        "tilt": str(Fraction(round(tilts[best] * DIGITS), DIGITS)),
        "steps": STEPS,
        "diameter": [PART, int(found.scales[best])],
        "levels": int(found.levels[best]),
        "cap": [small, CAP],
    }
    return Design(float(bits), payload)


def _coherence(n: int, n_free: int) -> tuple[int, float]:
    """The largest k' with 2 T^2 k'^(d-1) <= m'^(d-1), and the least mu whose caps fit, rounded up to a billionth."""
    small = int(CAP * np.exp(-np.log(2 * n * n) / n_free))
    while 2 * n**2 * (small + 1) ** n_free <= CAP**n_free:
        small += 1
    while 2 * n**2 * small**n_free > CAP**n_free:
        small -= 1
    sine = small / CAP * (1 - CAP * np.sqrt(n_free) / STEPS)
    mu = np.sqrt(max(0.0, 1 - sine * sine))
    return small, float(np.ceil(mu * DIGITS + 1) / DIGITS)


def _matched(n: int, lam: float, spread: float, mu: float) -> float | None:
    """c1, the cosine of matched keys; None if keys that the multiplier does not tell apart are too many."""
    coarse = nearest(n, lam, spread, mu)
    if not mu < coarse:
        return None
    missing = (n - 1) * np.exp(spread - lam * (1 - turn(coarse, mu)))
    if not missing < MARGIN:
        return None
    match = float(1 - (spread - np.log(1 - missing)) / lam)
    return match if match > mu and mu < (2 * match * match - 1) * MARGIN else None


def nearest(n: int, lam: float, spread: float, mu: float) -> float:
    """The cosine of a coarse match, as in the kernel's rule `matching`: by all keys, or by the few that may be near."""
    coarse = 1 - (spread + np.log(n)) / lam
    edge = coarse - np.log(2) / lam
    if edge > 0 and edge * edge > mu:
        coarse = max(coarse, 1 - (spread + np.log(2 * (1 - mu) / (edge * edge - mu))) / lam)
    return float(coarse)


@dataclass(frozen=True)
class _Read:
    """What a tilted read gives, for many tilts: m, L, and whether all inequalities of the theorem hold."""

    scales: FloatArray
    levels: FloatArray
    holds: FloatArray

    @classmethod
    def of(cls, tilts: FloatArray, target: Target, spread: float, mu: float) -> _Read:
        n, own, lam = target.n_tokens, target.n_own, float(target.multiplier)
        gap = (spread + np.log1p(others(FLOATS, n, lam, mu, tilts))) / lam
        holds = (tilts + gap < MARGIN) & (np.log(own) + spread / 2 < lam * (1 + tilts) * MARGIN)
        turned = np.minimum(tilts + gap, 1.0)
        chord = 2 * np.sin((np.arccos(tilts) - np.arccos(turned)) / 2)
        near = 1 - chord * chord / 2
        holds &= (tilts < (2 * near * near - 1) * MARGIN) & (mu < near * MARGIN)
        side = np.sqrt(target.d - 1) / STEPS
        scales = np.floor(np.minimum(LARGEST, MARGIN / ((chord + side) / PART + side)))
        leak = others(FLOATS, n, lam, mu, near) + own * np.exp(-lam * (1 + near))
        levels = 1 + np.floor(MARGIN / np.maximum(2 * (float(target.eta) + leak), 1 / MOST_LEVELS))
        levels = np.minimum(levels, MOST_LEVELS)
        return cls(scales, levels, holds & (scales >= 1) & (levels >= 2))
