"""The game for a structure prior: Alice draws a uniform member of the class, and Bob names it by its symbols."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np

from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Grid
from lowerbound.core.keys.family import Keys
from lowerbound.core.priors.prior import Prior
from lowerbound.core.priors.table import prior_from_json, prior_to_json
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.scalars import Rational, floor_float, plainly
from lowerbound.errors import ImpossibleReduction
from lowerbound.game.hard_family import FloatArray, Run
from lowerbound.game.index import Symbols, draw_symbols
from lowerbound.game.reduction import Reduction, plan_reduction
from lowerbound.game.sample import Positions, Sample
from lowerbound.game.tally import Alphabet


@dataclass(frozen=True)
class StructuredReduction(Reduction):
    """The hard family of a prior: public keys, and values that are a uniform member of the prior's class.

    Contract: that of `HardFamily`, for additive error eta. Every entry that Bob reads is within
    eta + leakage + rounding of the member's entry, and this must be below the prior's margin; otherwise the constructor
    raises ImpossibleReduction. A row of symbols (`shape`) is the member of one head, not one token.
    """

    game: ClassVar[str] = "structured"

    prior: Prior = field(kw_only=True)

    def __post_init__(self) -> None:
        blur = self.grid.eta + self.grid.leakage
        if not blur < self.prior.margin:
            limit = floor_float(self.prior.margin - self.grid.leakage)
            raise ImpossibleReduction(
                f"eta must be below {plainly(limit)} to tell the members of prior {self.prior.name} apart, "
                f"got {plainly(self.grid.eta)}; the nearest possible value is any below it"
            )

    @property
    def alphabets(self) -> tuple[Alphabet, ...]:
        """One alphabet per group of symbols of the prior."""
        return tuple(Alphabet(group.name, group.n_levels, group.count) for group in self.prior.groups)

    @property
    def shape(self) -> tuple[int, int]:
        """(n_heads, number of symbols of a member)."""
        return self.n_heads, self.prior.n_symbols

    def draw(self, instances: PrivateSeed, trial: int) -> Symbols:
        """The symbols of one uniform member per head."""
        parts = [
            draw_symbols(instances, trial, n_levels=kind.n_levels, shape=(self.n_heads, kind.n_columns), kind=kind.name)
            for kind in self.alphabets
        ]
        return np.concatenate(parts, axis=1)

    def symbols_of(self, given: Symbols) -> Symbols:
        """The symbols `given`, reshaped to `shape`."""
        return given.reshape(self.shape)

    def tokens(self, symbols: Symbols) -> tuple[FloatArray, FloatArray]:
        """The public keys, some of which may be equal, and the members as values."""
        keys = self.keys.unit[: self.schedule.n_tokens_cached]
        members = np.stack([self.prior.values(word) for word in symbols])
        return self.for_all_heads(keys), members.reshape(*self.stack, *members.shape[1:])

    def reading(self, most: int | None = None) -> Generator[Run, FloatArray, Symbols]:
        """Bob's part: he asks for rows in the prior's runs. His own tokens have keys of the family and value 0."""
        last = self.schedule.n_scales - 1
        own_keys = self.for_all_heads(self.keys.unit[self.schedule.rows_of(last)])
        own_values = np.zeros(own_keys.shape)
        rows = np.zeros((*self.stack, self.schedule.n_tokens_cached, self.geometry.d))
        for asked in self.prior.runs():
            rows[:, :, asked] = yield Run(own_keys, own_values, self.for_all_heads(self.queries[asked]))
        heads = rows.reshape(self.n_heads, *rows.shape[2:])
        return np.stack([self.prior.symbols(head) for head in heads])

    def questions(self, sample: Sample, instances: PrivateSeed, trial: int) -> Positions:
        """Always raises ImpossibleReduction, because a symbol of a member is read off several of its rows."""
        raise self._not_sampled()

    @property
    def thresholds(self) -> None:
        """None: some priors read a symbol off the numbers of its answers, not off the side of a threshold."""
        return None

    def in_model_r2(self) -> Self:
        """Always raises ImpossibleReduction, because the public network does not make the members of a class."""
        raise ImpossibleReduction("model R2 is played where values are the network's, got values of a class")

    def to_json(self) -> dict[str, Any]:
        """The public configuration as plain JSON values; `from_json` is its inverse."""
        return super().to_json() | {"prior": prior_to_json(self.prior)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The family that `to_json` described."""
        plan = Reduction.from_json(data)
        prior = prior_from_json(data["prior"], plan.schedule, plan.geometry.d)
        return cls(**_fields(plan) | {"keys": _keys(plan, prior)}, prior=prior)


def plan_structured(
    geometry: Geometry, prior: type[Prior] | Prior, *, eta: Rational = Fraction(1, 100), seed: int = 0
) -> StructuredReduction:
    """The hard family of a prior on one head, for additive error eta.

    Contract: as `plan_reduction`, with the multiplier that it chooses for the longest alphabet. ImpossibleReduction is
    raised if the maps have no such class, or if eta is too large to distinguish its members.
    """
    one = prior.of(geometry.schedule, geometry.d) if isinstance(prior, type) else prior
    plan = plan_reduction(geometry, eta=Fraction(eta), guarantee="additive", n_levels=None, seed=seed)
    blur = plan.leakage + plan.rounding
    StructuredReduction(**_fields(plan), prior=one)
    grid = Grid.additive(plan.grid.eta, blur, one.n_value_levels)
    return StructuredReduction(**_fields(plan) | {"grid": grid, "keys": _keys(plan, one)}, prior=one)


def _fields(plan: Reduction) -> dict[str, Any]:
    return {entry.name: getattr(plan, entry.name) for entry in fields(Reduction)}


def _keys(plan: Reduction, prior: Prior) -> Keys:
    """The keys of the family, where each cached token gets the key that the prior assigns to it (`key_of`)."""
    rows = np.concatenate([plan.keys.rows[prior.key_of], plan.keys.rows[plan.schedule.n_tokens_cached :]])
    return Keys(plan.keys.family, rows)
