"""The logits from which the floor holds, and those up to which a proved coreset keeps fewer rows than tokens."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Any

from lowerbound.ceiling.coresets import cover_radius, sample_size
from lowerbound.certify.design.delsarte import levenshtein
from lowerbound.certify.dimension import FINE_STEPS, impossible, least_coherence, packed_keys
from lowerbound.core.bounds import MULTIPLIER
from lowerbound.core.scalars import Rational, ball, lower_fraction, precision, rational
from lowerbound.errors import invalid

LARGEST = 1000
"""The largest multiplier that is considered; a border that is not below it counts as none."""
SAMPLED_STEPS = 2**12
FINEST = 2**48


@dataclass(frozen=True)
class Phase:
    """Bounds on lambda, the largest |logit|, for T cached tokens of R^d, an additive error and a failure probability.

    `in_sight` counts the tokens that a query sees: the cached ones and those of the scale that asks.

    Contract: at every lambda >= `floor_from` a cache needs (1 - H2(delta)) T d bits. At every lambda <= `sampled_to` or
    `covered_to`, the cache `sampled` or `covered` keeps fewer than T rows, and its answers are within eta. Each is
    proved, and None where it holds at no lambda. Between these bounds neither is proved.
    """

    tokens: int
    in_sight: int
    d: int
    eta: Fraction
    delta: Fraction
    coherence: Fraction
    keys: str
    floor_from: Fraction | None
    sampled_to: Fraction | None
    covered_to: Fraction | None

    @property
    def coreset_to(self) -> Fraction | None:
        """The larger of `sampled_to` and `covered_to`; None if both are None."""
        return max((to for to in (self.sampled_to, self.covered_to) if to is not None), default=None)

    def side(self, multiplier: Fraction) -> str:
        """The side on which a multiplier lies: "forced" (the floor holds), "possible" (a coreset does it) or "open"."""
        if self.floor_from is not None and multiplier >= self.floor_from:
            return "forced"
        return "possible" if self.coreset_to is not None and multiplier <= self.coreset_to else "open"

    def rows(self, multiplier: Fraction) -> dict[str, int]:
        """The largest number of rows that each coreset may keep at this multiplier, by the name of the cache."""
        balls = balls_at_most(self.d, cover_radius(multiplier, self.eta))
        sizes = {"sampled": sample_size(multiplier, self.eta, self.delta), "covered": balls}
        return {name: min(self.tokens, size) for name, size in sizes.items()}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values: exact numbers as text, multipliers also as floats."""
        borders = {name: getattr(self, name) for name in ("floor_from", "sampled_to", "covered_to")}
        return {
            "tokens": self.tokens,
            "in_sight": self.in_sight,
            "d": self.d,
            "eta": str(self.eta),
            "delta": str(self.delta),
            "coherence": str(self.coherence),
            "keys": self.keys,
            **{name: None if at is None else float(at) for name, at in borders.items()},
        }


def phase(tokens: int, d: int, *, in_sight: int | None = None, eta: Rational, delta: Rational) -> Phase:
    """The bounds on lambda for these tokens and errors.

    Contract: as `Phase`; fewer than 2 tokens or dimensions, eta outside (0, 1/2) or delta outside (0, 1/2) raise
    InvalidArgument. The default of `in_sight` is `tokens` + 1: one token asks.
    """
    error, chance = rational(eta, name="eta"), rational(delta, name="delta")
    for name, number in (("tokens", tokens), ("d", d)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 2:
            raise invalid(name, "be an integer >= 2", number, nearest=2)
    seen = tokens + 1 if in_sight is None else in_sight
    if seen < tokens:
        raise invalid("in_sight", f"be at least the {tokens} cached tokens", seen, nearest=tokens)
    for name, share in (("eta", error), ("delta", chance)):
        if not 0 < share < Fraction(1, 2):
            raise invalid(name, "lie in (0, 1/2)", str(share))
    mu, keys = least_coherence(seen, d)
    floor_from = MULTIPLIER.at_most(seen, Fraction(1, 2) - error, mu) if mu < 1 else None
    return Phase(
        tokens,
        seen,
        d,
        error,
        chance,
        mu,
        keys,
        floor_from if floor_from is not None and floor_from < LARGEST else None,
        _sampled_to(tokens, error, chance),
        _covered_to(tokens, d, error),
    )


def balls_at_most(d: int, radius: Fraction) -> int:
    """The largest number of balls of a leader clustering of unit keys, whose centers are more than a radius apart."""
    mu = Fraction(ceil((1 - radius * radius / 2) * FINEST), FINEST)
    if mu < -1:
        return 1
    if mu >= 1:
        return packed_keys(d, 1 - radius * radius / 2)
    dual = levenshtein(d, mu)
    packed = packed_keys(d, mu)
    return packed if dual is None else min(packed, dual.most)


def _sampled_to(tokens: int, eta: Fraction, delta: Fraction) -> Fraction | None:
    low, high = -1, LARGEST * SAMPLED_STEPS
    while high - low > 1:
        middle = (low + high) // 2
        is_smaller = sample_size(Fraction(middle, SAMPLED_STEPS), eta, delta) < tokens
        low, high = (middle, high) if is_smaller else (low, middle)
    return Fraction(low, SAMPLED_STEPS) if low >= 0 else None


@lru_cache(maxsize=256)
def _covered_to(tokens: int, d: int, eta: Fraction) -> Fraction | None:
    """The lambda up to which T unit keys cannot all be a cover radius apart, by caps or Delsarte's certified bound."""
    low, high = -FINE_STEPS - 1, FINE_STEPS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if packed_keys(d, Fraction(middle, FINE_STEPS)) < tokens else (low, middle)
    if low < -FINE_STEPS:
        return None
    mu = max(Fraction(low, FINE_STEPS), impossible(tokens, d) or Fraction(-1))
    with precision(128):
        moved = ball((1 + eta) / (1 - eta)).log()
        return lower_fraction(moved / ball(2 * (1 - mu)).sqrt() * ball(1 - Fraction(1, FINE_STEPS)))
