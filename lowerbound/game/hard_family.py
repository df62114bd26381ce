"""Hard families: public families of instances on which the game is played.

A family turns Alice's symbols into keys and values of the cached tokens. It also specifies which runs of the last scale
Bob makes and how he decodes the answers. Everything except the symbols is public.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.cache import ComputationModel, Public
from lowerbound.core.coins import Coins
from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Grid
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import Rule
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction
from lowerbound.game.index import Symbols
from lowerbound.game.sample import Positions, Sample
from lowerbound.game.tally import Alphabet, Part, tally

FloatArray = NDArray[np.float64]

POPULAR_POWER = 3
"""A popular token has number floor(n u^3), with n visible tokens and u uniform in [0, 1): older tokens are likelier."""


@dataclass(frozen=True)
class Run:
    """One run of the last scale: the keys and values of Bob's own tokens, and his queries.

    Parameters
    ----------
    keys, values : array, shape (n_layers, n_heads, T_N, d)
    queries : array, shape (n_layers, n_heads, m, d), 1 <= m <= T_N unless the reading was asked for more
    """

    keys: FloatArray
    values: FloatArray
    queries: FloatArray


class HardFamily(ABC):
    """A public family of instances, with one instance for each matrix of Alice's symbols.

    Contract: if every answer of a cache is within the family's error promise of exact attention over `tokens(symbols)`
    and Bob's own tokens of the run, then the generator `reading`, when it is sent these answers, returns `symbols`.

    Parameters
    ----------
    multiplier : Fraction
        lambda, the largest logit of a query with a key.
    rounding : Fraction
        An upper bound on the distance of float64 attention from exact attention on this family.
    grid : Grid
        The levels of values.
    seed : int
        The seed of the public coins. Alice's symbols do not depend on it.
    """

    game: ClassVar[str]
    geometry: Geometry
    multiplier: Fraction
    rounding: Fraction
    grid: Grid
    seed: int

    @property
    def schedule(self) -> ScaleSchedule:
        """The token maps of the geometry."""
        return self.geometry.schedule

    @property
    def stack(self) -> tuple[int, int]:
        """(layers, heads per layer); (1, 1) if the geometry has no stack."""
        return self.geometry.stack or (1, 1)

    @property
    def n_heads(self) -> int:
        """The number of heads in all layers together; each head has separate symbols."""
        return self.stack[0] * self.stack[1]

    @property
    @abstractmethod
    def alphabets(self) -> tuple[Alphabet, ...]:
        """The kinds of symbols, in the order of their columns."""

    @property
    def computation_model(self) -> ComputationModel:
        """Whose floor holds on this family: that of model R1, where keys and values are free, or that of R2."""
        return "R1"

    def tally(self, wrong: list[NDArray[np.bool_]], confidence: Fraction) -> tuple[list[Part], Fraction]:
        """The result for each kind of symbols, and a proved lower bound (floor) in bits, of `computation_model`.

        Contract: `wrong` has one matrix of the shape of the symbols per trial, which marks Bob's errors; with
        probability at least `confidence` a message that leads to these errors has as many bits as the floor.
        """
        return tally(self.alphabets, wrong, confidence)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (n_heads T, columns) of Alice's symbols: first the T rows of head 0, then those of head 1, ..."""
        return self.n_heads * self.schedule.n_tokens_cached, sum(kind.n_columns for kind in self.alphabets)

    @property
    def n_symbols(self) -> int:
        """The number of symbols that Alice has."""
        return self.shape[0] * self.shape[1]

    @property
    def n_entries(self) -> int:
        """The number n_heads T d of value entries of all cached tokens; there are equally many key entries."""
        return self.n_heads * self.schedule.n_tokens_cached * self.geometry.d

    @cached_property
    def rule(self) -> Rule:
        """The attention rule of this family, with its multiplier."""
        return self.geometry.rule(self.multiplier)

    @property
    @abstractmethod
    def queries(self) -> FloatArray:
        """The queries that read values, shape (n, d) with n >= T: row t reads the value of token t."""

    @cached_property
    def _asked(self) -> NDArray[np.int64]:
        """For each head and token, the token whose query it sends during generation, shape (n_heads, n_tokens)."""
        n_tokens = self.schedule.n_tokens
        asked = np.tile(np.arange(n_tokens), (self.n_heads, 1))
        visible = np.concatenate(
            [np.full(self.schedule.tokens_at(k), self.schedule.rows_of(k).stop) for k in range(self.schedule.n_scales)]
        )
        for head in range(1, self.n_heads):
            coins = Coins(self.seed, f"queries/head {head}").generator().random((2, n_tokens))
            popular = (visible * coins[0] ** POPULAR_POWER).astype(np.int64)
            asked[head] = np.where(coins[1] * self.n_heads < head, popular, asked[head])
        return asked

    def asked_at(self, scale: int) -> FloatArray:
        """The public queries of the tokens of `scale` during generation, shape (n_layers, n_heads, n, d).

        In head 0, every token asks for itself. In head h of H, about a fraction h / H of the tokens asks for popular
        older tokens instead, so that every head distributes attention differently.
        """
        asked = self._asked[:, self.schedule.rows_of(scale)]
        return self.queries[asked].reshape(*self.stack, *asked.shape[1:], self.geometry.d)

    def by_head(self, rows: FloatArray) -> FloatArray:
        """Rows of shape (n_heads T, ...), ordered by head, reshaped to (n_layers, n_heads, T, ...)."""
        return rows.reshape(*self.stack, -1, *rows.shape[1:])

    def for_all_heads(self, rows: FloatArray) -> FloatArray:
        """The same (n, d) rows for every head, shape (n_layers, n_heads, n, d)."""
        return np.broadcast_to(rows, (*self.stack, *rows.shape))

    @abstractmethod
    def draw(self, instances: PrivateSeed, trial: int) -> Symbols:
        """Alice's private input of a trial, drawn from the private seed: her symbols, or what determines them."""

    def symbols_of(self, given: Symbols) -> Symbols:
        """The matrix of symbols of a private input, which may be flat."""
        return given.reshape(self.shape)

    @abstractmethod
    def tokens(self, symbols: Symbols) -> tuple[FloatArray, FloatArray]:
        """Keys and values of the cached tokens, each of shape (n_layers, n_heads, T, d)."""

    @abstractmethod
    def reading(self, most: int | None = None) -> Generator[Run, FloatArray, Symbols]:
        """Bob's part, as a generator: it yields runs, is sent their answers, and returns all symbols.

        The answers to a run have shape (n_layers, n_heads, m, d). A run has at most T_N queries, one for each own
        token, or, where `most` is given, up to so many: those of several runs with the same own tokens, for a cache
        whose answer to a query does not depend on the others.
        """

    def reading_of(self, positions: Positions, most: int | None = None) -> Generator[Run, FloatArray, Symbols]:
        """`reading` for the symbols at these positions (`questions`) of the flattened matrix alone, in their order."""
        raise self._not_sampled()

    def questions(self, sample: Sample, instances: PrivateSeed, trial: int) -> Positions:
        """The positions of a sample of one trial's questions.

        Contract: ImpossibleReduction in a family whose reading of one symbol needs others, or where symbols depend on
        each other.
        """
        raise self._not_sampled()

    def _not_sampled(self) -> ImpossibleReduction:
        return ImpossibleReduction(
            f"a sample of the questions is asked where independent values are read one by one, got a game of "
            f"{self.game} in model {self.computation_model}; the nearest possible choice is the whole game"
        )

    @property
    def thresholds(self) -> FloatArray | None:
        """Thresholds, if `reading` uses nothing of an answer but on which side of each threshold its entries lie.

        None means that `reading` needs the numbers themselves, so answers must be computed in full precision.
        """
        return None

    def public(self, budget: Fraction | None = None) -> Public:
        """What a cache with this nominal budget may know before it sees a token: the levels of values, but no key."""
        return Public(
            schedule=self.schedule,
            d=self.geometry.d,
            rule=self.rule,
            seed=self.seed,
            budget=budget,
            grid=self.grid,
            n_layers=self.stack[0],
            n_heads=self.stack[1],
        )

    @abstractmethod
    def stacked(self, stack: tuple[int, int]) -> Self:
        """The same family for `stack` = (layers, heads per layer)."""

    def in_model_r2(self) -> Self:
        """The same family, except that a public network computes the values from private token ids.

        Contract: a family whose keys are secret too raises ImpossibleReduction.
        """
        raise ImpossibleReduction("model R2 is played where only values are secret, got secret keys too")

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The public configuration as plain JSON values; `from_json` is its inverse."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The family that `to_json` described."""
