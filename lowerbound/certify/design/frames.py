"""Designs of floors from frames (Theorems F and F'): the addresses, the alphabet, the tilt and the leak.

The symbols are those of the kernel's rule `frames`. A search in floats chooses phi, tau, z and the levels; c_0 is then
the largest that leaves enough words short enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import minimize

from lowerbound.certify.design.frame_addresses import address_sets, described
from lowerbound.certify.design.letters import LetterSet, blocks_of_levels, even_grid, spacing_of_runs
from lowerbound.certify.design.meetings import Meetings
from lowerbound.certify.design.target import (
    MOST_LEVELS,
    PRECISION_BITS,
    Design,
    FloatArray,
    NoInstance,
    Target,
    fano_bits,
)
from lowerbound.kernel.rules.alphabet import MOST_DIGITS, MOST_LETTERS

LOWEST_C0 = 0.05
FAILED = 1e9
MARGIN = 1e-9
START = (0.83, math.log(0.155), math.log(1.8))
"""phi, ln(tau / eta) and ln z near the best of most heads."""
NEARER = "smaller errors, fewer tokens and larger logits are nearer to one that does"
STEPS = (-0.05, 0.4, 0.4)
LETTERS = 2.3
"""Times 1 / eta: about the number of letters of the best alphabet at delta = 0."""
TILTS = (0.7, 0.83, 0.96, 1.1)
FINALISTS = 2
"""How many numbers of digits are searched in full, after a coarse look at all."""


def frames_design(target: Target) -> Design:
    """The design of Theorem F, which needs addresses and open reads."""
    return _design(target, by_classes=False)


def frames_by_classes_design(target: Target) -> Design:
    """The design of Theorem F': as F, but the kernel counts how the frames of the tokens meet."""
    return _design(target, by_classes=True)


def _design(target: Target, *, by_classes: bool) -> Design:
    if target.d < 3 or not 0 <= target.eta < Fraction(1, 2):
        raise NoInstance("it speaks of keys in R^d with d >= 3 and of an eta below 1/2", "the nearest eta is smaller")
    if math.log(target.n_own) >= float(target.multiplier):
        most = math.ceil(math.exp(float(target.multiplier))) - 1
        raise NoInstance(
            f"{target.n_own:,} own tokens weigh more than a reference can be lowered",
            f"at most {most:,} own tokens, and larger logits, are nearer to one that does",
        )
    offered = [
        _Search(target, Meetings(each, target.n_tokens, target.d - 1), by_classes=by_classes)
        for each in address_sets(target.n_tokens, target.d - 1)
    ]
    if not offered:
        raise NoInstance(f"no binary code has {target.n_tokens:,} addresses in R^{target.d - 1}")
    best = max(offered, key=lambda search: search.bits_at_start()).best()
    if best is None:
        raise NoInstance(
            "no tilt shows two letters of a word, or two levels of a value, beside the other tokens", NEARER
        )
    return best


class _Search:
    """The search for one target with one set of addresses."""

    def __init__(self, target: Target, meetings: Meetings, *, by_classes: bool) -> None:
        self.target, self.meetings, self.by_classes = target, meetings, by_classes
        self.n, self.d, self.p = target.n_tokens, target.d, target.d - 2
        self.lam, self.eta, self.delta = float(target.multiplier), float(target.eta), float(target.delta)
        self.spread = 4 * math.atanh(2 * self.eta)
        self.unit = max(self.eta, 2.0**-19)
        self.value_levels, self.value_tau = _values(target)

    def _letters(self, levels: float, digits: int, phi: float, tau: float) -> LetterSet | None:
        """The alphabet with the closest letters, or None if no letters are apart."""
        slope, apart, sure = self.lam * math.sin(phi), self._apart(tau), self._sure(tau)
        if digits and self.by_classes:
            return blocks_of_levels(int(levels), digits, sure, apart, slope)
        spacing = spacing_of_runs(levels, sure, apart) if digits else apart
        return None if spacing is None else even_grid(levels * 2**digits, spacing / slope)

    def _apart(self, tau: float) -> float:
        """Slightly over s + ln(1 + tau), the logits between two letters that a threshold tells apart."""
        return (self.spread + math.log1p(tau)) * (1 + MARGIN)

    def _sure(self, tau: float) -> float:
        """Slightly over 2 eta + tau / 4, the difference of outputs between two levels that one read tells apart."""
        return (2 * self.eta + tau / 4) * (1 + MARGIN)

    def _shut(self, cosine: float, sine: float, height: float, c_0: float, alphabet: LetterSet) -> float:
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

    def _bits(
        self,
        alphabet: LetterSet | None,
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

    def _rest(self, alphabet: LetterSet, z: float) -> float:
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
            letters |= {"kappa": str(_above(self._sure(float(tau)))), "gap": str(_above(self._apart(float(tau))))}
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
