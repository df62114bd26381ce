"""Designs of floors from random keys and values: the best chain of tilts for Theorem D (collisions) and E (cliques).

The symbols are those of the kernel's rule `matching`: tilts, s, tau, the angles a_1 and a_2 (`near`), and the leak.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, gammaln

from lowerbound.certify.design.target import MOST_LEVELS, Design, FloatArray, Target, bits_of

SPHERE_PRECISION_BITS = 192
SLACK = Fraction(103, 100)
INCOHERENT_SHARE = 0.02
LEAKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""The values of tau / s that are tried: the share of the error budget s that is spent on the other tokens."""
TILT_DIGITS = 5
TILT_STEP = np.radians(0.5)
STEEPEST = np.radians(80.5)


def _tail(heights: FloatArray | float, d: int) -> FloatArray:
    heights = np.asarray(heights, float)
    half = 0.5 * betainc((d - 1) / 2, 0.5, np.maximum(0.0, 1 - heights * heights))
    return np.asarray(np.where(heights >= 0, half, 1 - half))


def _log_cap(angles: FloatArray, d: int) -> FloatArray:
    a, x = (d - 1) / 2, np.sin(angles) ** 2
    small = a * np.log(x) - np.log(2 * a) - (gammaln(a) + gammaln(0.5) - gammaln(a + 0.5))
    return np.asarray(np.where(x > 1e-3, np.log(np.maximum(0.5 * betainc(a, 0.5, x), 1e-300)), small))


def _mean_weight(tilt: float, limit: float, d: int, multiplier: float) -> float:
    top = np.cos(tilt) + np.log(limit) / multiplier
    if top - 0.6 <= -0.9:
        return 1.0
    heights = top - np.linspace(0, 0.6, 121)
    tails = _tail(heights, d)
    weights = np.exp(multiplier * (heights - np.cos(tilt))) / limit
    return float(tails[0] + (np.diff(tails) * weights[:-1]).sum() + weights[-1])


@dataclass(frozen=True)
class _Tilts:
    """One choice of tau: the tilts from which a chain is picked, and the quantities that matching derives from tau."""

    coherence: Fraction
    tau: float
    first: float
    near: float
    gap: float
    tilts: FloatArray
    closed: FloatArray


def _tilts(target: Target, coherence: Fraction, share: float, *, from_limit: bool) -> _Tilts | None:
    n, d, lam = target.n_tokens, target.d, float(target.multiplier)
    spread = 4 * np.arctanh(2 * float(target.eta))
    tau, apart = float(f"{share * spread:.6g}"), np.arccos(float(coherence))
    gap = spread + np.log1p(tau)

    def leak(tilt: float, level: float) -> float:
        return float(np.log(n) + lam * (np.cos(apart - tilt) - np.cos(tilt)) - np.log(level))

    lowest = 0.02
    if not tau < 1 or spread / 2 + np.log1p(tau) >= np.log(target.n_own) or leak(lowest, tau) > 0:
        return None
    first = round(float(brentq(leak, lowest, apart, args=(tau,))) - 1e-4, TILT_DIGITS)
    if np.cos(first) + gap / lam >= 1 or not _nearest_angle(target, apart, spread) < min(first, apart / 2):
        return None
    near = first - np.arccos(np.cos(first) + gap / lam)
    limit = tau * np.exp(-2 * lam * near)
    start = first
    if from_limit:
        if leak(lowest, limit) > 0:
            return None
        start = round(float(brentq(leak, lowest, apart, args=(limit,))) - 1e-4, TILT_DIGITS)
    tilts = np.concatenate([[start], np.arange(start + 2 * TILT_STEP, STEEPEST, TILT_STEP)])
    lowest_read = np.log(target.n_own) + spread / 2 + 10
    tilts = tilts[lam * (1 + np.cos(tilts) - near) > lowest_read]
    if not from_limit:
        tilts = tilts[np.cos(tilts) + gap / lam < 1]
    if not len(tilts) or tilts[0] != start or not near > 0 or 3 * near >= apart:
        return None
    same = (n - 1) * np.exp(-2 * lam * np.cos(tilts) * (1 - float(coherence))) / limit**2
    closed = np.array([((n - 1) * _mean_weight(float(tilt), limit, d, lam)) ** 2 for tilt in tilts]) + same
    return _Tilts(coherence, tau, first, float(near), float(gap), tilts, closed)


