"""A cache is a message: any cache, played through a reduction, is a one-way protocol for INDEX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.cache import Memory
from lowerbound.core.layered import LayeredCache, PerHead
from lowerbound.errors import CacheContractBroken, LowerBoundError
from lowerbound.game.hard_family import HardFamily, Run
from lowerbound.game.index import OneWayProtocol, Symbols

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class CacheProtocol(OneWayProtocol):
    """A cache as a one-way protocol: its bytes after the last-but-one scale are the message.

    Contract: `alice` plays every scale of every head through append, encode and decode, so that nothing but the
    state of a scale reaches the next one; `bob` sees the message and the public reduction alone. A cache that breaks
    its contract raises CacheContractBroken. A one-head cache is made once for every head.
    """

    reduction: HardFamily
    make_cache: Callable[[], Memory]

    def alice(self, symbols: Symbols) -> bytes:
        """The message."""
        return self.states(symbols)[-1]

    def states(self, symbols: Symbols, *, check_settled: bool = False) -> list[bytes]:
        """The state after each cached scale; the last one is the message.

        With `check_settled`, a cache that does not answer after the last encode() as its decoded copy does raises
        CacheContractBroken.
        """
        keys, values = self.reduction.tokens(symbols)
        states: list[bytes] = []
        n_cached_scales = self.reduction.schedule.n_scales - 1
        for scale in range(n_cached_scales):
            rows = self.reduction.schedule.rows_of(scale)
            cache = self._cache_holding(states[-1] if states else None)
            _append(cache, scale, keys[:, :, rows], values[:, :, rows], self.reduction.asked_at(scale))
            state = call(cache, "encode")
            if not isinstance(state, bytes):
                raise CacheContractBroken(f"{cache.name}.encode must return bytes, got {type(state).__name__}")
            states.append(state)
            if check_settled and scale == n_cached_scales - 1:
                self._check_settled(cache, state)
        return states

    def bob(self, message: bytes) -> Symbols:
        """An answer for every position."""
        reading = self.reduction.reading()
        run = next(reading)
        while True:
            try:
                run = reading.send(self._answers(self._cache_holding(message), run))
            except StopIteration as done:
                symbols: Symbols = done.value
                return symbols

    def _check_settled(self, cache: LayeredCache, state: bytes) -> None:
        queries = next(self.reduction.reading()).queries
        copy = self._cache_holding(state)
        change = float(np.abs(_attend(cache, queries) - _attend(copy, queries)).max())
        if change > 2 * float(self.reduction.rounding):
            raise CacheContractBroken(
                f"{cache.name} must answer after encode() as its copy does after decode(encode()), "
                f"got answers {change:.3g} apart"
            )

    def _answers(self, cache: LayeredCache, run: Run) -> FloatArray:
        """What the cache answers when the last scale is this run."""
        _append(cache, self.reduction.schedule.n_scales - 1, run.keys, run.values, run.queries)
        return _attend(cache, run.queries)

    def new_cache(self) -> LayeredCache:
        """A cache of the whole stack: the one that is made, or one for each head."""
        return stack_of(self.make_cache, self.reduction.stack)

    def _cache_holding(self, state: bytes | None) -> LayeredCache:
        cache = self.new_cache()
        if state is not None:
            call(cache, "decode", bytes(state))
        return cache


def _append(cache: LayeredCache, scale: int, keys: FloatArray, values: FloatArray, queries: FloatArray) -> None:
    """One scale of every layer, arrays of shape (n_layers, n_heads, n, d)."""
    for layer in range(len(keys)):
        call(cache, "append", layer, keys[layer], values[layer], scale, queries[layer])


def _attend(cache: LayeredCache, queries: FloatArray) -> FloatArray:
    """What every head of every layer answers, shape (n_layers, n_heads, m, d)."""
    answers = []
    for layer, asked in enumerate(queries):
        found = call(cache, "attend", layer, asked)
        if len(found) != len(asked):
            raise CacheContractBroken(f"{cache.name}.attend must answer {len(asked)} heads, got {len(found)}")
        answers.append([numbers(cache, head, asked.shape[1:]) for head in found])
    return np.array(answers)


def stack_of(make_cache: Callable[[], Memory], stack: tuple[int, int]) -> LayeredCache:
    """A cache of `stack` = (layers, heads a layer): the one that is made, or one for each head."""
    made = guarded("its constructor", make_cache)
    if isinstance(made, LayeredCache):
        return made
    others = [guarded("its constructor", make_cache) for _ in range(stack[0] * stack[1] - 1)]
    return PerHead([made, *others], stack[0])


def numbers(cache: LayeredCache, found: Any, wanted: tuple[int, ...]) -> FloatArray:
    """What `attend` answered, as an array of this shape; anything but finite numbers raises CacheContractBroken."""
    try:
        outputs = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        raise CacheContractBroken(f"{cache.name}.attend must return numbers, got {type(found).__name__}") from None
    if outputs.shape != wanted:
        raise CacheContractBroken(f"{cache.name}.attend must return shape {wanted}, got {outputs.shape}")
    if not np.isfinite(outputs).all():
        raise CacheContractBroken(f"{cache.name}.attend must return finite numbers, got NaN or infinity")
    return outputs


def call(cache: LayeredCache, method: str, *arguments: Any) -> Any:
    """Call a method of a cache with copies of the arrays: a cache may keep what it is given."""
    copies = [argument.copy() if isinstance(argument, np.ndarray) else argument for argument in arguments]
    return guarded(f"{cache.name}.{method}", lambda: getattr(cache, method)(*copies))


def guarded(what: str, action: Callable[[], Any]) -> Any:
    """Run foreign code; whatever it raises becomes one sentence."""
    try:
        return action()
    except LowerBoundError:
        raise
    except (Exception, SystemExit) as error:
        raise CacheContractBroken(
            f"the cache must not raise, but {what} raised {type(error).__name__}: {error}"
        ) from error
