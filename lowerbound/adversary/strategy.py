"""The interface of an attack, and the keys, queries and instances that several attacks share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Instance, query_length
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.game.question import FloatArray, Terms, TokenRows

MOST_TARGETS = 12


class Attack(ABC):
    """One idea for breaking a cache.

    Contract: `instances` yields finitely many instances for the box's terms, the most promising first. It may run the
    cache through the box and adapt to the results. It knows nothing else of the cache: only its terms, state bytes and
    answers.
    """

    name: ClassVar[str]
    frees_keys: ClassVar[bool] = True
    """Whether the attack chooses keys; it is then skipped at places where keys and value levels are public."""

    @abstractmethod
    def instances(self, box: BlackBox) -> Iterator[Instance]:
        """The instances to try on the cache in the box."""


def targets(terms: Terms) -> list[int]:
    """The cached tokens to attack, oldest first: all tokens, or MOST_TARGETS evenly spaced ones if there are more."""
    count = terms.schedule.n_tokens_cached
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, MOST_TARGETS))})


def axis(terms: Terms) -> FloatArray:
    """The first unit vector."""
    first: FloatArray = np.eye(1, terms.d)[0]
    return first


def one_against_all(terms: Terms, target: int, asked: FloatArray | None = None) -> Instance:
    """A target token with value 1, other tokens with the opposite key and value 0, and a query for the target.

    `asked` are the tokens' own queries; by default, each token's query is its key.
    """
    keys = np.tile(-axis(terms), (terms.schedule.n_tokens, 1))
    values = np.zeros_like(keys)
    keys[target], values[target] = axis(terms), 1.0
    tokens = TokenRows(keys, values, keys.copy() if asked is None else asked)
    return Instance(terms, tokens, ask_for(terms, keys[target : target + 1]))


def distinct_keys(terms: Terms, instances: PrivateSeed, turn: int = 0) -> FloatArray:
    """A unit key for every token: the axes if there are enough and `turn` is 0, else random directions."""
    n_tokens, d = terms.schedule.n_tokens, terms.d
    if turn == 0 and n_tokens <= d:
        return np.eye(n_tokens, d)
    rows = instances.coins(f"attack/keys {n_tokens} {d} {turn}").generator().standard_normal((n_tokens, d))
    keys: FloatArray = rows / np.sqrt((rows * rows).sum(axis=1, keepdims=True))
    return keys


def ask_for(terms: Terms, keys: FloatArray) -> FloatArray:
    """Queries for these keys: the keys, scaled to a length at which attention is nearly one-hot."""
    return query_length(terms.rule, terms.d) * keys


def own_tokens_silent(terms: Terms, values: FloatArray) -> FloatArray:
    """The same values, except 0 for the tokens of the last scale, which are not cached."""
    silent = values.copy()
    silent[terms.schedule.n_tokens_cached :] = 0.0
    return silent