def _nearest_angle(target: Target, apart: float, spread: float) -> float:
    """a_1, the angle within which each key has exactly one matching key; infinite if matching fails."""
    n, lam = target.n_tokens, float(target.multiplier)
    coarse = 1 - (spread + np.log(n)) / lam
    if coarse <= 0 or apart <= np.arccos(coarse):
        return float(np.inf)
    left = 1 - n * np.exp(spread - lam * (1 - np.cos(apart - np.arccos(coarse))))
    return float(np.arccos(1 - (spread - np.log(left)) / lam)) if left > 1e-9 else float(np.inf)


def _cheapest_chain(log_costs: FloatArray, closed: FloatArray) -> tuple[float, list[int]]:
    """The log of the least cost[last] + sum cost[m_i] closed[m_{i+1}] of chains 0 = m_0 < m_1 < ..., and its chain."""
    base = log_costs.min()
    costs = np.exp(log_costs - base)
    totals, previous = np.zeros(len(costs)), [-1] * len(costs)
    for m in range(1, len(costs)):
        through = totals[:m] + costs[:m] * closed[m]
        previous[m] = int(np.argmin(through))
        totals[m] = through[previous[m]]
    last = int(np.argmin(totals + costs))
    chain = [last]
    while previous[chain[-1]] >= 0:
        chain.append(previous[chain[-1]])
    return float(base + np.log((totals + costs)[last])), chain[::-1]


def _proposals(target: Target, *, from_limit: bool) -> Iterator[_Tilts]:
    if target.delta or target.d < 3 or not 0 < target.eta < Fraction(1, 2):
        return

    def incoherent(height: float) -> float:
        return float(target.n_tokens * (target.n_tokens - 1) / 2 * _tail(height, target.d)) - INCOHERENT_SHARE

    if incoherent(0.001) < 0 or incoherent(0.999) > 0:
        return
    coherence = Fraction(int(np.ceil(1000 * brentq(incoherent, 0.001, 0.999))), 1000)
    if coherence >= 1:
        return
    for share in LEAKS:
        tilts = _tilts(target, coherence, share, from_limit=from_limit)
        if tilts is not None:
            yield tilts


def _value_levels(target: Target, tilts: _Tilts) -> int:
    """How many levels of a value are told apart, when a read is within eta and the blur of other tokens."""
    lam, apart = float(target.multiplier), np.arccos(float(tilts.coherence))
    blur = target.n_tokens * np.exp(-lam * (np.cos(tilts.near) - np.cos(apart - tilts.near)))
    blur += target.n_own * np.exp(-lam * (1 + np.cos(tilts.near)))
    return int(min(MOST_LEVELS, 1 + np.floor((1 - 1e-6) / (2 * (float(target.eta) + blur)))))


def _written(tilts: _Tilts, chain: list[int]) -> dict[str, Any]:
    return {
        "precision": SPHERE_PRECISION_BITS,
        "mu_0": str(tilts.coherence),
        "slack": str(SLACK),
        "tau": str(Fraction(f"{tilts.tau:.6g}")),
        "chain": [str(Fraction(f"{tilts.tilts[m]:.5f}")) for m in chain],
    }


def _common_bits(target: Target, tilts: _Tilts) -> float:
    """log2 g - log2 T!, in bits, where g is the least probability of the instances that count; -inf if g <= 0."""
    incoherent = target.n_tokens * (target.n_tokens - 1) / 2 * float(_tail(float(tilts.coherence), target.d))
    good = 1 - incoherent - 1 / float(SLACK)
    return float(np.log2(good) - gammaln(target.n_tokens + 1) / np.log(2)) if good > 0 else -np.inf


