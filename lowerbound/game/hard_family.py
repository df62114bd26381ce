"""What the game is played on: a head's geometry, and a public hard family of instances with Bob's way to read them.

A family turns Alice's symbols into the keys and values of the cached tokens, and tells Bob which runs of the last
scale to make and what its answers mean. Everything but the symbols is public.
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

from lowerbound.core.cache import Public
from lowerbound.core.coins import Coins
from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Grid
from lowerbound.core.rules import Rule
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction
from lowerbound.game.index import Symbols

FloatArray = NDArray[np.float64]

POPULAR_POWER = 3
"""A popular token is number floor(visible u^3), u uniform in [0, 1): older tokens are asked for more often."""


@dataclass(frozen=True)
class Alphabet:
    """Columns of Alice's symbols that have one number of levels: `n_columns` of them a cached token."""

    name: str
    n_levels: int
    n_columns: int


@dataclass(frozen=True)
class Run:
    """One run of the last scale: Bob's own tokens, and his queries.

    Parameters
    ----------
    keys, values : array, shape (n_layers, n_heads, T_N, d)
    queries : array, shape (n_layers, n_heads, m, d), 1 <= m <= T_N
    """

    keys: FloatArray
    values: FloatArray
    queries: FloatArray


class HardFamily(ABC):
    """A public family of instances, one a matrix of Alice's symbols.

    Contract: if every answer of a cache to a query is within the family's promise of exact attention over
    `tokens(symbols)` and the run's own tokens, the generator `reading`, given the answers, returns `symbols`.

    Parameters
    ----------
    multiplier : Fraction
        lambda, the largest logit of a query with a key.
    rounding : Fraction
        How far float64 attention may lie from exact attention on this family.
    grid : Grid
        The levels of values.
    seed : int
        Public coins, and Alice's.
    """

    game: ClassVar[str]
    geometry: Geometry
    multiplier: Fraction
    rounding: Fraction
    grid: Grid
    seed: int

    @property
    def schedule(self) -> ScaleSchedule:
        """The maps."""
        return self.geometry.schedule

    @property
    def stack(self) -> tuple[int, int]:
        """(layers, heads a layer)."""
        return self.geometry.stack or (1, 1)

    @property
    def n_heads(self) -> int:
        """Heads of all layers, each with symbols of its own."""
        return self.stack[0] * self.stack[1]

    @property
    @abstractmethod
    def alphabets(self) -> tuple[Alphabet, ...]:
        """The kinds of symbols, in the order of their columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """(n_heads T, columns): Alice's symbols, one head below the other."""
        return self.n_heads * self.schedule.n_tokens_cached, sum(kind.n_columns for kind in self.alphabets)

    @property
    def n_symbols(self) -> int:
        """How many symbols Alice holds."""
        return self.shape[0] * self.shape[1]

    @property
    def n_entries(self) -> int:
        """n_heads T d: value entries of the cached tokens, and as many key entries."""
        return self.n_heads * self.schedule.n_tokens_cached * self.geometry.d

    @cached_property
    def rule(self) -> Rule:
        """The attention rule of this family, with its multiplier."""
        return self.geometry.rule(self.multiplier)

    @property
    @abstractmethod
    def queries(self) -> FloatArray:
        """The query with which a token's value is read, one a token from the first on, shape (n, d), n >= T."""

    @cached_property
    def _asked(self) -> NDArray[np.int64]:
        """The token whose query each token's query is while the maps are generated, shape (n_heads, n_tokens)."""
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
        """Queries of the tokens of `scale` while they are generated, shape (n_layers, n_heads, n, d).

        The first head's tokens ask for themselves; head h of H lets a fraction h / H of them ask for a few popular
        older ones, so that attention is spread differently in every head. The queries are public.
        """
        asked = self._asked[:, self.schedule.rows_of(scale)]
        return self.queries[asked].reshape(*self.stack, *asked.shape[1:], self.geometry.d)

    def by_head(self, rows: FloatArray) -> FloatArray:
        """(n_heads T, ...) rows, one head below the other, as (n_layers, n_heads, T, ...)."""
        return rows.reshape(*self.stack, -1, *rows.shape[1:])

    def for_all_heads(self, rows: FloatArray) -> FloatArray:
        """The same (n, d) rows for every head, (n_layers, n_heads, n, d)."""
        return np.broadcast_to(rows, (*self.stack, *rows.shape))

    @abstractmethod
    def draw(self, trial: int) -> Symbols:
        """Alice's private input: her symbols, or what `symbols_of` makes them from."""

    def symbols_of(self, given: Symbols) -> Symbols:
        """The symbols of a private input, flat or not, as a matrix."""
        return given.reshape(self.shape)

    @abstractmethod
    def tokens(self, symbols: Symbols) -> tuple[FloatArray, FloatArray]:
        """Keys and values of the cached tokens, each of shape (n_layers, n_heads, T, d)."""

    @abstractmethod
    def reading(self) -> Generator[Run, FloatArray, Symbols]:
        """Bob's part: yields runs, is sent the answers (n_layers, n_heads, m, d), returns every symbol."""

    @property
    def thresholds(self) -> FloatArray | None:
        """Where all of an answer that `reading` uses is on which side of these it lies, these; else None."""
        return None

    @abstractmethod
    def public(self, budget: Fraction | None = None) -> Public:
        """What a cache may know."""

    @abstractmethod
    def stacked(self, stack: tuple[int, int]) -> Self:
        """The same family for `stack` = (layers, heads a layer)."""

    def in_model_r2(self) -> Self:
        """The same instances where values come from private token ids through a public network."""
        raise ImpossibleReduction("model R2 is played where only values are secret, got secret keys too")

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The public configuration as plain JSON values; `from_json` is its inverse."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The family that `to_json` described."""
