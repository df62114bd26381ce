"""Designs of Theorem G: the search for the numbers of the reads by which Bob learns a key and its values.

A key is narrowed down by cells or by noise; each way is searched from one start for each number of levels, in
coordinates that are logarithms or shares of what limits them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from lowerbound.certify.design.strip_bits import COARSE, FINE, StripBits, StripNumbers
from lowerbound.certify.design.strip_noise import noise_left
from lowerbound.certify.design.target import Design, FloatArray, NoInstance, Target, bits_of

STRIP_PRECISION_BITS = 80
DIGITS = 7
"""Significant digits of the rationals of a payload."""
HOPELESS = 1e6
"""The objective outside the theorem's ranges; it is minimised, in bits of one token."""
NUMBERS = ("c_0", "w_0", "x_0", "tau_c", "tau_f", "tau_v", "radius", "cut", "a", "theta")
SHARES_OF_ETA = tuple(Fraction(1, 10**k) for k in range(3, 11))
"""The values of tau_v / eta that are tried."""
NEARER = "smaller errors, fewer tokens and larger logits are nearer to one that does"
CELLS_FROM = Fraction(1, 30)
"""The error up to which noise narrows keys down better than cells, wherever it was compared; cells are not tried."""
COMMON_START = (0.65, float(np.log(0.018)), 0.66, -2.5, -3.5, float(np.log(3.2)), float(np.log(9.0)))
COMMON_SCALES = (0.02, 0.3, 0.02, 0.5, 0.5, 0.1, 0.5)
"""c_0, ln w_0, x_0, and the logarithms of tau_c / eta, tau_f / eta, the cut over a typical read, and the classes; and
steps of each after which the objective changes by comparable amounts."""


@dataclass(frozen=True)
class _Way:
    """A way to narrow a key down: where its search begins, its numbers at a point, and what it leaves open."""

    name: str
    most_levels: Callable[[Target], int]
    start: Callable[[Target, int], list[float]]
    scales: Callable[[int], list[float]]
    numbers: Callable[[Target, FloatArray], StripNumbers | None]
    left: Callable[..., tuple[float, StripNumbers]]


def _last_width(target: Target) -> float:
    """The width of cells at which a strip crosses a cell."""
    return float(0.007 * max(1000 * float(target.eta), 1.0) ** 0.4)


def _narrowing(last: float, count: int) -> list[float]:
    """Widths from 0.6 down to the last, in equal ratios."""
    return [0.6 * (last / 0.6) ** ((k + 1) / count) for k in range(count)]


def _logs(numbers: list[float]) -> list[float]:
    return [float(np.log(x)) for x in numbers]


def _common(target: Target, point: FloatArray, radius: float, levels: list[tuple[float, ...]]) -> StripNumbers | None:
    """The numbers at a point of the search, or None outside the theorem's ranges."""
    c_0, x_0 = float(point[0]), float(point[2])
    w_0, tau_c, tau_f, reach, classes = (float(np.exp(point[k])) for k in (1, 3, 4, 5, 6))
    eta = float(target.eta)
    if not (0 < c_0 < 1 - w_0 and 0 < x_0 < 1 and 0 < radius < 0.5 and eta * (2 + tau_c) < 1):
        return None
    cut = reach * float(target.multiplier) * np.sqrt((1 - x_0**2) * (1 - c_0**2)) * radius / np.sqrt(target.d - 2)
    places = (c_0, w_0, x_0, eta * tau_c, eta * tau_f, 0.0, radius, float(cut), 0.0, 0.0)
    return StripNumbers(*places, classes=classes, levels=tuple(levels))


def _cells_start(target: Target, count: int) -> list[float]:
    widths = _narrowing(_last_width(target), count)
    gains = [9.0, *(min(50.0, 2.5 / width) for width in widths[:-1])]
    return [*COMMON_START, *_logs([1.2, *(x for level in zip(gains, widths, strict=True) for x in level)])]


def _cells_numbers(target: Target, point: FloatArray) -> StripNumbers | None:
    """Beside the common ones: the radius over that of a typical point of the last cell, and Gamma and w of levels."""
    spread, *pairs = (float(np.exp(x)) for x in point[len(COMMON_START) :])
    levels: list[tuple[float, ...]] = []
    for gain, width in zip(pairs[::2], pairs[1::2], strict=True):
        most = 1.999999 * float(np.log(target.n_own)) / levels[-1][1] if levels else gain
        levels.append((min(gain, most), width))
    return _common(target, point, spread * levels[-1][1] * float(np.sqrt((target.d - 1) / 12)), levels)


def _cells_left(bits: StripBits, numbers: StripNumbers, *, search: bool) -> tuple[float, StripNumbers]:
    farthest, outside, theta = bits.last_cell(numbers, search=search)
    across, a = bits.across(numbers, numbers.radius, farthest, outside, search=search)
    return (bits.target.d - 1) * bits.cells(numbers) + across, replace(numbers, a=a, theta=theta)


def _noise_start(target: Target, count: int) -> list[float]:
    spreads = _narrowing(0.2 * _last_width(target) * float(np.sqrt(target.d - 1)), count)
    later = [x for spread in spreads[1:] for x in (0.66, float(np.log(2.8)), float(np.log(spread)))]
    return [*COMMON_START, *_logs([9.0, 2.8, spreads[0]]), *later]