def collision_design(target: Target) -> Design | None:
    """The design of Theorem D (two random instances rarely share a state), or None; it needs delta = 0."""
    best: Design | None = None
    for tilts in _proposals(target, from_limit=False):
        levels = _value_levels(target, tilts)
        if levels < 2:
            continue
        angles = tilts.tilts - np.arccos(np.cos(tilts.tilts) + tilts.gap / float(target.multiplier))
        log_measure, chain = _cheapest_chain(_log_cap(angles, target.d), tilts.closed)
        token = (target.d - 1) * np.log2(levels) - (np.log(float(SLACK)) + log_measure) / np.log(2)
        bits = target.n_tokens * token + _common_bits(target, tilts)
        if bits > bits_of(best):
            best = Design(bits, {**_written(tilts, chain), "levels": levels})
    return best


def clique_design(target: Target) -> Design | None:
    """The design of Theorem E with the better of its two ways to count values, or None; it needs delta = 0."""
    return max((clique_grid_design(target), clique_shared_design(target)), key=bits_of)


def clique_grid_design(target: Target) -> Design | None:
    """The design of Theorem E with values on a grid, or None."""
    return _clique(target, "grid")


def clique_shared_design(target: Target) -> Design | None:
    """The design of Theorem E with uniform real values, where a value and its key share the error budget, or None."""
    return _clique(target, "shared")


def _log_ball(n: int) -> float:
    return float(n / 2 * np.log(np.pi) - gammaln(n / 2 + 1))


def _clique(target: Target, values: str) -> Design | None:
    best: Design | None = None
    d, lam = target.d, float(target.multiplier)
    for tilts in _proposals(target, from_limit=True):
        levels = _value_levels(target, tilts)
        if values == "grid" and levels < 2:
            continue
        steepness = np.sin(tilts.tilts) - np.cos(tilts.tilts) * np.tan(tilts.near)
        if steepness[0] <= 0:
            continue
        log_volume, chain = _cheapest_chain((d - 1) * np.log(tilts.gap / (lam * steepness)), tilts.closed)
        geometry = (d - 1) * np.log(2) + _log_ball(d) + np.log(d) + np.log(np.cos(tilts.near)) - _log_ball(d - 1)
        log_values = -(d - 1) * np.log(levels) if values == "grid" else _log_shared_width(target, tilts)
        token = (geometry - np.log(float(SLACK)) - log_volume - log_values) / np.log(2)
        bits = target.n_tokens * token + _common_bits(target, tilts)
        if bits > bits_of(best):
            payload = {
                **_written(tilts, chain),
                "theta_0": str(Fraction(f"{tilts.first:.5f}")),
                "values": values,
                "levels": levels if values == "grid" else 0,
            }
            best = Design(bits, payload)
    return best


def _log_shared_width(target: Target, tilts: _Tilts) -> float:
    """The log of the integral that the kernel's rule `clique` bounds, in floating point on the same grid."""
    shells, cells, eta, d = 200, 64, float(target.eta), target.d
    times = np.arange(shells + 1) / shells
    amplitude, change = np.meshgrid(np.arange(cells) / cells - 2 * eta, tilts.gap * times[:-1])
    product = np.maximum(amplitude * change, 1e-300)
    weight = np.sqrt(2 * eta / product)
    mixes = (weight < 1 - 1e-9) & (amplitude > 0)
    weight = np.where(mixes, weight, 0.75)
    odds = np.log(weight / (1 - weight))
    mixes &= (odds > 0) & (odds < 9)

    def logistic(x: FloatArray) -> FloatArray:
        return np.asarray(1 / (1 + np.exp(-x)))

    moved = np.minimum(logistic(odds + change) - weight, weight - logistic(odds - change))
    widths = np.clip((2 * eta + 2 * tilts.tau - amplitude * moved) / weight, 0, 2 * eta)
    mean = np.where(mixes, widths, 2 * eta).mean(axis=1)
    steps = times[1:] ** (d - 1) - times[:-1] ** (d - 1)
    return float(np.log((steps * (mean / (2 * eta)) ** (d - 1)).sum()) + (d - 1) * np.log(2 * eta))
