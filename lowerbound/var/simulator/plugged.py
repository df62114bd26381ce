"""Any cache of the toolkit as a network's KV cache, in all layers, heads and branches; scales pass on only bytes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.cache import Memory, Public
from lowerbound.core.layered import LayeredCache
from lowerbound.core.models import Model
from lowerbound.core.rules import Scaled
from lowerbound.core.scalars import counted
from lowerbound.errors import CacheContractBroken, CorruptState
from lowerbound.game.protocol import call, numbers, stack_of
from lowerbound.game.question import Terms
from lowerbound.var.simulator.pipeline import Remembering

Array = NDArray[Any]
MakeCache = Callable[[Public], Memory]


def terms_of(model: Model, *, budget: Fraction | None, seed: int) -> Terms:
    """What is public to the caches of a simulated model: its maps, and that a logit is the inner product.

    Queries carry their multiplier and keys are unit rows, as in the network, so that heads with different multipliers
    share one rule.
    """
    stack = model.n_layers, model.n_heads
    return Terms(model.schedule, model.head_dim, Scaled(1.0), budget=budget, seed=seed, stack=stack)


class Plugged(Remembering):
    """A memory that tells its bytes: those of the last `end_scale`, one state per branch."""

    @property
    @abstractmethod
    def states(self) -> list[bytes]:
        """The states after the last ended scale."""

    @property
    @abstractmethod
    def told_budget(self) -> str | None:
        """The nominal budget in force, as rows tell it; None for a cache without one."""


class PluggedCache(Plugged):
    """One cache per branch, for all layers and heads; a one-head cache is instantiated once for every head.

    Contract: a scale knows of earlier scales only what a fresh cache decodes from the bytes of the last `encode`;
    `states` are those bytes, one state per branch. A cache that breaks its contract raises CacheContractBroken.
    """

    def __init__(self, make_cache: MakeCache, public: Public, n_branches: int) -> None:
        self._make = make_cache
        self._public = public
        self._states: list[bytes] = []
        self._caches = [self._fresh() for _ in range(n_branches)]

    def _fresh(self) -> LayeredCache:
        return stack_of(lambda: self._make(self._public), (self._public.n_layers, self._public.n_heads))

    @property
    def states(self) -> list[bytes]:
        return self._states

    @property
    def told_budget(self) -> str | None:
        budget = self._caches[0].told_budget
        return None if budget is None else str(budget)

    @property
    def name(self) -> str:
        """The name of the cache in error messages."""
        return self._caches[0].name

    def attend(self, layer: int, scale: int, queries: Array, keys: Array, values: Array) -> Array:
        """The answers, (branches, heads, n, d), to queries of that shape.

        If keys and values have fewer heads, a divisor, consecutive heads of queries ask one head of the cache. It is
        then given the mean of their queries as those of the new tokens, of which it may keep one row per token.
        """
        outputs = np.empty(queries.shape, dtype=values.dtype)
        n_heads, n_tokens, d = queries.shape[1:]
        for branch, cache in enumerate(self._caches):
            asked, key_rows, value_rows = (rows[branch].astype(np.float64) for rows in (queries, keys, values))
            shared = asked.reshape(len(key_rows), -1, n_tokens, d)
            call(cache, "append", layer, key_rows, value_rows, scale, shared.mean(axis=1))
            found = call(cache, "attend", layer, shared.reshape(len(key_rows), -1, d))
            if len(found) != len(key_rows):
                raise CacheContractBroken(
                    f"{cache.name}.attend must answer {counted(len(key_rows), 'head')}, got {len(found)}"
                )
            rows_per_head = (n_heads // len(key_rows) * n_tokens, d)
            answers = np.array([numbers(cache, head, rows_per_head) for head in found])
            outputs[branch] = answers.reshape(n_heads, n_tokens, d)
        return outputs

    def end_scale(self, scale: int) -> None:
        states = [call(cache, "encode") for cache in self._caches]
        for state in states:
            if not isinstance(state, bytes):
                raise CacheContractBroken(f"{self.name}.encode must return bytes, got {type(state).__name__}")
        self._states = [bytes(state) for state in states]
        self._caches = [self._holding(state) for state in self._states]

    def _holding(self, state: bytes) -> LayeredCache:
        cache = self._fresh()
        try:
            call(cache, "decode", state)
        except CorruptState as error:
            raise CacheContractBroken(f"{cache.name} must decode what it encoded, got: {error}") from error
        return cache
