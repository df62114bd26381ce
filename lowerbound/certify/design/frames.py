"""Designs of floors from frames (Theorems F and F'): the addresses, the alphabet, the tilt and the leak.

The symbols are those of the kernel's rule `frames`. A search in floats chooses phi, tau, z and the levels; c_0 is then
the largest that leaves enough words short enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import minimize

from lowerbound.certify.design.frame_addresses import address_sets, described
from lowerbound.certify.design.target import (
    MOST_LEVELS,
    PRECISION_BITS,
    Design,
    FloatArray,
    Target,
    fano_bits,
)
from lowerbound.kernel.rules.addresses import AddressCode
from lowerbound.kernel.rules.alphabet import MOST_DIGITS, MOST_LETTERS

LOWEST_C0 = 0.05
FAILED = 1e9
ROUNDS = 3
START = (0.83, math.log(0.155), math.log(1.8))
"""phi, ln(tau / eta) and ln z near the best of most heads."""
STEPS = (-0.05, 0.4, 0.4)
LETTERS = 2.3
"""Times 1 / eta: about the number of letters of the best alphabet at delta = 0."""
TILTS = (0.7, 0.83, 0.96, 1.1)
FINALISTS = 2
"""How many numbers of digits are searched in full, after a coarse look at all."""


@dataclass(frozen=True)
class _Alphabet:
    """An alphabet as in the kernel: least and largest positive letter, mean and variance of the squares, growth."""

    low: float
    top: float
    second: float
    variance: float
    growth: float


class _Meetings:
    """How often the frames of two addresses meet in each way: arrays with an entry for each class."""

    def __init__(self, addresses: AddressCode, n: int, width: int) -> None:
        self.addresses = addresses
        counted = addresses.classes(width)
        table = np.array([(*key, count) for key, count in counted.items() if count], float)
        self.weight = table[:, 5] / (n * (width - 1))
        self.g = table[:, 0] / addresses.length
        entry, other, first, last = table[:, 1:5].T / math.sqrt(addresses.length)
        own, his = entry / (1 - first), other / (1 - last)
        self.across, self.back = other + own * (last - self.g), entry + his * (first - self.g)
        self.both = 1 - his * other - own * entry + own * his * (1 - first - last + self.g)
        self.between, self.beside = max(0.0, self.g.max()), np.abs(self.across).max()

    def shut(self, cosine: float, sine: float, height: float, c_0: float, growth: float, multiplier: float) -> float:
        """The mean of the Chernoff bounds on the weight of the other tokens, without the factor 1 + 1/z."""
        along = cosine * self.g + sine * self.across
        edge = np.abs(cosine * self.back + sine * self.both) * growth
        curve = growth**2 / 3 * np.maximum(0.0, 1 - along**2 - (edge / growth) ** 2)
        drop = height - c_0 * along
        t = np.clip(drop / np.maximum(curve + edge**2 / 3, 1e-12), 1e-9, multiplier)
        for _ in range(ROUNDS):
            u = np.maximum(t * edge, 1.0)
            coth = 1 / np.tanh(u)
            step = t * curve + edge * (coth - 1 / u) - drop
            step /= np.maximum(curve + edge**2 * (1 / u**2 - coth**2 + 1), 1e-12)
            t = np.where(t * edge < 1, t, np.clip(t - step, 1e-9, multiplier))
        u = np.maximum(t * edge, 1.0)
        mean = np.where(t * edge < 1, (t * edge) ** 2 / 6, u + np.log1p(-np.exp(-2 * u)) - np.log(2 * u))
        exponent = np.where(drop > 0, t * t * curve / 2 - t * drop + mean, 0.0)
        return float((self.weight * np.exp(np.minimum(exponent, 0.0))).sum())


def frames_design(target: Target) -> Design | None:
    """The design of Theorem F, or None where it has no addresses or its reads fail."""
    return _design(target, by_classes=False)


def frames_by_classes_design(target: Target) -> Design | None:
    """The design of Theorem F', or None: as F, but the kernel counts how the frames of the tokens meet."""
    return _design(target, by_classes=True)


def _design(target: Target, *, by_classes: bool) -> Design | None:
    if target.d < 3 or not 0 <= target.eta < Fraction(1, 2) or math.log(target.n_own) >= float(target.multiplier):
        return None
    offered = [
        _Search(target, _Meetings(each, target.n_tokens, target.d - 1), by_classes=by_classes)
        for each in address_sets(target.n_tokens, target.d - 1)
    ]
    best = max(offered, key=lambda search: search.bits_at_start(), default=None)
    return None if best is None else best.best()


