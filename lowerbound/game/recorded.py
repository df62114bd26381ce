"""The game on recorded keys: every token has the key that it had in a trace, and values are the secret.

No key is designed here. The keys of all tokens of the recorded head are public, those of Bob's own tokens too, and Bob
asks for a token by the unit vector along its key, at a multiplier lambda that the head may have. Natural keys crowd, so
that some tokens get too little of the weight of their own query to be read: they carry no symbol. Their value is 0, as
that of Bob's own tokens is, which everybody knows. So they only take weight from the others, and the symbols that are
played are those of the tokens that can be read: the floor of the game is the floor of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np

from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Grid, Guarantee
from lowerbound.core.keys.family import Keys
from lowerbound.core.keys.recorded import RECORDED, leakages
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.rules import MULTIPLIER_CAP
from lowerbound.core.scalars import Rational, plainly, rational, rounded_up
from lowerbound.errors import ImpossibleReduction, invalid
from lowerbound.game.hard_family import FloatArray
from lowerbound.game.index import Symbols
from lowerbound.game.reduction import Reduction


@dataclass(frozen=True)
class RecordedReduction(Reduction):
    """The hard family of secret values under recorded keys.

    Contract: that of `Reduction`, for the tokens in `readable`. A row of symbols (`shape`) is one of these tokens; all
    other cached tokens have the value 0.

    Parameters
    ----------
    readable : tuple of int
        The cached tokens, in ascending order, whose own query gives all other tokens at most `leakage`.
    """

    game: ClassVar[str] = "recorded"

    readable: tuple[int, ...] = field(kw_only=True)

    @property
    def asked(self) -> tuple[int, ...]:
        """The tokens that can be read."""
        return self.readable

    @property
    def leakage_by(self) -> str:
        """The sum over all keys, token by token: the coherence of natural keys says little."""
        return "the largest exact sum over the recorded keys"

    @property
    def shape(self) -> tuple[int, int]:
        """(n_heads times the readable tokens, d)."""
        return self.n_heads * len(self.readable), self.geometry.d

    def values(self, symbols: Symbols) -> FloatArray:
        """The value rows of all cached tokens of every head: the symbols of readable tokens, and 0."""
        rows = np.zeros((self.n_heads, self.schedule.n_tokens_cached, self.geometry.d))
        rows[:, list(self.readable)] = super().values(symbols).reshape(self.n_heads, len(self.readable), -1)
        return rows.reshape(-1, self.geometry.d)

    def in_model_r2(self) -> Self:
        """Always raises ImpossibleReduction: the public network of model R2 has keys of its own."""
        raise ImpossibleReduction("model R2 is played on the keys of a key family, got recorded keys")

    def to_json(self) -> dict[str, Any]:
        """The public configuration as plain JSON values, keys included; `from_json` is its inverse."""
        return super().to_json() | {"rows": self.keys.rows.tolist(), "readable": list(self.readable)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The family that `to_json` described."""
        rows = np.array(data["rows"], dtype=object)
        return cls(**cls.fields_of(data), keys=Keys(RECORDED, rows), readable=tuple(data["readable"]))


def plan_recorded(
    geometry: Geometry,
    keys: Keys,
    *,
    eta: Rational = Fraction(1, 100),
    guarantee: Guarantee = "additive",
    n_levels: int = 2,
    multiplier: Rational | None = None,
    seed: int = 0,
) -> RecordedReduction:
    """The hard family of secret values on given keys of all tokens of a head.

    Contract: returns a family whose grid provably decodes every readable token; these are all tokens that can be read
    with these levels at this lambda, float64's rounding included. It raises ImpossibleReduction, with the reason, if no
    token can be read or the rule is not l2norm; other invalid arguments raise InvalidArgument.

    Parameters
    ----------
    keys : Keys
        One for each token of the schedule, in its order, of any norms.
    n_levels : int
        Number of levels of a value; more than two need an additive guarantee.
    multiplier : rational or None
        lambda; None takes the cap of the rule, at which most tokens can be read.
    """
    error = rational(eta, name="eta")
    chosen = MULTIPLIER_CAP if multiplier is None else Fraction(float(rational(multiplier, name="lambda")))
    _check(geometry, keys, error, guarantee, n_levels, chosen)
    n_keys, n_cached = len(keys.rows), geometry.n_tokens_cached
    rounding = Fraction(rounding_bound(d=geometry.d, n_tokens=n_keys, max_logit=float(chosen), max_value=1.0))
    room = 1 - error if guarantee == "relative" else Fraction(1, n_levels - 1) - 2 * error
    leaks = leakages(keys, n_cached, chosen)
    readable = tuple(token for token, leak in enumerate(leaks) if 2 * (leak + rounding) < room)
    if not readable:
        heaviest = rounded_up(1 - min(leaks), 4)
        raise ImpossibleReduction(
            f"some token must get more than {plainly(float(1 - room / 2))} of the weight of its own query to be read "
            f"with {n_levels} levels at {guarantee} eta {plainly(error)}, and at lambda {plainly(chosen)} none of "
            f"{n_cached} gets more than {heaviest}; the nearest choices are fewer levels, a smaller eta and a lambda "
            f"up to {MULTIPLIER_CAP}"
        )
    leakage = max(leaks[token] for token in readable)
    blur = leakage + rounding
    return RecordedReduction(
        geometry=geometry,
        keys=keys,
        coherence=keys.coherence,
        multiplier=chosen,
        leakage=leakage,
        rounding=rounding,
        grid=Grid.binary(guarantee, error, blur) if n_levels == 2 else Grid.additive(error, blur, n_levels),
        seed=seed,
        readable=readable,
    )


def _check(
    geometry: Geometry, keys: Keys, eta: Fraction, guarantee: Guarantee, n_levels: int, multiplier: Fraction
) -> None:
    if geometry.rule_name != "l2norm":
        raise ImpossibleReduction(
            f"recorded keys are played under the l2norm rule, which asks by directions, got {geometry.rule_name}"
        )
    if keys.rows.shape != (geometry.n_tokens, geometry.d):
        raise invalid("keys", f"have shape {(geometry.n_tokens, geometry.d)}, one row a token", keys.rows.shape)
    if guarantee not in ("relative", "additive"):
        raise invalid("guarantee", "be 'relative' or 'additive'", guarantee)
    limit = Fraction(1) if guarantee == "relative" else Fraction(1, 2)
    if not 0 <= eta < limit:
        raise ImpossibleReduction(f"eta must lie in [0, {limit}) under this guarantee ({guarantee}), got {eta}")
    if n_levels < 2 or (n_levels > 2 and guarantee == "relative"):
        rule = "be at least 2, and 2 under a relative guarantee on recorded keys"
        raise invalid("levels", rule, n_levels, nearest=2)
    if not 0 < multiplier <= MULTIPLIER_CAP:
        raise invalid("lambda", f"lie in (0, {MULTIPLIER_CAP}]", plainly(multiplier), nearest=str(MULTIPLIER_CAP))