def _noise_numbers(target: Target, point: FloatArray) -> StripNumbers | None:
    """Beside the common ones, for each level: ln Gamma_1 or x_j, ln of the edge over the noise in a direction, ln s."""
    levels: list[tuple[float, ...]] = []
    radius, root = 1.0, float(np.sqrt(target.d - 1))
    rest = point[len(COMMON_START) :]
    for k, (steepness, edge, spread) in enumerate(zip(rest[::3], rest[1::3], rest[2::3], strict=True)):
        s = float(np.exp(spread))
        reach = radius + s if k else 0.0
        if reach >= 1 or (k and not 0 < steepness < 1):
            return None
        levels.append((float(steepness if k else np.exp(steepness)), float(np.exp(edge)) * s / root, s, 0.0))
        radius = s / float(np.sqrt(1 - reach**2))
    found = _common(target, point, radius, levels)
    return None if found is None else replace(found, radius=0.0)


CELLS = _Way(
    "cells",
    lambda target: 3 if target.n_own > 1 else 1,
    _cells_start,
    lambda count: [*COMMON_SCALES, 0.05, *((0.25, 0.25) * count)],
    _cells_numbers,
    _cells_left,
)
NOISE = _Way(
    "noise",
    lambda _: 2,
    _noise_start,
    lambda count: [*COMMON_SCALES, 0.25, 0.1, 0.25, *((0.02, 0.1, 0.25) * (count - 1))],
    _noise_numbers,
    noise_left,
)


def _found(target: Target, way: _Way, count: int) -> StripNumbers | None:
    """The best numbers with this many levels near the start, tau_v included, or None if the start is hopeless."""
    bits, scales = StripBits(target, COARSE), np.array(way.scales(count))

    def left(place: FloatArray) -> float:
        numbers = way.numbers(target, place * scales) if np.abs(place * scales).max() < 30 else None
        if numbers is None:
            return HOPELESS
        total = way.left(bits, numbers, search=True)[0] - bits.known(numbers)
        return total if np.isfinite(total) else HOPELESS

    begin = np.array(way.start(target, count)) / scales
    # Its steps multiply matrices of a few rows, for which threads of BLAS wait longer than they work.
    with np.errstate(all="ignore"), threadpool_limits(1, user_api="blas"):
        place = minimize(left, begin, method="L-BFGS-B", options={"maxiter": 80, "eps": 1e-4, "ftol": 1e-6}).x
        numbers = way.numbers(target, place * scales)
        if numbers is None or left(place) == HOPELESS:
            return None
        numbers = replace(numbers, classes=max(1, round(numbers.classes)))
        shares = [float(share * target.eta) for share in SHARES_OF_ETA]
        numbers = way.left(StripBits(target, FINE), numbers, search=True)[1]
        return replace(numbers, tau_v=max(shares, key=bits.value))


def _best(target: Target, way: _Way) -> Design | None:
    """The best design with one way of narrowing; more levels are tried as long as they help."""
    if not 0 < 4 * target.eta < 1 or target.d < 4:
        return None
    best: Design | None = None
    for count in range(1, 1 + way.most_levels(target)):
        numbers = _found(target, way, count)
        if numbers is None:
            continue
        payload = _written(way, numbers)
        bits, rounded = StripBits(target, FINE), _rounded(payload)
        token = bits.known(rounded) - way.left(bits, rounded, search=False)[0]
        if not target.n_tokens * token > bits_of(best):
            break
        best = Design(target.n_tokens * token, payload)
    return best


def strips_design(target: Target) -> Design:
    """The design of Theorem G with the better way to narrow keys down."""
    if not 0 < 4 * target.eta < 1 or target.d < 4:
        raise NoInstance("it speaks of keys in R^d with d >= 4 and of an eta in (0, 1/4)", "the nearest eta is inside")
    noise = strips_noise_design(target)
    if noise is not None and target.eta <= CELLS_FROM:
        return noise
    best = max((noise, strips_cells_design(target)), key=bits_of)
    if best is None:
        raise NoInstance("reads of random keys leave more open than they tell", NEARER)
    return best


def strips_noise_design(target: Target) -> Design | None:
    """The design of Theorem G with keys narrowed down by noise, or None."""
    return _best(target, NOISE)


def strips_cells_design(target: Target) -> Design | None:
    """The design of Theorem G with keys narrowed down by cells, or None."""
    return _best(target, CELLS)


def _written(way: _Way, numbers: StripNumbers) -> dict[str, Any]:
    def rational(x: float) -> str:
        return str(Fraction(f"{x:.{DIGITS}g}"))

    plain = {name: rational(getattr(numbers, name)) for name in NUMBERS}
    levels = [[rational(x) for x in level] for level in numbers.levels]
    head = {"precision": STRIP_PRECISION_BITS, "narrowing": way.name, "levels": levels}
    return {**head, "classes": int(numbers.classes), **plain}


def _rounded(payload: dict[str, Any]) -> StripNumbers:
    """The numbers that a payload holds, as floats."""
    numbers = {name: float(Fraction(payload[name])) for name in NUMBERS}
    levels = tuple(tuple(float(Fraction(x)) for x in level) for level in payload["levels"])
    return StripNumbers(classes=payload["classes"], levels=levels, **numbers)
