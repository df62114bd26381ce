"""Designs of Theorem G: the numbers of the reads by which Bob learns a key and its values, chosen in floating point.

The symbols are those of the kernel's rule `strip_reads`. `_Grid.FINE` has the steps of the kernel, so that the bits of
a design are those which the kernel proves; the search runs on coarser steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import betainc, erfi, gammaln

from lowerbound.certify.design.target import Design, FloatArray, Target, bits_of

STRIP_PRECISION_BITS = 80
DIGITS = 7
"""Significant digits of the rationals of a payload."""
REACH = 30
LOWEST_HEIGHT = 0.05
MOST_LEVELS = 3
HOPELESS = 1e6
"""The objective outside the theorem's ranges; it is minimised, in bits of one token."""
NUMBERS = ("c_0", "w_0", "x_0", "tau_c", "tau_f", "tau_v", "radius", "cut", "a", "theta")
SHARES_OF_ETA = tuple(Fraction(1, 10**k) for k in range(3, 11))
"""The values of tau_v / eta that are tried."""
THETAS = np.exp(np.linspace(np.log(0.5), np.log(60.0), 60))
"""The values of theta that are tried."""
WEIGHTS = (1.0, 1e7)
"""Ends of the interval in which a is searched."""
BISECTIONS = 20


@dataclass(frozen=True)
class _Grid:
    """Steps of the mean weight of other keys, of the mean list of cells, and of the integral over radii."""

    weights: int
    offsets: int
    shells: int


FINE, COARSE = _Grid(240, 400, 900), _Grid(240, 48, 100)


@dataclass(frozen=True)
class _Reads:
    """The numbers of a payload as floats; a level is a pair (Gamma, w)."""

    c_0: float
    w_0: float
    x_0: float
    tau_c: float
    tau_f: float
    tau_v: float
    radius: float
    cut: float
    a: float
    theta: float
    classes: float
    levels: tuple[tuple[float, float], ...]


def _tail(heights: FloatArray | float, d: int) -> FloatArray:
    """P(x > t) for a coordinate x of a uniform unit vector of R^d."""
    heights = np.asarray(heights, float)
    half = 0.5 * betainc((d - 1) / 2, 0.5, np.maximum(0.0, 1 - heights * heights))
    return np.asarray(np.where(heights >= 0, half, 1 - half))


def _log2_sphere(n: int) -> float:
    return float((np.log(2) + n / 2 * np.log(np.pi) - gammaln(n / 2)) / np.log(2))


def _entropy(p: float) -> float:
    """The binary entropy at a rate below 1/2; infinite from 1/2 on, where the theorem says nothing."""
    return float(-p * np.log2(p) - (1 - p) * np.log2(1 - p)) if p < 0.5 else np.inf


def _logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _logit(t: Any) -> Any:
    return np.log(t / (1 - t))


def _growth(theta: Any) -> Any:
    """ln E exp(theta u^2), u uniform on [0, 1]."""
    return np.log(np.sqrt(np.pi / theta) / 2 * erfi(np.sqrt(theta)))


def _mean_weight(top: float, d: int, lam: float, steps: int) -> float:
    """The kernel's bound on E min(exp(lambda (x - top)), 1), x a coordinate of a uniform unit vector."""
    if top - REACH / lam <= -0.9:
        return 1.0
    down = REACH / lam * np.linspace(0, 1, steps + 1)
    tails, weights = _tail(top - down, d), np.exp(-lam * down)
    return float(tails[0] + (np.diff(tails) * weights[:-1]).sum() + weights[-1])


@lru_cache(maxsize=16)
def _weight_table(d: int, lam: float) -> tuple[FloatArray, FloatArray]:
    """Heights, and the logarithm of the mean weight at each."""
    heights = np.linspace(LOWEST_HEIGHT, 1, 200)
    return heights, np.log([_mean_weight(float(top), d, lam, COARSE.weights) for top in heights])


