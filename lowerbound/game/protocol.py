"""A cache is a message: any cache, played through a reduction, is a one-way protocol for INDEX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.cache import Cache
from lowerbound.errors import CacheContractBroken, LowerBoundError
from lowerbound.game.index import OneWayProtocol, Symbols
from lowerbound.game.multi_index import QueryBlocks
from lowerbound.game.reduction import Reduction

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CacheProtocol(OneWayProtocol):
    """A cache as a one-way protocol: its bytes after the last-but-one scale are the message.

    Contract: `alice` plays every scale through append, encode and decode, so that nothing but the state of a scale
    reaches the next one; `bob` sees the message and the public reduction alone. A cache that breaks its contract
    raises CacheContractBroken.
    """

    reduction: Reduction
    make_cache: Callable[[], Cache]

    def alice(self, symbols: Symbols) -> bytes:
        """The message."""
        return self.states(symbols)[-1]

    def states(self, symbols: Symbols, *, check_settled: bool = False) -> list[bytes]:
        """The state after each cached scale; the last one is the message.

        With `check_settled`, a cache that does not answer after the last encode() as its decoded copy does raises
        CacheContractBroken.
        """
        reduction = self.reduction
        values = reduction.values(symbols)
        states: list[bytes] = []
        n_cached_scales = reduction.schedule.n_scales - 1
        for scale in range(n_cached_scales):
            rows = reduction.schedule.rows_of(scale)
            cache = self._cache_holding(states[-1] if states else None)
            _call(cache, "append", reduction.keys.unit[rows], values[rows], scale, reduction.queries[rows])
            state = _call(cache, "encode")
            if not isinstance(state, bytes):
                raise CacheContractBroken(f"{_name(cache)}.encode must return bytes, got {type(state).__name__}")
            states.append(state)
            if check_settled and scale == n_cached_scales - 1:
                self._check_settled(cache, state)
        return states

    def _check_settled(self, cache: Cache, state: bytes) -> None:
        block = next(iter(QueryBlocks(self.reduction.schedule)))
        queries = self.reduction.queries[block.start : block.stop]
        copy = self._cache_holding(state)
        change = float(np.abs(self._attend(cache, queries) - self._attend(copy, queries)).max())
        if change > 2 * float(self.reduction.rounding):
            raise CacheContractBroken(
                f"{_name(cache)} must answer after encode() as its copy does after decode(encode()), "
                f"got answers {change:.3g} apart"
            )

    def bob(self, message: bytes) -> Symbols:
        """An answer for every position."""
        reduction = self.reduction
        last = reduction.schedule.n_scales - 1
        own = reduction.schedule.rows_of(last)
        own_values = np.zeros((own.stop - own.start, reduction.geometry.d))
        answers = []
        for block in QueryBlocks(reduction.schedule):
            queries = reduction.queries[block.start : block.stop]
            cache = self._cache_holding(message)
            _call(cache, "append", reduction.keys.unit[own], own_values, last, queries)
            answers.append(reduction.grid.decode(self._attend(cache, queries)))
        return np.concatenate(answers)

    def _cache_holding(self, state: bytes | None) -> Cache:
        cache: Cache = _guarded("its constructor", self.make_cache)
        if state is not None:
            _call(cache, "decode", bytes(state))
        return cache

    def _attend(self, cache: Cache, queries: FloatArray) -> FloatArray:
        wanted = len(queries), self.reduction.geometry.d
        found = _call(cache, "attend", queries)
        try:
            outputs = np.asarray(found, dtype=np.float64)
        except (TypeError, ValueError):
            raise CacheContractBroken(
                f"{_name(cache)}.attend must return numbers, got {type(found).__name__}"
            ) from None
        if outputs.shape != wanted:
            raise CacheContractBroken(f"{_name(cache)}.attend must return shape {wanted}, got {outputs.shape}")
        if not np.isfinite(outputs).all():
            raise CacheContractBroken(f"{_name(cache)}.attend must return finite numbers, got NaN or infinity")
        return outputs


def _name(cache: Cache) -> str:
    return type(cache).__name__


def _call(cache: Cache, method: str, *arguments: Any) -> Any:
    """Call a method of a cache with copies of the arrays: a cache may keep what it is given."""
    copies = [argument.copy() if isinstance(argument, np.ndarray) else argument for argument in arguments]
    return _guarded(f"{_name(cache)}.{method}", lambda: getattr(cache, method)(*copies))


def _guarded(what: str, action: Callable[[], Any]) -> Any:
    """Run foreign code; whatever it raises becomes one sentence."""
    try:
        return action()
    except LowerBoundError:
        raise
    except (Exception, SystemExit) as error:
        raise CacheContractBroken(
            f"the cache must not raise, but {what} raised {type(error).__name__}: {error}"
        ) from error
