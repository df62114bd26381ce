"""The reads of Theorem G: how many bits of one token they tell, and how many they leave open.

Public coins choose a frame O_i for each token, and k_i = O_i (y_i, rho_i omega_i): keys are uniform on the sphere, and
independent of the frames of other tokens. Bob reads y_i, then cells that narrow omega_i down, then strips across the
last cell, then the values. An answer misleads him if it is wrong, or if other keys weigh more than tau at its height.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from flint import arb

from lowerbound.kernel.rules.floor import FloorClaim, ball, logistic, require
from lowerbound.kernel.rules.sphere import log_ball_volume, mean_weight, tail

STEPS, REACH = 240, 30
"""Steps of the mean weight of other keys, and how many logits they go down."""
OFFSETS, SHELLS, BENDS = 400, 900, 32
"""Steps of the mean list of cells, of the integral over radii, and of the mean of ln cosh."""

Level = tuple[Fraction, Fraction]
"""Gamma and w: how many logits a unit of omega moves, and the width of the cells."""


def log2(x: arb) -> arb:
    """The logarithm in base 2."""
    return x.log() / arb(2).log()


def log2_sphere(n: int) -> arb:
    """log2 of the measure of the unit sphere of R^n."""
    return (log_ball_volume(n) + arb(n).log()) / arb(2).log()


def _entropy(rate: arb, what: str) -> arb:
    """The binary entropy at a rate that must be below 1/2, where it increases."""
    require(rate, arb(1) / 2, f"{what} < 1/2")
    return -rate * log2(rate) - (1 - rate) * log2(1 - rate)


@dataclass(frozen=True)
class StripReads:
    """The reads of one token; each method bounds, in bits, what one of them tells or leaves open."""

    floor: FloorClaim
    c_0: arb
    w_0: arb
    x_0: arb
    tau_c: arb
    tau_f: arb
    tau_v: arb
    radius: arb
    cut: arb
    a: arb
    theta: arb

    @property
    def cap(self) -> arb:
        """Lambda."""
        return ball(self.floor.multiplier)

    @property
    def eta(self) -> arb:
        """The error of an answer."""
        return ball(self.floor.eta)

    def rho(self, y: arb) -> arb:
        """The length of a key across the axis of its frame."""
        return (1 - y * y).sqrt()

    def wrong(self, height: arb, tau: arb) -> arb:
        """An upper bound on the rate at which an answer misleads: delta, and other keys that weigh more than tau."""
        mean = mean_weight(height, tau, self.floor.d, self.cap, STEPS, REACH / self.cap)
        return (ball(self.floor.delta) + (self.floor.n_tokens - 1) * mean).abs_upper()

    def axis(self) -> arb:
        """I_0, by trapezoids: ln cosh is convex."""
        require(arb(self.floor.n_own).log(), self.cap, "the reference reaches down: ln T_N < lambda")
        rate = self.wrong(self.c_0 + self.w_0 / 2, self.tau_c)
        bends = [2 * log2((self.cap * self.w_0 / 4 * k / BENDS).cosh()) for k in range(BENDS + 1)]
        bend = (sum(bends, arb(0)) - bends[-1] / 2) / BENDS
        left = _entropy(rate, "d_0") + (1 - rate) * log2(2 * self.eta + self.tau_c)
        return log2(self.w_0) - left + log2(self.cap / 4) - bend

    def cells(self, levels: list[Level]) -> arb:
        """The sum of cost_j: what the state leaves open of the cells of one coordinate of omega."""
        total, parent = arb(0), arb(2)
        for index, (gain, width) in enumerate((ball(gain), ball(width)) for gain, width in levels):
            slope = gain / (self.cap * self.rho(self.c_0 + self.w_0))
            require(slope, arb(1), "Gamma_j < lambda rho_1")
            if index:
                up = arb(self.floor.n_own).log()
                require(gain * parent / 2, up, "the reference reaches up: Gamma_j w_(j-1) / 2 < ln T_N")
            rate = self.wrong(self.c_0 * self.rho(slope), self.tau_c)
            ends = [arb(k + 1) / OFFSETS for k in range(OFFSETS)]
            lists = [log2(1 + self.interval(gain, end * parent / 2, parent) / width) for end in ends]
            inside = [1 - 2 * tail(end, self.floor.d - 1) for end in ends] if not index else ends
            shares = [high - low for low, high in pairwise([arb(0), *inside])]
            mean = sum((share * each for share, each in zip(shares, lists, strict=True)), arb(0))
            total += _entropy(rate, "d_j") + rate * log2(parent / width + 2) + mean
            parent = width
        return total

    def interval(self, gain: arb, offset: arb, most: arb) -> arb:
        """The longest interval of a coordinate in which a read leaves it, `offset` away from its reference."""
        top = logistic(gain * offset) + 2 * self.eta + self.tau_c
        if not top < 1:
            return most
        return arb(min(((top / (1 - top)).log() / gain - offset).abs_upper(), most.abs_upper()))

    def last_cell(self, width: arb) -> tuple[arb, arb]:
        """The square of the largest distance from a cell's centre, and pi: how often a key lies outside the radius."""
        n = self.floor.d - 1
        growth = (arb.pi() / self.theta).sqrt() / 2 * self.theta.sqrt().erfi()
        outside = (n * growth.log() - 4 * self.theta * (self.radius / width) ** 2).exp()
        return n * width**2 / 4, outside.abs_upper()

    def across(self, radius: arb, farthest: arb, outside: arb, classes: int) -> arb:
        """What the state leaves open of omega where Bob knows it within sqrt(farthest): strips across, and a bend.

        It lies outside the radius with probability at most `outside`.
        """
        m = self.floor.d - 2
        require(farthest, arb(1) / 4, "the last cell is small: sqrt(n) w_J < 1, or R_J < 1/2")
        longest, shortest, across = self.rho(self.c_0), self.rho(self.c_0 + self.w_0), self.rho(self.x_0)
        bend = self.x_0 * longest**2 * (1 - self.rho(radius))
        blur = self.cap * bend / (2 * classes)
        rate = self.wrong(self.x_0 - bend, self.tau_f)
        low = logistic(self.cut) - 2 * self.eta - self.tau_f
        require(arb(1) / 2, low, "the cut leaves an interval: sigma(Z) - 2 e_f > 1/2")
        strip = (self.cut - (low / (1 - low)).log()) / 2 + blur
        beyond = (self.cut - blur) / (self.cap * across * longest * radius)
        require(arb(0), beyond, "the cut is beyond the blur of a class")
        rate += arb(0) if beyond >= 1 else 2 * tail(beyond, m)
        scale = m * (log2(strip / (self.cap * across)) - (log2(longest) + log2(shortest)) / 2)
        volume = scale + log2_sphere(m) + log2(self.shells(self.cap * across * longest * radius / strip, m))
        left = volume + self.a * rate / arb(2).log() + outside * abs(volume)
        left += _entropy(outside, "pi") if outside > 0 else arb(0)
        return left + log2(arb(classes)) - log2(1 - farthest) / 2

    def shells(self, end: arb, m: int) -> arb:
        """An upper bound on the integral of s^(m-1) exp(-a P(|x| > 1/s)) over [0, end], x a coordinate on S^(m-1)."""
        require(arb(1), end, "the radius is more than half a strip")
        marks = [(end.log() * k / SHELLS).exp() for k in range(SHELLS + 1)]
        total = arb(1) / m
        for near, far in pairwise(marks):
            outside = arb(0) if near <= 1 else 2 * tail(1 / near, m)
            total += (far**m - near**m) / m * (-self.a * outside).exp()
        return total

    def value(self) -> arb:
        """V: Bob asks with the key itself, and his own tokens are at its opposite."""
        own = self.floor.n_own * (-2 * self.cap).exp()
        require(own, self.tau_v / 2, "own tokens weigh at most tau_v / 2")
        rate = self.wrong(arb(1), self.tau_v / 2)
        return -(1 - rate) * log2(2 * self.eta + 2 * self.tau_v) - _entropy(rate, "d_v")