@lru_cache(maxsize=16)
def _shares(d: int, steps: int) -> FloatArray:
    """The probability that |omega_1| falls in each step of [0, 1]."""
    return np.diff(1 - 2 * _tail(np.linspace(0, 1, steps + 1), d - 1))


@dataclass(frozen=True)
class _Shells:
    """The integral over radii of the kernel's `shells`: the log of each step, and the tail that `a` multiplies."""

    logs: FloatArray
    tails: FloatArray

    @classmethod
    def up_to(cls, end: float, m: int, steps: int) -> _Shells:
        """Steps from radius 1, inside of which the tail is 0, to `end`."""
        marks = np.log(end) * np.arange(steps + 1) / steps
        pieces = m * marks[1:] + np.log(-np.expm1(-m * np.diff(marks))) - np.log(m)
        tails = 2 * _tail(np.minimum(1.0, np.exp(-marks[:-1])), m)
        return cls(np.array([-np.log(m), *pieces]), np.array([0.0, *tails]))

    def log_integral(self, a: float) -> float:
        """Its natural logarithm at one a."""
        powers = self.logs - a * self.tails
        peak = powers.max()
        return float(peak + np.log(np.exp(powers - peak).sum()))

    def best_weight(self, rate: float) -> float:
        """The a that minimises the logarithm of the integral + a rate, by bisection: that is convex, with bends."""
        low, high = WEIGHTS
        for _ in range(BISECTIONS):
            a = float(np.sqrt(low * high))
            powers = self.logs - a * self.tails
            shares = np.exp(powers - powers.max())
            if shares @ self.tails > rate * shares.sum():
                low = a
            else:
                high = a
        return float(np.sqrt(low * high))


