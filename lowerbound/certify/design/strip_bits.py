"""What the reads of Theorem G tell of one token, in floating point.

The symbols are those of the kernel's rule `strip_reads`. FINE has the steps of the kernel, so that the bits of a design
are those which the kernel proves; the search runs on coarser steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import betainc, erfi, gammaln

from lowerbound.certify.design.target import FloatArray, Target

REACH = 30
LOWEST_HEIGHT = 0.05
THETAS = np.exp(np.linspace(np.log(0.5), np.log(60.0), 60))
"""The values of theta that are tried."""
WEIGHTS = (1.0, 1e7)
"""Ends of the interval in which a is searched."""
BISECTIONS = 16


@dataclass(frozen=True)
class Steps:
    """Steps of the mean weight of other keys, of the mean list of cells, and of the integral over radii."""

    weights: int
    offsets: int
    shells: int


FINE, COARSE = Steps(240, 400, 900), Steps(240, 48, 100)


@dataclass(frozen=True)
class StripNumbers:
    """The numbers of a payload as floats; a level is (Gamma, w) if cells narrow a key down.

    If noise does, it is (Gamma or x, kappa, s, a), and radius and theta are 0.
    """

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
    levels: tuple[tuple[float, ...], ...]


def tail(heights: FloatArray | float, d: int) -> FloatArray:
    """P(x > t) for a coordinate x of a uniform unit vector of R^d."""
    heights = np.asarray(heights, float)
    half = 0.5 * betainc((d - 1) / 2, 0.5, np.maximum(0.0, 1 - heights * heights))
    return np.asarray(np.where(heights >= 0, half, 1 - half))


def log2_sphere(n: int) -> float:
    """log2 of the measure of the unit sphere of R^n."""
    return float((np.log(2) + n / 2 * np.log(np.pi) - gammaln(n / 2)) / np.log(2))


def entropy(p: float) -> float:
    """The binary entropy at a rate below 1/2; infinite from 1/2 on, where the theorem says nothing."""
    if not 0 < p < 0.5:
        return 0.0 if p == 0 else np.inf
    return float(-p * np.log2(p) - (1 - p) * np.log2(1 - p))


def logistic(x: Any) -> Any:
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


def logit(t: Any) -> Any:
    """Its inverse."""
    return np.log(t / (1 - t))


def _mean_weight(top: float, d: int, lam: float, steps: int) -> float:
    """The kernel's bound on E min(exp(lambda (x - top)), 1), x a coordinate of a uniform unit vector."""
    if top - REACH / lam <= -0.9:
        return 1.0
    down = REACH / lam * np.linspace(0, 1, steps + 1)
    tails, weights = tail(top - down, d), np.exp(-lam * down)
    return float(tails[0] + (np.diff(tails) * weights[:-1]).sum() + weights[-1])


@lru_cache(maxsize=16)
def _weight_table(d: int, lam: float) -> tuple[FloatArray, FloatArray]:
    """Heights, and the logarithm of the mean weight at each."""
    heights = np.linspace(LOWEST_HEIGHT, 1, 200)
    return heights, np.log([_mean_weight(float(top), d, lam, COARSE.weights) for top in heights])


@lru_cache(maxsize=16)
def _shares(d: int, steps: int) -> FloatArray:
    """The probability that |omega_1| falls in each step of [0, 1]."""
    return np.diff(1 - 2 * tail(np.linspace(0, 1, steps + 1), d - 1))


