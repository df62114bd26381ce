"""Designs of Theorem F' at delta = 0: the payload of a certificate, which the kernel's rule judges, as public numbers.

R^(d-1) holds a unit address b_i of each token and its frame: the images f_i1, f_i2, ... of e_1, e_2, ... under the
reflection that exchanges e_0 and b_i. The key of token i is c_0 b_i + y_i1 f_i1 + y_i2 f_i2 + ..., and a last
coordinate that makes the norm 1. The word y_i is Alice's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from lowerbound.core.geometry import Geometry
from lowerbound.core.scalars import ball, lower_fraction, precision, upper_fraction
from lowerbound.errors import ImpossibleReduction, Undecided
from lowerbound.kernel.codec import Rejected
from lowerbound.kernel.rules.addresses import read_addresses
from lowerbound.kernel.rules.floor import FloorClaim
from lowerbound.kernel.rules.frames import proved

FloatArray = NDArray[np.float64]

JUDGED_AT_BITS = 128


@dataclass(frozen=True)
class FramesDesign:
    """Public parameters with which almost every letter of a word and every value of a token can be read.

    Contract: the constructor has the kernel's rule for Theorem F' judge the payload on this head at error `eta`; if an
    inequality does not hold, it raises ImpossibleReduction, which names it. All keys are unit vectors.
    Source: docs/frames.md, Theorem F' at delta = 0.

    Parameters
    ----------
    geometry : Geometry
        T cached tokens, T_N = tokens of the last scale, d and the attention rule.
    payload : mapping
        The payload of a certificate of Theorem F' at delta = 0, as plain JSON.
    multiplier : Fraction > 0
        lambda, at most the cap of the attention rule.
    eta : Fraction in [0, 1/2)
        Additive error of an answer.
    """

    geometry: Geometry
    payload: Mapping[str, Any]
    multiplier: Fraction
    eta: Fraction

    def __post_init__(self) -> None:
        cap = self.geometry.multiplier_cap
        if self.multiplier <= 0 or (cap is not None and self.multiplier > cap):
            raise ImpossibleReduction(f"a frames design must satisfy 0 < lambda <= {cap}, got {self.multiplier}")
        self.prove(Fraction(0))

    def prove(self, blur: Fraction) -> Fraction:
        """Prove that Bob decodes from answers within eta + blur of exact attention; the bits that this forces.

        Contract: raises ImpossibleReduction, which names the inequality that is false or not decided.
        """
        schedule = self.geometry.schedule
        claim = FloorClaim(
            theorem="F'",
            n_tokens=schedule.n_tokens_cached,
            n_own=self.n_own,
            d=self.geometry.d,
            multiplier=self.multiplier,
            guarantee="additive",
            eta=self.eta + blur,
            delta=Fraction(0),
            bits=0,
        )
        try:
            with precision(JUDGED_AT_BITS):
                return lower_fraction(proved(claim, self.payload))
        except (Rejected, Undecided) as problem:
            raise ImpossibleReduction(f"a frames design must be one that the kernel accepts: {problem}") from None

    @property
    def n_own(self) -> int:
        """T_N, the number of Bob's own tokens, those of the last scale."""
        return self.geometry.schedule.tokens_at(self.geometry.schedule.n_scales - 1)

    @property
    def n_levels_values(self) -> int:
        """L_V, the number of levels of a value."""
        return int(self.payload["value_levels"])

    @property
    def n_letters(self) -> int:
        """L, the number of letters."""
        return int(self.payload["levels"])

    @property
    def p(self) -> int:
        """The number of letters of a word."""
        return self.geometry.d - 2

    def number(self, name: str) -> Fraction:
        """A rational number of the payload."""
        return Fraction(self.payload[name])

    @property
    def cosine(self) -> Fraction:
        """cos(phi)."""
        half = self.number("tangent")
        return (1 - half**2) / (1 + half**2)

    @property
    def sine(self) -> Fraction:
        """sin(phi)."""
        half = self.number("tangent")
        return 2 * half / (1 + half**2)

    @property
    def words_left_out_bits(self) -> Fraction:
        """An upper bound on log2 of how many times more sequences of letters there are than words."""
        with precision(JUDGED_AT_BITS):
            return upper_fraction((1 + 1 / ball(self.number("spread"))).log() / arb(2).log())

    @cached_property
    def addresses(self) -> FloatArray:
        """The unit addresses, shape (T, d - 1)."""
        n, width = self.geometry.schedule.n_tokens_cached, self.geometry.d - 1
        found = read_addresses(self.payload["addresses"], n, width)
        bits = np.array([[word >> place & 1 for place in range(found.length)] for word in found.words()])
        return np.pad((1.0 - 2.0 * bits) / np.sqrt(found.length), ((0, 0), (0, width - found.length)))

    @cached_property
    def letters(self) -> FloatArray:
        """The letters, shape (L,), increasing."""
        step, most = self.number("step"), self.n_letters - 1
        return np.array([float(step * (2 * k - most) / 2) for k in range(self.n_letters)])

    def fits(self, words: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each row of letter numbers is a word: |y|^2 <= 1 - c_0^2, exactly, in integers."""
        room = (1 - self.number("c0") ** 2) / (self.number("step") / 2) ** 2
        doubled = 2 * words - (self.n_letters - 1)
        return np.asarray((doubled * doubled).sum(axis=-1) <= int(room))

    def to_json(self) -> dict[str, Any]:
        """The design as plain JSON values; `from_json` is its inverse."""
        return {
            "geometry": self.geometry.to_json(),
            "payload": dict(self.payload),
            "multiplier": str(self.multiplier),
            "eta": str(self.eta),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FramesDesign:
        """The design that `to_json` described; its constructor has it judged again."""
        return cls(
            Geometry.from_json(data["geometry"]), data["payload"], Fraction(data["multiplier"]), Fraction(data["eta"])
        )