@dataclass(frozen=True)
class _Token:
    """What the reads of one token tell, by the formulas of docs/strips.md."""

    target: Target
    grid: _Grid

    @property
    def lam(self) -> float:
        return float(self.target.multiplier)

    def wrong(self, height: float, tau: float) -> float:
        """The rate at which an answer misleads."""
        top = height + np.log(tau) / self.lam
        if self.grid is FINE:
            mean = _mean_weight(top, self.target.d, self.lam, FINE.weights)
        else:
            mean = float(np.exp(np.interp(top, *_weight_table(self.target.d, self.lam))))
        return float(self.target.delta) + (self.target.n_tokens - 1) * mean

    def axis(self, c_0: float, w_0: float, tau_c: float) -> float:
        """I_0 in bits."""
        rate = self.wrong(c_0 + w_0 / 2, tau_c)
        bends = 2 * np.log2(np.cosh(self.lam * w_0 / 4 * np.arange(33) / 32))
        bend = (bends.sum() - bends[-1] / 2) / 32
        left = _entropy(rate) + (1 - rate) * np.log2(2 * float(self.target.eta) + tau_c)
        return float(np.log2(w_0) - left + np.log2(self.lam / 4) - bend)

    def cells(self, reads: _Reads) -> float:
        """The sum of cost_j in bits; infinite where a slope or a height is out of reach."""
        total, parent, steps = 0.0, 2.0, self.grid.offsets
        error, ends = 2 * float(self.target.eta) + reads.tau_c, np.arange(1, steps + 1) / steps
        for index, (gain, width) in enumerate(reads.levels):
            slope = gain / (self.lam * np.sqrt(1 - (reads.c_0 + reads.w_0) ** 2))
            if slope >= 1 or width >= parent or (index and gain * parent / 2 >= np.log(self.target.n_own)):
                return np.inf
            rate = self.wrong(reads.c_0 * np.sqrt(1 - slope**2), reads.tau_c)
            offsets = ends * parent / 2
            top = np.minimum(_logistic(gain * offsets) + error, 1 - 1e-15)
            lists = np.log2(1 + np.minimum(_logit(top) / gain - offsets, parent) / width)
            shares = _shares(self.target.d, steps) if not index else np.full(steps, 1 / steps)
            total += _entropy(rate) + rate * np.log2(parent / width + 2) + (shares * lists).sum()
            parent = width
        return float(total)

    def across(self, reads: _Reads, *, search: bool) -> tuple[float, _Reads]:
        """What is left open in the last cell, in bits, and the reads with the best a and theta if they are searched."""
        d, width, radius = self.target.d, reads.levels[-1][1], reads.radius
        m, diagonal = d - 2, (d - 1) * width**2 / 4
        longest, shortest = np.sqrt(1 - reads.c_0**2), np.sqrt(1 - (reads.c_0 + reads.w_0) ** 2)
        steep = self.lam * np.sqrt(1 - reads.x_0**2)
        bend = reads.x_0 * longest**2 * (1 - np.sqrt(1 - radius**2))
        blur = self.lam * bend / (2 * reads.classes)
        low = _logistic(reads.cut) - 2 * float(self.target.eta) - reads.tau_f
        beyond = (reads.cut - blur) / (steep * longest * radius)
        if diagonal >= 0.25 or low <= 0.5 or beyond <= 0:
            return np.inf, reads
        thetas = THETAS if search else np.array([reads.theta])
        exponents = (d - 1) * _growth(thetas) - 4 * thetas * (radius / width) ** 2
        least = int(np.argmin(exponents))
        outside = float(np.exp(exponents[least]))
        rate = self.wrong(reads.x_0 - bend, reads.tau_f) + (2 * float(_tail(beyond, m)) if beyond < 1 else 0.0)
        strip = (reads.cut - _logit(low)) / 2 + blur
        scale = m * (np.log2(strip / steep) - np.log2(longest * shortest) / 2) + _log2_sphere(m)
        end = steep * longest * radius / strip
        if end <= 1 or outside >= 0.5:
            return np.inf, reads
        shells = _Shells.up_to(float(end), m, self.grid.shells)
        a = shells.best_weight(rate) if search else reads.a
        volume = scale + shells.log_integral(a) / np.log(2)
        left = volume + a * rate / np.log(2) + outside * abs(volume) + _entropy(outside)
        left += np.log2(reads.classes) - np.log2(1 - diagonal) / 2
        return float(left), replace(reads, a=a, theta=float(thetas[least]))

    def value(self, tau_v: float) -> float:
        """V in bits."""
        rate = self.wrong(1.0, tau_v / 2)
        return float(-(1 - rate) * np.log2(2 * float(self.target.eta) + 2 * tau_v) - _entropy(rate))

    def bits(self, reads: _Reads) -> float:
        """The bits of one token."""
        return self.known(reads) + (self.target.d - 1) * self.value(reads.tau_v) - self.across(reads, search=False)[0]

    def known(self, reads: _Reads) -> float:
        """What the reads of the axis and of the cells tell, in bits."""
        n = self.target.d - 1
        return self.axis(reads.c_0, reads.w_0, reads.tau_c) + _log2_sphere(n) - n * self.cells(reads)


SCALES = (0.02, 0.3, 0.02, 0.5, 0.5, 0.05, 0.1, 0.5)
LEVEL_SCALES = (0.25, 0.25)
"""The step of each coordinate of the search, after which the objective changes by comparable amounts."""


def _start(eta: float, count: int) -> list[float]:
    """Where the search begins: widths from 0.6 down to the one at which a strip crosses the last cell."""
    last = 0.007 * max(1000 * eta, 1.0) ** 0.4
    widths = [0.6 * (last / 0.6) ** ((k + 1) / count) for k in range(count)]
    gains = [9.0, *(min(50.0, 2.5 / width) for width in widths[:-1])]
    levels = [float(np.log(x)) for level in zip(gains, widths, strict=True) for x in level]
    return [0.65, np.log(0.018), 0.66, -2.5, -4.0, np.log(1.2), np.log(3.2), np.log(9.0), *levels]


