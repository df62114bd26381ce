"""What it costs in Theorem G to know a key up to noise, in floating point, on the steps of the kernel's rule."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from scipy.special import betainc, gammaln

from lowerbound.certify.design.strip_bits import (
    FINE,
    Shells,
    Steps,
    StripBits,
    StripNumbers,
    log2_sphere,
    logistic,
    logit,
    tail,
)
from lowerbound.certify.design.target import FloatArray

LOWEST, HIGHEST = 0.05, 1e4
"""Ends of the table of profiles, in edges."""
SEARCH_STEPS = 150
DECADES_BELOW = 6.0
"""How far below its end the integral over radii begins in the search, in natural logarithms."""


def _profile(t: FloatArray, dimension: int) -> FloatArray:
    """E min(1, (t x)^2), x a coordinate of a uniform unit vector."""
    inverse = np.minimum(1.0, 1 / t)
    inner = betainc(1.5, (dimension - 1) / 2, inverse**2) / dimension
    return np.asarray(2 * tail(inverse, dimension) + t * t * inner)


@lru_cache(maxsize=16)
def _profiles(dimension: int) -> tuple[FloatArray, FloatArray]:
    """Logarithms of t, and the profile at each."""
    logs = np.linspace(np.log(LOWEST), np.log(HIGHEST), 500)
    return logs, _profile(np.exp(logs), dimension)


@lru_cache(maxsize=16)
def _heights(dimension: int, steps: Steps) -> tuple[FloatArray, FloatArray]:
    """Upper ends of steps of |x| in [0, 1], and their probabilities; those of the search are finer near 0."""
    ends = np.arange(steps.offsets + 1) / steps.offsets
    ends = ends if steps is FINE else ends**2
    return ends[1:], -np.diff(2 * tail(ends, dimension))


def _blurred(
    bits: StripBits, numbers: StripNumbers, dimension: int, level: tuple[float, ...], reads: tuple[float, float, float]
) -> float:
    """The mean of min(1, t^2 / kappa^2) that noise and the length of a read's interval cause."""
    (_, edge, spread, _), (farthest, slope, blur) = level, reads
    ends, shares = _heights(dimension, bits.steps)
    logits = farthest * ends + blur
    top = np.minimum(logistic(logits) + 2 * bits.eta + numbers.tau_c, 1 - 1e-15)
    lengths = np.minimum(logit(top) - logits, 2 * slope * edge)
    misses = np.minimum((lengths / 2 + blur) / slope, edge) ** 2
    return float((spread**2 / (dimension + 2) + (shares * misses).sum()) / edge**2)


def _shells(end: float, dimension: int, steps: Steps) -> Shells:
    if steps is FINE:
        marks = -np.log(4) + np.log(4 * end) * np.arange(steps.shells + 1) / steps.shells
        tails = _profile(np.exp(marks[:-1]), dimension)
    else:
        marks = np.log(end) - DECADES_BELOW * (1 - np.arange(SEARCH_STEPS + 1) / SEARCH_STEPS)
        tails = np.interp((marks[:-1] + marks[1:]) / 2, *_profiles(dimension))
    pieces = dimension * marks[1:] + np.log(-np.expm1(-dimension * np.diff(marks))) - np.log(dimension)
    return Shells(np.array([dimension * marks[0] - np.log(dimension), *pieces]), np.array([0.0, *tails]))


def _left(
    bits: StripBits, dimension: int, level: tuple[float, ...], reach: float, rate: float, *, search: bool
) -> tuple[float, float]:
    """What is left open of omega + e beyond the entropy of e, in bits, and the weight a, the best one if searched."""
    _, edge, spread, a = level
    shells = _shells(reach / edge, dimension, bits.steps)
    a = shells.best_weight(rate) if search else a
    ball = dimension / 2 * np.log(np.pi) - gammaln(dimension / 2 + 1)
    volume = log2_sphere(dimension) + dimension * np.log2(edge / spread)
    return float(volume + (shells.log_integral(a) + a * rate - ball) / np.log(2)), a


def noise_left(bits: StripBits, numbers: StripNumbers, *, search: bool) -> tuple[float, StripNumbers]:
    """What is left open of omega, the noise included, in bits; infinite out of range; weights are searched if asked."""
    lam, n, m = bits.lam, bits.target.d - 1, bits.target.d - 2
    first, *later = numbers.levels
    longest, shortest = np.sqrt(1 - numbers.c_0**2), np.sqrt(1 - (numbers.c_0 + numbers.w_0) ** 2)
    slope = first[0] / (lam * shortest)
    if slope >= 1:
        return np.inf, numbers
    rate = bits.wrong(numbers.c_0 * np.sqrt(1 - slope**2), numbers.tau_c)
    rate += _blurred(bits, numbers, n, first, (first[0], first[0], 0.0))
    total, a = _left(bits, n, first, 1 + first[2], rate, search=search)
    levels, radius = [(*first[:3], a)], first[2]
    for level in later:
        height, _, spread, _ = level
        reach = radius + spread
        if reach >= 1 or height >= 1:
            return np.inf, numbers
        steep = lam * np.sqrt(1 - height**2)
        bend = height * longest**2 * (1 - np.sqrt(1 - radius**2))
        blur = lam * bend / (2 * numbers.classes)
        rate = bits.wrong(height - bend, numbers.tau_c)
        rate += _blurred(bits, numbers, m, level, (steep * longest * radius, steep * shortest, blur))
        left, a = _left(bits, m, level, reach, rate, search=search)
        total += left + np.log2(numbers.classes)
        levels.append((*level[:3], a))
        radius = spread / np.sqrt(1 - reach**2)
    across, a = bits.across(numbers, float(radius), float(radius**2), 0.0, search=search)
    return float(total + across), replace(numbers, a=a, levels=tuple(levels))
