"""Designs of floors from random keys and values: the best chain of tilts for Theorem D (collisions) and E (cliques).

The symbols are those of the kernel's rule `matching`: tilts, s, tau, the angles a_1 and a_2 (`near`), and the leak.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, gammaln

from lowerbound.certify.design.lattice_cliques import nearest
from lowerbound.certify.design.target import (
    MOST_LEVELS,
    Design,
    FloatArray,
    NoInstance,
    Target,
    refuse_failures,
)

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

    target: Target
    coherence: Fraction
    tau: float
    first: float
    near: float
    gap: float
    limit: float
    tilts: FloatArray

    @cached_property
    def closed(self) -> FloatArray:
        """How often each tilt is closed to both signs of the query."""
        others, d, lam = self.target.n_tokens - 1, self.target.d, float(self.target.multiplier)
        same = others * np.exp(-2 * lam * np.cos(self.tilts) * (1 - float(self.coherence))) / self.limit**2
        apart = [(others * _mean_weight(float(tilt), self.limit, d, lam)) ** 2 for tilt in self.tilts]
        return np.array(apart) + np.asarray(same)


def _tilts(target: Target, coherence: Fraction, share: float, *, from_limit: bool) -> _Tilts:
    n, lam = target.n_tokens, float(target.multiplier)
    spread = 4 * np.arctanh(2 * float(target.eta))
    tau, apart = float(f"{share * spread:.6g}"), np.arccos(float(coherence))
    gap = spread + np.log1p(tau)

    def leak(tilt: float, level: float) -> float:
        return float(np.log(n) + lam * (np.cos(apart - tilt) - np.cos(tilt)) - np.log(level))

    lowest, where = 0.02, f"of {n:,} random keys, of cosines up to {float(coherence):.3f}"
    if not tau < 1 or leak(lowest, tau) > 0:
        raise NoInstance(f"{where}, no tilted read shows one alone")
    first = round(float(brentq(leak, lowest, apart, args=(tau,))) - 1e-4, TILT_DIGITS)
    if not _nearest_angle(target, apart, spread) < apart / 2:
        raise NoInstance(
            f"{where}, one that is missing may be made up for by others, ln T + s = {np.log(n) + spread:.1f}"
        )
    if np.cos(first) + gap / lam >= 1 or not _nearest_angle(target, apart, spread) < first:
        raise NoInstance(f"{where}, no tilted read brings two matched keys closer")
    near = first - np.arccos(np.cos(first) + gap / lam)
    limit = tau * np.exp(-2 * lam * near)
    start = first
    if from_limit:
        if leak(lowest, limit) > 0:
            raise NoInstance(f"{where}, no tilted read shows one alone in every instance of a state")
        start = round(float(brentq(leak, lowest, apart, args=(limit,))) - 1e-4, TILT_DIGITS)
    tilts = np.concatenate([[start], np.arange(start + 2 * TILT_STEP, STEEPEST, TILT_STEP)])
    lowest_read = np.log(target.n_own) + spread / 2 + 10
    tilts = tilts[lam * (1 + np.cos(tilts) - near) > lowest_read]
    if not from_limit:
        tilts = tilts[np.cos(tilts) + gap / lam < 1]
    if not len(tilts) or tilts[0] != start:
        raise NoInstance(f"{target.n_own:,} own tokens weigh too much for a reference that reaches down to every read")
    if not near > 0 or 3 * near >= apart:
        raise NoInstance(f"{where}, matched keys stay too far apart for a bijection")
    return _Tilts(target, coherence, tau, first, float(near), float(gap), float(limit), tilts)


def _nearest_angle(target: Target, apart: float, spread: float) -> float:
    """a_1, the angle within which each key has exactly one matching key; infinite if matching fails."""
    n, lam = target.n_tokens, float(target.multiplier)
    coarse = nearest(n, lam, spread, float(np.cos(apart)))
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


def collision_room(target: Target) -> None:
    """Raise NoInstance unless some tilts of Theorem D are within its ranges."""
    _proposals(target, from_limit=False)


def clique_room(target: Target) -> None:
    """Raise NoInstance unless some tilts of Theorem E are within its ranges."""
    _proposals(target, from_limit=True)


def _proposals(target: Target, *, from_limit: bool) -> list[_Tilts]:
    refuse_failures(target)
    if target.d < 3:
        raise NoInstance("it speaks of keys in R^d with d >= 3", "the nearest possible d is 3")
    if not 0 < target.eta < Fraction(1, 2):
        raise NoInstance("it speaks of an eta in (0, 1/2)", "the nearest possible eta is inside")

    def incoherent(height: float) -> float:
        return float(target.n_tokens * (target.n_tokens - 1) / 2 * _tail(height, target.d)) - INCOHERENT_SHARE

    coherence = Fraction(1)
    if incoherent(0.001) >= 0 >= incoherent(0.999):
        coherence = Fraction(int(np.ceil(1000 * brentq(incoherent, 0.001, 0.999))), 1000)
    if coherence >= 1:
        raise NoInstance(f"{target.n_tokens:,} random keys in R^{target.d} have no useful coherence")
    found = []
    for share in LEAKS:
        try:
            found.append(_tilts(target, coherence, share, from_limit=from_limit))
        except NoInstance as refused:
            last = refused
    if not found:
        raise last
    return found


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


def collision_design(target: Target) -> Design:
    """The design of Theorem D (two random instances rarely share a state); it needs delta = 0."""
    found = []
    for tilts in _proposals(target, from_limit=False):
        levels = _value_levels(target, tilts)
        if levels < 2:
            continue
        angles = tilts.tilts - np.arccos(np.cos(tilts.tilts) + tilts.gap / float(target.multiplier))
        log_measure, chain = _cheapest_chain(_log_cap(angles, target.d), tilts.closed)
        token = (target.d - 1) * np.log2(levels) - (np.log(float(SLACK)) + log_measure) / np.log(2)
        bits = target.n_tokens * token + _common_bits(target, tilts)
        found.append(Design(bits, {**_written(tilts, chain), "levels": levels}))
    return _most_bits(found)


def clique_design(target: Target) -> Design:
    """The design of Theorem E with the better of its two ways to count values; it needs delta = 0."""
    return _of_cliques(target, "grid", "shared")


def clique_grid_design(target: Target) -> Design:
    """The design of Theorem E with values on a grid."""
    return _of_cliques(target, "grid")


def clique_shared_design(target: Target) -> Design:
    """The design of Theorem E with uniform real values, where a value and its key share the error budget."""
    return _of_cliques(target, "shared")


def _of_cliques(target: Target, *ways: str) -> Design:
    proposals = _proposals(target, from_limit=True)
    return _most_bits([design for values in ways for design in _cliques(target, proposals, values)])


def _most_bits(found: list[Design]) -> Design:
    if not found:
        raise NoInstance("other tokens blur every read of a value, or no tilt is steep enough")
    return max(found, key=lambda design: design.bits)


def _log_ball(n: int) -> float:
    return float(n / 2 * np.log(np.pi) - gammaln(n / 2 + 1))


def _cliques(target: Target, proposals: list[_Tilts], values: str) -> Iterator[Design]:
    d, lam = target.d, float(target.multiplier)
    for tilts in proposals:
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
        payload = {
            **_written(tilts, chain),
            "theta_0": str(Fraction(f"{tilts.first:.5f}")),
            "values": values,
            "levels": levels if values == "grid" else 0,
        }
        yield Design(bits, payload)


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