@dataclass(frozen=True)
class Shells:
    """The integral over radii of the kernel's `shells`: the log of each step, and the tail that `a` multiplies."""

    logs: FloatArray
    tails: FloatArray

    @classmethod
    def of_strips(cls, end: float, m: int, steps: int) -> Shells:
        """Steps from radius 1, inside of which the tail is 0, to `end`."""
        marks = np.log(end) * np.arange(steps + 1) / steps
        pieces = m * marks[1:] + np.log(-np.expm1(-m * np.diff(marks))) - np.log(m)
        tails = 2 * tail(np.minimum(1.0, np.exp(-marks[:-1])), m)
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
class StripBits:
    """What the reads of one token tell, by the formulas of docs/strips.md."""

    target: Target
    steps: Steps

    @property
    def lam(self) -> float:
        """The largest logit."""
        return float(self.target.multiplier)

    @property
    def eta(self) -> float:
        """The error of an answer."""
        return float(self.target.eta)

    def wrong(self, height: float, tau: float) -> float:
        """The rate at which an answer misleads."""
        top = height + np.log(tau) / self.lam
        if self.steps is FINE:
            mean = _mean_weight(top, self.target.d, self.lam, FINE.weights)
        else:
            mean = float(np.exp(np.interp(top, *_weight_table(self.target.d, self.lam))))
        return float(self.target.delta) + (self.target.n_tokens - 1) * mean

    def axis(self, c_0: float, w_0: float, tau_c: float) -> float:
        """I_0 in bits."""
        rate = self.wrong(c_0 + w_0 / 2, tau_c)
        bends = 2 * np.log2(np.cosh(self.lam * w_0 / 4 * np.arange(33) / 32))
        bend = (bends.sum() - bends[-1] / 2) / 32
        left = entropy(rate) + (1 - rate) * np.log2(2 * self.eta + tau_c)
        return float(np.log2(w_0) - left + np.log2(self.lam / 4) - bend)

    def cells(self, numbers: StripNumbers) -> float:
        """The sum of cost_j in bits; infinite where a slope or a height is out of reach."""
        total, parent, steps = 0.0, 2.0, self.steps.offsets
        error, ends = 2 * self.eta + numbers.tau_c, np.arange(1, steps + 1) / steps
        for index, (gain, width) in enumerate(numbers.levels):
            slope = gain / (self.lam * np.sqrt(1 - (numbers.c_0 + numbers.w_0) ** 2))
            if slope >= 1 or width >= parent or (index and gain * parent / 2 >= np.log(self.target.n_own)):
                return np.inf
            rate = self.wrong(numbers.c_0 * np.sqrt(1 - slope**2), numbers.tau_c)
            offsets = ends * parent / 2
            top = np.minimum(logistic(gain * offsets) + error, 1 - 1e-15)
            lists = np.log2(1 + np.minimum(logit(top) / gain - offsets, parent) / width)
            shares = _shares(self.target.d, steps) if not index else np.full(steps, 1 / steps)
            total += entropy(rate) + rate * np.log2(parent / width + 2) + (shares * lists).sum()
            parent = width
        return float(total)

    def last_cell(self, numbers: StripNumbers, *, search: bool) -> tuple[float, float, float]:
        """The square of the largest distance from a cell's centre, pi, and theta, the best one if it is searched."""
        n, width = self.target.d - 1, numbers.levels[-1][1]
        thetas = THETAS if search else np.array([numbers.theta])
        growths = np.log(np.sqrt(np.pi / thetas) / 2 * erfi(np.sqrt(thetas)))
        exponents = n * growths - 4 * thetas * (numbers.radius / width) ** 2
        least = int(np.argmin(exponents))
        return n * width**2 / 4, float(np.exp(exponents[least])), float(thetas[least])

    def across(
        self, numbers: StripNumbers, radius: float, farthest: float, outside: float, *, search: bool
    ) -> tuple[float, float]:
        """What is left open where Bob knows omega within sqrt(farthest), in bits, and a, the best one if searched."""
        m = self.target.d - 2
        longest, shortest = np.sqrt(1 - numbers.c_0**2), np.sqrt(1 - (numbers.c_0 + numbers.w_0) ** 2)
        steep = self.lam * np.sqrt(1 - numbers.x_0**2)
        if farthest >= 0.25 or outside >= 0.5:
            return np.inf, numbers.a
        bend = numbers.x_0 * longest**2 * (1 - np.sqrt(1 - radius**2))
        blur = self.lam * bend / (2 * numbers.classes)
        low = logistic(numbers.cut) - 2 * self.eta - numbers.tau_f
        beyond = (numbers.cut - blur) / (steep * longest * radius)
        if low <= 0.5 or beyond <= 0:
            return np.inf, numbers.a
        rate = self.wrong(numbers.x_0 - bend, numbers.tau_f) + (2 * float(tail(beyond, m)) if beyond < 1 else 0.0)
        strip = (numbers.cut - logit(low)) / 2 + blur
        scale = m * (np.log2(strip / steep) - np.log2(longest * shortest) / 2) + log2_sphere(m)
        end = steep * longest * radius / strip
        if end <= 1:
            return np.inf, numbers.a
        shells = Shells.of_strips(float(end), m, self.steps.shells)
        a = shells.best_weight(rate) if search else numbers.a
        volume = scale + shells.log_integral(a) / np.log(2)
        left = volume + a * rate / np.log(2) + outside * abs(volume) + entropy(outside)
        return float(left + np.log2(numbers.classes) - np.log2(1 - farthest) / 2), a

    def known(self, numbers: StripNumbers) -> float:
        """What is known of a token before its key is narrowed down, in bits; 0 for the values if tau_v is 0."""
        n = self.target.d - 1
        values = n * self.value(numbers.tau_v) if numbers.tau_v else 0.0
        return self.axis(numbers.c_0, numbers.w_0, numbers.tau_c) + values + log2_sphere(n)

    def value(self, tau_v: float) -> float:
        """V in bits."""
        rate = self.wrong(1.0, tau_v / 2)
        return float(-(1 - rate) * np.log2(2 * self.eta + 2 * tau_v) - entropy(rate))