def _reads(target: Target, point: FloatArray) -> _Reads | None:
    """The reads at a point of the search, or None outside the theorem's ranges.

    The coordinates are c_0, ln w_0, x_0, and the logarithms of tau_c / eta, tau_f / eta, the radius over that of a
    typical point of the last cell, the cut over a typical read, the classes, and each level's gain and width.
    """
    c_0, log_w_0, x_0, *logs = point
    if not (0 < c_0 < 1 and 0 < x_0 < 1 and max(map(abs, (log_w_0, *logs))) < 30):
        return None
    eta, n, w_0 = float(target.eta), target.d - 1, float(np.exp(log_w_0))
    tau_c, tau_f, spread, reach, classes, *pairs = (float(np.exp(x)) for x in logs)
    levels: list[tuple[float, float]] = []
    for gain, width in zip(pairs[::2], pairs[1::2], strict=True):
        most = 1.999999 * np.log(target.n_own) / levels[-1][1] if levels else gain
        levels.append((min(gain, most), width))
    radius = spread * levels[-1][1] * np.sqrt(n / 12)
    if c_0 + w_0 >= 1 or radius >= 0.5 or eta * (2 + tau_c) >= 1:
        return None
    cut = reach * float(target.multiplier) * np.sqrt((1 - x_0**2) * (1 - c_0**2)) * radius / np.sqrt(n - 1)
    places = (float(c_0), w_0, float(x_0), eta * tau_c, eta * tau_f)
    return _Reads(*places, 0.0, float(radius), float(cut), 0.0, 0.0, classes, tuple(levels))


def _found(target: Target, count: int) -> _Reads | None:
    """The best reads with this many levels near the start, tau_v included, or None if the start is hopeless."""
    token = _Token(target, COARSE)
    scales = np.array([*SCALES, *(LEVEL_SCALES * count)])

    def left(place: FloatArray) -> float:
        reads = _reads(target, place * scales)
        if reads is None:
            return HOPELESS
        total = token.across(reads, search=True)[0] - token.known(reads)
        return total if np.isfinite(total) else HOPELESS

    begin = np.array(_start(float(target.eta), count)) / scales
    with np.errstate(all="ignore"):
        place = minimize(left, begin, method="L-BFGS-B", options={"maxiter": 80, "eps": 1e-4, "ftol": 1e-8}).x
        reads = _reads(target, place * scales)
        if reads is None or left(place) == HOPELESS:
            return None
        reads = replace(reads, classes=max(1, round(reads.classes)))
        shares = [float(share * target.eta) for share in SHARES_OF_ETA]
        return replace(_Token(target, FINE).across(reads, search=True)[1], tau_v=max(shares, key=token.value))


def strips_design(target: Target) -> Design | None:
    """The design of Theorem G, or None where no start of the search is within its ranges."""
    if not 0 < 4 * target.eta < 1 or target.d < 4:
        return None
    best: Design | None = None
    for count in range(1, 1 + (MOST_LEVELS if target.n_own > 1 else 1)):
        reads = _found(target, count)
        if reads is None:
            continue
        payload = _written(reads)
        bits = target.n_tokens * _Token(target, FINE).bits(_rounded(payload))
        if not bits > bits_of(best):
            break
        best = Design(bits, payload)
    return best


def _written(reads: _Reads) -> dict[str, Any]:
    def rational(x: float) -> str:
        return str(Fraction(f"{x:.{DIGITS}g}"))

    numbers = {name: rational(getattr(reads, name)) for name in NUMBERS}
    levels = [[rational(gain), rational(width)] for gain, width in reads.levels]
    return {"precision": STRIP_PRECISION_BITS, "levels": levels, "classes": int(reads.classes), **numbers}


def _rounded(payload: dict[str, Any]) -> _Reads:
    """The numbers that a payload holds, as floats."""
    numbers = {name: float(Fraction(payload[name])) for name in NUMBERS}
    levels = tuple((float(Fraction(gain)), float(Fraction(width))) for gain, width in payload["levels"])
    return _Reads(classes=payload["classes"], levels=levels, **numbers)
