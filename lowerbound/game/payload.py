"""Designs of Theorems C and C': public parameters with which Bob can read both keys and values.

The constructor of a design proves that he can, or refuses it. A design splits R^d = R^(d_a) + R^p. The key of token i
is [sqrt(1 - rho^2) a_i ; rho x_i / sqrt(spread) ; fill], with a public unit address a_i, a secret payload x_i in
[-1, 1]^(p - 1), and a last coordinate `fill` that makes the norm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from lowerbound.core.bounds import BALLS, floor_in_interval
from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.family import Keys
from lowerbound.core.reading import KINDS, Kind, Reading, key_room, key_step, reading, value_step
from lowerbound.core.scalars import ball, certainly_less, decide, floor_float, plainly, precision
from lowerbound.errors import ImpossibleReduction

READING_PRECISION_BITS = 128


@dataclass(frozen=True)
class PayloadDesign:
    """Public parameters with which every key symbol and value symbol of one head can be read.

    Contract: the constructor proves, in exact integers and Arb balls, that the addresses have one-sided coherence at
    most `coherence`, that Bob's T_N own tokens together can weigh as much as one reference token, and that neighboring
    levels of values and of payloads stay distinguishable under additive error `eta` and leakage. If one of these is
    false, it raises ImpossibleReduction, which names the inequality. All keys are unit vectors, and no logit exceeds
    `multiplier`.
    Source: Theorems C and C' (proofs/coq/Payload.v, Zoom.v), with the leakage of C divided by the reference's weight.

    Parameters
    ----------
    geometry : Geometry
        T cached tokens, T_N = tokens of the last scale, d and the attention rule.
    addresses : Keys
        One integer row per cached token, shape (T, d_a), d_a <= d - 2; the address is row / |row|.
    coherence : Fraction in [0, 1)
        mu, an upper bound on the one-sided coherence of the addresses.
    rho_squared : Fraction in (0, 1)
        The fraction of a key's squared norm that belongs to payload and fill.
    gamma : Fraction > 0
        Payload coordinate l of token i is read with the query lambda [a_i ; gamma e_l] / sqrt(1 + gamma^2).
    multiplier : Fraction > 0
        lambda, at most the cap of the attention rule.
    n_levels_values, n_levels_keys : int >= 2
        The number of levels L_V of values and L_K of payloads. Value levels are equally spaced in [0, 1]. Payload
        levels are equally spaced in the output of one read (C) or in the logit (C').
    kind : "C" or "C'"
    eta : Fraction in [0, 1/2)
        Additive error of an answer.
    failure_prob : Fraction in [0, 1/2]
        Probability that the error of an answer exceeds eta.
    spread : int >= p - 1, or 0
        0 stands for p. With p - 1, the largest payloads leave fill 0 (Payload.v).
    """

    geometry: Geometry
    addresses: Keys
    coherence: Fraction
    rho_squared: Fraction
    gamma: Fraction
    multiplier: Fraction
    n_levels_values: int
    n_levels_keys: int
    kind: Kind
    eta: Fraction
    failure_prob: Fraction = Fraction(0)
    spread: int = 0

    def __post_init__(self) -> None:
        if self.spread == 0:
            object.__setattr__(self, "spread", self.p)
        rows, cap = self.addresses.rows, self.geometry.multiplier_cap
        half = Fraction(1, 2)
        for holds, rule, got in (
            (self.kind in KINDS, f"kind is one of {KINDS}", self.kind),
            (rows.shape[0] == self.n_cached, f"one address for each of T = {self.n_cached} tokens", rows.shape[0]),
            (1 <= rows.shape[1] <= self.geometry.d - 2, f"1 <= d_a <= d - 2 = {self.geometry.d - 2}", rows.shape[1]),
            (0 <= self.coherence < 1, "0 <= mu < 1", self.coherence),
            (0 < self.rho_squared < 1, "0 < rho^2 < 1", self.rho_squared),
            (self.gamma > 0, "gamma > 0", self.gamma),
            (self.multiplier > 0 and (cap is None or self.multiplier <= cap), f"0 < lambda <= {cap}", self.multiplier),
            (self.spread >= self.p - 1, f"spread >= p - 1 = {self.p - 1}", self.spread),
            (self.n_levels_values >= 2, "L_V >= 2", self.n_levels_values),
            (self.n_levels_keys >= 2, "L_K >= 2", self.n_levels_keys),
            (0 <= self.eta < half, "0 <= eta < 1/2", self.eta),
            (0 <= self.failure_prob <= half, "0 <= delta <= 1/2", self.failure_prob),
        ):
            if not holds:
                raise ImpossibleReduction(f"a payload design must satisfy {rule}, got {got}")
        if self.addresses.coherence > self.coherence:
            raise ImpossibleReduction(
                f"addresses must have one-sided coherence at most mu = {self.coherence}, got "
                f"{float(self.addresses.coherence):.9f}; the nearest possible mu is {self.addresses.coherence}"
            )
        self.prove(Fraction(0))

    @property
    def n_cached(self) -> int:
        """T, the number of cached tokens."""
        return self.geometry.schedule.n_tokens_cached

    @property
    def n_own(self) -> int:
        """T_N, the number of Bob's own tokens, those of the last scale."""
        return self.geometry.schedule.tokens_at(self.geometry.schedule.n_scales - 1)

    @property
    def d_a(self) -> int:
        """The number of coordinates of an address."""
        return int(self.addresses.rows.shape[1])

    @property
    def p(self) -> int:
        """The number of coordinates after the address: p - 1 for the payload, and one for the fill."""
        return self.geometry.d - self.d_a

    def reading(self) -> Reading:
        """S, c, g and both leaks as balls, at Arb's current precision."""
        return reading(
            BALLS,
            self.kind,
            n_cached=self.n_cached,
            n_own=self.n_own,
            spread=self.spread,
            mu=ball(self.coherence),
            multiplier=ball(self.multiplier),
            rho_squared=ball(self.rho_squared),
            gamma=ball(self.gamma),
        )

    @cached_property
    def at_hand(self) -> Reading:
        """`reading` at 128 bits."""
        with precision(READING_PRECISION_BITS):
            return self.reading()

    def prove(self, blur: Fraction) -> None:
        """Prove that Bob decodes correctly from answers within eta + blur of exact attention.

        Contract: raises ImpossibleReduction, which names the inequality that is false.
        """
        eta = self.eta + blur
        if eta >= Fraction(1, 2):
            raise ImpossibleReduction(f"eta + rounding must be below 1/2, got {plainly(eta)}")

        def reference() -> tuple[arb, arb]:
            return ball(self.n_own).log(), self.reading().reference

        def values() -> tuple[arb, arb]:
            return (self.n_levels_values - 1) * value_step(ball(eta), self.reading().value_leak), ball(1)

        def keys() -> tuple[arb, arb]:
            found = self.reading()
            step = key_step(BALLS, self.kind, ball(eta), found.key_leak)
            return (self.n_levels_keys - 1) * step, key_room(BALLS, self.kind, found.payload)

        reach = "ln T_N < lambda sqrt(1 - rho^2) / sqrt(1 + gamma^2)"
        steps = {"C": "(L_K - 1)(2 eta + tau) < tanh(c/2)", "C'": "(L_K - 1)(4 atanh(2 eta) + ln(1 + tau)) < 2 c"}
        self._require(f"the reference in reach, {reach}", reference, blur)
        self._require("the value levels apart, (L_V - 1)(2 eta + 2 tau_v) < 1", values, blur)
        self._require(f"the key levels apart, {steps[self.kind]}", keys, blur)

    def _require(self, inequality: str, sides: Callable[[], tuple[arb, arb]], blur: Fraction) -> None:
        if not decide(lambda: certainly_less(*sides()), what=f"whether a payload design has {inequality}"):
            left, right = (float(side.mid()) for side in sides())
            raise ImpossibleReduction(
                f"a payload design must have {inequality}, got {left:.9g} against {right:.9g} "
                f"at eta {plainly(self.eta)} and rounding {float(blur):.3g}"
            )

    @property
    def most_rounds(self) -> int:
        """The largest number of reads of one payload symbol: 1 (C), or ceil(log2 L_K) (C')."""
        return 1 if self.kind == "C" else (self.n_levels_keys - 1).bit_length()

    @property
    def floor_bits(self) -> float:
        """The lower bound (floor) in bits per head, T ((d - 1) F(L_V) + (p - 1) F(L_K)), rounded down.

        F(L) is Fano's bound for a symbol of L levels at its error rate. A value symbol depends on one answer, so its
        error rate is `failure_prob`. A payload symbol depends on at most `most_rounds` answers, and it is wrong only if
        one of them is: up to the first wrong answer, Bob's queries are those that the correct symbol determines. So its
        error rate is at most `most_rounds * failure_prob`.
        """
        delta = self.failure_prob
        values = floor_in_interval(self.n_cached * (self.geometry.d - 1), self.n_levels_values, Fraction(0), delta)
        keys = floor_in_interval(
            self.n_cached * (self.p - 1), self.n_levels_keys, Fraction(0), min(Fraction(1), self.most_rounds * delta)
        )
        return floor_float(values + keys)

    def to_json(self) -> dict[str, Any]:
        """The design as plain JSON values; `from_json` is its inverse."""
        return {
            "geometry": self.geometry.to_json(),
            "addresses": {"family": self.addresses.family, "rows": self.addresses.rows.tolist()},
            "coherence": str(self.coherence),
            "rho_squared": str(self.rho_squared),
            "gamma": str(self.gamma),
            "multiplier": str(self.multiplier),
            "n_levels_values": self.n_levels_values,
            "n_levels_keys": self.n_levels_keys,
            "kind": self.kind,
            "eta": str(self.eta),
            "failure_prob": str(self.failure_prob),
            "spread": self.spread,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PayloadDesign:
        """The design that `to_json` described; its constructor proves it again."""
        rows = np.array(data["addresses"]["rows"], dtype=np.int64)
        return cls(
            geometry=Geometry.from_json(data["geometry"]),
            addresses=Keys(data["addresses"]["family"], rows),
            coherence=Fraction(data["coherence"]),
            rho_squared=Fraction(data["rho_squared"]),
            gamma=Fraction(data["gamma"]),
            multiplier=Fraction(data["multiplier"]),
            n_levels_values=data["n_levels_values"],
            n_levels_keys=data["n_levels_keys"],
            kind=data["kind"],
            eta=Fraction(data["eta"]),
            failure_prob=Fraction(data["failure_prob"]),
            spread=data["spread"],
        )
