"""An attack: one idea of what a cache must lose, as instances to try on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from lowerbound.attack.black_box import BlackBox
from lowerbound.attack.instance import Instance, query_length
from lowerbound.core.coins import Coins
from lowerbound.game.question import FloatArray, Terms, TokenRows

MOST_TARGETS = 12


class Attack(ABC):
    """One idea.

    Contract: `instances` yields instances for the box's terms, the most promising first, and ends; it may ask the box
    itself, and so adapt. It knows the cache by its terms and by what comes out of the box.
    """

    name: ClassVar[str]
    frees_keys: ClassVar[bool] = True
    """Whether it chooses keys, and so cannot be tried where keys and levels are public."""

    @abstractmethod
    def instances(self, box: BlackBox) -> Iterator[Instance]:
        """What to try."""


def targets(terms: Terms) -> list[int]:
    """Cached tokens to aim at, the oldest first: all of few, and some of many, evenly spaced."""
    count = terms.schedule.n_tokens_cached
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, MOST_TARGETS))})


def axis(terms: Terms) -> FloatArray:
    """The first unit vector."""
    first: FloatArray = np.eye(1, terms.d)[0]
    return first


def one_against_all(terms: Terms, target: int, asked: FloatArray | None = None) -> Instance:
    """One token with a key and a value of its own, all others opposite to it and of value 0, and a query for that one.

    `asked` are the queries of the tokens; each asks for its own key where they are not given.
    """
    keys = np.tile(-axis(terms), (terms.schedule.n_tokens, 1))
    values = np.zeros_like(keys)
    keys[target], values[target] = axis(terms), 1.0
    tokens = TokenRows(keys, values, keys.copy() if asked is None else asked)
    return Instance(terms, tokens, ask_for(terms, keys[target : target + 1]))


def distinct_keys(terms: Terms, turn: int = 0) -> FloatArray:
    """A unit key for every token: the axes where there are enough of them, random directions elsewhere."""
    n_tokens, d = terms.schedule.n_tokens, terms.d
    if turn == 0 and n_tokens <= d:
        return np.eye(n_tokens, d)
    rows = Coins(terms.seed, f"attack/keys {n_tokens} {d} {turn}").generator().standard_normal((n_tokens, d))
    keys: FloatArray = rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return keys


def ask_for(terms: Terms, keys: FloatArray) -> FloatArray:
    """Queries for these keys, long enough."""
    return query_length(terms.rule, terms.d) * keys


def own_tokens_silent(terms: Terms, values: FloatArray) -> FloatArray:
    """The same values, and 0 for the last scale's own tokens."""
    silent = values.copy()
    silent[terms.schedule.n_tokens_cached :] = 0.0
    return silent