class _Search:
    """The search for one target with one set of addresses."""

    def __init__(self, target: Target, meetings: _Meetings, *, by_classes: bool) -> None:
        self.target, self.meetings, self.by_classes = target, meetings, by_classes
        self.n, self.d, self.p = target.n_tokens, target.d, target.d - 2
        self.lam, self.eta, self.delta = float(target.multiplier), float(target.eta), float(target.delta)
        self.spread = 4 * math.atanh(2 * self.eta)
        self.unit = max(self.eta, 2.0**-19)
        self.value_levels, self.value_tau = _values(target)

    def _letters(self, levels: float, digits: int, phi: float, tau: float) -> _Alphabet | None:
        """The alphabet with the closest letters, or None if no letters are apart."""
        if digits and self.by_classes:
            return self._blocks(int(levels), digits, phi, tau)
        apart = self._spacing(levels, digits, tau)
        return None if apart is None else self._grid(levels * 2**digits, apart / (self.lam * math.sin(phi)))

    def _spacing(self, levels: float, digits: int, tau: float) -> float | None:
        """The least logit between two letters of an even grid, or None if one read cannot show so many levels."""
        low = (self.spread + math.log1p(tau)) * (1 + 1e-9)
        if not digits:
            return low
        sure = (2 * self.eta + tau / 4) * (1 + 1e-9)

        def rise(g: float) -> float:
            return math.sinh(g / 2) / (math.cosh(g * (levels - 2) / 2) + math.cosh(g / 2)) - sure

        high = low
        while rise(high) < 0:
            high *= 1.05
            if high * levels > 12:
                return None
        for _ in range(40 if high > low else 0):
            middle = (low + high) / 2
            low, high = (low, middle) if rise(middle) >= 0 else (middle, high)
        return high

    def _shut(self, cosine: float, sine: float, height: float, c_0: float, alphabet: _Alphabet) -> float:
        """The bound on how often a query is shut, without the factor 1 + 1/z."""
        if self.by_classes:
            return self.meetings.shut(cosine, sine, height, c_0, alphabet.growth, self.lam)
        coherence = cosine * self.meetings.between + abs(sine) * self.meetings.beside
        drop, spread = height - c_0 * coherence, alphabet.second * (1 - coherence**2)
        if drop <= 0:
            return float(self.n)
        t = min(drop / spread, self.lam)
        if t * alphabet.second * coherence >= c_0:
            return float(self.n)
        return (self.n - 1) * math.exp(min(0.0, t * t * spread / 2 - t * drop))

    def _grid(self, letters: float, h: float) -> _Alphabet:
        second = h * h * (letters**2 - 1) / 12
        variance = h**4 * (letters**2 - 1) * max(0.0, letters**2 - 4) / 180
        return _Alphabet(h / 2, h * (letters - 1) / 2, second, variance, h * letters / 2)

    def _blocks(self, levels: int, digits: int, phi: float, tau: float) -> _Alphabet | None:
        kappa, gap = (2 * self.eta + tau / 4) * (1 + 1e-9), (self.spread + math.log1p(tau)) * (1 + 1e-9)
        if kappa * (levels - 1) >= 1:
            return None
        shown = (1 + kappa * (2 * np.arange(levels) - levels + 1)) / 2
        logits = np.log(shown / (1 - shown))
        starts = gap / 2 - logits[0] + (logits[-1] - logits[0] + gap) * np.arange(2 ** (digits - 1))
        letters = (starts[:, None] + logits).ravel() / (self.lam * math.sin(phi))
        growth = (2 * len(letters) * letters / (2 * np.arange(len(letters)) + 1)).max()
        low, top = float(letters[0]), float(letters[-1])
        squares = letters**2
        return _Alphabet(low, top, float(squares.mean()), float(squares.var()), float(growth))

    def _bits(
        self,
        alphabet: _Alphabet | None,
        phi: float,
        tau: float,
        z: float,
        digits: int,
        levels: float,
        *,
        quick: bool,
    ) -> float:
        """Bits per token, or a number that is the lower, the farther a condition is from true."""
        if alphabet is None:
            return -FAILED
        rest = self._rest(alphabet, z)
        if rest <= LOWEST_C0**2:
            return -FAILED * (1 - rest)
        c_0, density = math.sqrt(rest), 1 + 1 / z
        cosine, sine = math.cos(phi), math.sin(phi)
        x_0 = cosine * c_0 - sine * alphabet.low
        reach = self.lam * (cosine * c_0 + sine * alphabet.top) + self.spread + math.log1p(tau)
        own = 2 * self.target.n_own * math.exp(-self.lam * (1 + c_0))
        if x_0 <= 0 or reach >= self.lam + math.log(self.target.n_own) or own >= self.value_tau:
            return -FAILED
        if not self.by_classes and alphabet.top**2 >= rest:
            return -FAILED
        height = x_0 + math.log(tau) / self.lam
        plus = density * self._shut(cosine, sine, height, c_0, alphabet)
        if quick:  # the two tilts are nearly alike, and values are read without trouble
            minus, value = plus, 0.0
        else:
            minus = density * self._shut(cosine, -sine, height, c_0, alphabet)
            value = density * self._shut(1.0, 0.0, c_0 + math.log(self.value_tau / 2) / self.lam, c_0, alphabet)
        wrong = self.delta + max(plus, minus) if self.delta else plus + minus / 2
        value_wrong = self.delta + value
        if wrong >= 1 - 1 / (2 if digits else levels) or value_wrong >= 1 - 1 / self.value_levels:
            return -FAILED * (wrong + value_wrong) / (1 + wrong + value_wrong)
        payload = fano_bits(levels, wrong) + (digits * fano_bits(2, wrong) if digits else 0.0)
        values = (self.d - 1) * fano_bits(self.value_levels, value_wrong)
        return float(self.p * payload + values - math.log2(density))

    def _rest(self, alphabet: _Alphabet, z: float) -> float:
        """1 - p m_2 - sqrt(z p v), which is c_0^2."""
        return 1 - self.p * alphabet.second - math.sqrt(z * self.p * alphabet.variance)

    def _at(self, levels: float, digits: int, *, quick: bool = True) -> Callable[[FloatArray], float]:
        """Minus the bits as a function of phi, ln(tau / eta) and ln z; nearly so if `quick`."""

        def cost(point: FloatArray) -> float:
            if not (0.05 < point[0] < 1.5 and -20 < point[1] < 5 and -5 < point[2] < 9):
                return FAILED
            phi, tau, z = float(point[0]), self.unit * math.exp(float(point[1])), math.exp(float(point[2]))
            if tau >= 1:
                return FAILED
            alphabet = self._letters(levels, digits, phi, tau)
            return -self._bits(alphabet, phi, tau, z, digits, levels, quick=quick)

        return cost

    def _most_letters(self) -> float:
        return min(LETTERS / self.unit, float(MOST_LEVELS if not self.delta else MOST_LETTERS))

    def bits_at_start(self) -> float:
        """Bits at the usual parameters, with as many letters as are short enough: what sets of addresses differ in."""
        start, letters = np.array(START), self._most_letters()
        return max(-self._at(letters * share, 0)(start) for share in (1.0, 0.8, 0.6, 0.4, 0.2))

    def best(self) -> Design | None:
        """The best design that is found, or None if none forces a bit."""
        found = max(self._with_blocks() if self.delta else self._with_grid(), default=None, key=lambda one: one[0])
        if found is None or found[0] * self.n < 1:
            return None
        return self._written(*found)

    def _with_grid(self) -> Iterator[tuple[float, int, int, FloatArray]]:
        """(bits per token, levels, 0, parameters) of even grids with the best number of letters and its neighbors."""

        def cost(point: FloatArray) -> float:
            letters = math.exp(min(float(point[0]), 20.0))
            return self._at(letters, 0)(point[1:]) if 1 < letters <= MOST_LEVELS else FAILED

        most = math.log(self._most_letters())
        start = min((np.array([most - step, *START]) for step in np.arange(0, most, 0.05)), key=cost)
        point = _least(cost, start, (-0.05, *STEPS), rounds=300)
        point = _least(cost, point, (0.01, 0.02, 0.2, -0.2), rounds=200)
        nearest = 2 * round(math.exp(point[0]) / 2)
        for levels in (nearest - 2, nearest, nearest + 2):
            if 2 <= levels <= MOST_LEVELS:
                there = _least(self._at(levels, 0), point[1:], (0.01, 0.1, 0.1), rounds=160)
                yield -self._at(levels, 0, quick=False)(there), levels, 0, there

    def _with_blocks(self) -> Iterator[tuple[float, int, int, FloatArray]]:
        """(bits per token, levels, digits, parameters) of the numbers of digits that look best at the usual leak."""
        seen = [max(self._scanned(digits), default=(-FAILED, 0, 0, 0.0)) for digits in range(1, MOST_DIGITS + 1)]
        for _, levels, digits, phi in sorted(seen)[-FINALISTS:]:
            if not levels:
                continue
            point = _least(self._at(levels, digits), np.array([phi, *START[1:]]), STEPS, rounds=80)
            step = max(1, levels // 10)
            while step:
                near = [one for one in (levels - step, levels + step) if 2 <= one <= MOST_LETTERS >> digits]
                cost, there, other = min(self._tuned(one, digits, point) for one in near)
                if cost < self._at(levels, digits)(point):
                    levels, point = other, np.array(there)
                else:
                    step //= 2
            point = _least(self._at(levels, digits), point, STEPS, rounds=200)
            yield -self._at(levels, digits, quick=False)(point), levels, digits, point

    def _scanned(self, digits: int) -> Iterator[tuple[float, int, int, float]]:
        """(bits, levels, digits, phi) over a coarse grid, the other parameters being the usual ones."""
        levels, most = 2, min(4 * self._most_letters(), float(MOST_LETTERS)) / 2**digits
        while levels <= most:
            if (levels << digits) * 5 > self._most_letters():
                for phi in TILTS:
                    yield -self._at(levels, digits)(np.array([phi, *START[1:]])), levels, digits, phi
            levels = max(levels + 1, round(1.1 * levels))

    def _tuned(self, levels: int, digits: int, point: FloatArray) -> tuple[float, tuple[float, ...], int]:
        cost = self._at(levels, digits)
        start = min((point, np.array([point[0], point[1], START[2]]), np.array([point[0], *START[1:]])), key=cost)
        there = _least(cost, start, (-0.01, 0.1, 0.1), rounds=40)
        return cost(there), tuple(there), levels

    def _written(self, bits: float, levels: int, digits: int, point: FloatArray) -> Design | None:
        """The payload, rounded to the safe side of every inequality; None if no room is left for that."""
        tangent = Fraction(round(10**6 * math.tan(point[0] / 2)), 10**6)
        tau = _decimal(self.unit * math.exp(point[1]), 9)
        z = Fraction(max(1, round(1000 * math.exp(point[2]))), 1000)
        phi = 2 * math.atan(tangent)
        alphabet = self._letters(levels, digits, phi, float(tau))
        if alphabet is None or self._rest(alphabet, float(z)) <= 0:
            return None
        c_0 = Fraction(math.floor(10**8 * (math.sqrt(self._rest(alphabet, float(z))) - 1e-8)), 10**8)
        letters: dict[str, Any] = {"digits": digits} if digits else {}
        if digits and self.by_classes:
            apart = (self.spread + math.log1p(tau)) * (1 + 1e-9)
            letters |= {"kappa": str(_above((2 * self.eta + float(tau) / 4) * (1 + 1e-9))), "gap": str(_above(apart))}
        else:
            letters |= {"step": str(_above(2 * alphabet.low * (1 + 1e-12)))}
        payload = {
            "precision": PRECISION_BITS,
            "addresses": described(self.meetings.addresses),
            "c0": str(c_0),
            "tangent": str(tangent),
            "tau": str(tau),
            "value_tau": str(_decimal(self.value_tau, 6)),
            "spread": str(z),
            "value_levels": self.value_levels,
            "levels": levels,
            **letters,
        }
        return Design(bits * self.n, payload)


def _least(
    cost: Callable[[FloatArray], float], start: FloatArray, steps: tuple[float, ...], *, rounds: int
) -> FloatArray:
    simplex = np.array([start, *(start + step * axis for step, axis in zip(steps, np.eye(len(start)), strict=True))])
    options = {"maxfev": rounds, "xatol": 1e-6, "fatol": 1e-5, "initial_simplex": simplex}
    found = minimize(cost, start, method="Nelder-Mead", options=options).x
    return np.asarray(found if cost(found) < cost(start) else start)


def _values(target: Target) -> tuple[int, float]:
    """The most levels of a value that are apart, and most of the leak that they then allow."""
    eta = target.eta
    levels = MOST_LEVELS if eta * 2 * (MOST_LEVELS - 1) < 1 else math.ceil(1 / (2 * eta))
    return levels, float((Fraction(1, levels - 1) - 2 * eta) / 2) * 0.9


def _decimal(number: float, digits: int) -> Fraction:
    return Fraction(f"{number:.{digits}g}")


def _above(number: float) -> Fraction:
    """A decimal fraction slightly above a float."""
    return Fraction(math.ceil(number * 10**14), 10**14)
