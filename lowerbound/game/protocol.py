"""A cache is a message: a hard family of instances turns any cache into a one-way protocol for INDEX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.cache import Memory
from lowerbound.core.layered import LayeredCache, PerHead, answers_by_softmax, asks_the_same, attend_at_once
from lowerbound.core.scalars import counted
from lowerbound.core.threads import blocks
from lowerbound.errors import CacheContractBroken, LowerBoundError, raised_at
from lowerbound.game.hard_family import HardFamily, Run
from lowerbound.game.index import OneWayProtocol, Symbols
from lowerbound.game.sample import Positions

FloatArray = NDArray[np.float64]
MESSAGES_AT_ONCE = 16
ENTRIES_AT_ONCE = 2**24
"""Limits of one batch in `CacheProtocol.bobs`: its number of messages, and the value entries of all its messages."""
QUERIES_AT_ONCE = 2**11
"""The queries that a cache gets at once if it answers each of them by itself."""


@dataclass(frozen=True)
class CacheProtocol(OneWayProtocol):
    """A cache as a one-way protocol: the message is the state after the last scale but one.

    Contract: `alice` passes every scale of every head through append, encode and decode, and makes a fresh cache for
    every scale, so only the state passes from one scale to the next. `bob` sees nothing but the message and the public
    reduction. A cache that breaks its contract raises CacheContractBroken. For a one-head `Cache`, one instance is made
    per head.
    """

    reduction: HardFamily
    make_cache: Callable[[], Memory]

    def alice(self, symbols: Symbols) -> bytes:
        """The message for these symbols: the state after the last cached scale."""
        return self.states(symbols)[-1]

    def states(self, symbols: Symbols, *, check_settled: bool = False) -> list[bytes]:
        """The state after each cached scale, in order; the last one is the message.

        Contract: with `check_settled`, CacheContractBroken is raised if the cache, after its last encode(), answers
        differently (beyond rounding) from a fresh cache that decoded the same state.
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
        """Bob's answer for every symbol, read from the message."""
        (symbols,) = self._answered([message])
        return symbols

    def bobs(self, messages: Sequence[bytes], questions: Sequence[Positions] | None = None) -> list[Symbols]:
        """The answers of `bob` to each message, in order; with `questions`, those at each message's positions alone."""
        # Bob's queries, and often all keys, are the same for every message. If the caches answer by plain softmax, a
        # batch of messages therefore shares the weights of one attention call (`answers`).
        most = min(MESSAGES_AT_ONCE, max(1, ENTRIES_AT_ONCE // self.reduction.n_entries))
        size = most if _is_plain(self.new_cache()) else 1
        return [
            symbols
            for some in blocks(len(messages), size)
            for symbols in self._answered(messages[some], None if questions is None else questions[some])
        ]

    def answers(self, message: bytes, run: Run) -> FloatArray:
        """The answers to one run of the last scale from a message, shape (n_layers, n_heads, m, d)."""
        cache = self._cache_holding(message)
        _append(cache, self.reduction.schedule.n_scales - 1, run.keys, run.values, run.queries)
        (found,) = _attend([cache], [run.queries])
        return found

    def _answered(self, messages: Sequence[bytes], questions: Sequence[Positions] | None = None) -> list[Symbols]:
        """Bob's answers to a batch of messages, whose readings advance together.

        In each round, every unfinished reading makes its next run, and one call answers the queries of all these runs.
        """
        # If each query is answered by itself, runs with the same own tokens are asked as one, of a state that is
        # decoded once: a last map of one token then costs what a wide one does.
        most = QUERIES_AT_ONCE if self.new_cache().has_answers_apart else None
        if questions is None:
            readings = [self.reduction.reading(most) for _ in messages]
        else:
            readings = [self.reduction.reading_of(positions, most) for positions in questions]
        runs = {number: next(reading) for number, reading in enumerate(readings)}
        symbols: dict[int, Symbols] = {}
        while runs:
            caches = [self._cache_holding(messages[number]) for number in runs]
            for cache, run in zip(caches, runs.values(), strict=True):
                _append(cache, self.reduction.schedule.n_scales - 1, run.keys, run.values, run.queries)
            answers = _attend(caches, [run.queries for run in runs.values()], self.reduction.thresholds)
            for number, found in zip(list(runs), answers, strict=True):
                try:
                    runs[number] = readings[number].send(found)
                except StopIteration as done:
                    symbols[number] = done.value
                    del runs[number]
        return [symbols[number] for number in range(len(messages))]

    def _check_settled(self, cache: LayeredCache, state: bytes) -> None:
        queries = next(self.reduction.reading()).queries
        copy = self._cache_holding(state)
        if _is_plain(cache) and _is_plain(copy):
            heads, asked = zip(cache.heads, copy.heads, strict=True), queries.reshape(-1, *queries.shape[2:])
            pairs = [(one, other, rows) for (one, other), rows in zip(heads, asked, strict=True)]
            if guarded(f"{cache.name}.question", lambda: all(asks_the_same(*pair) for pair in pairs)):
                return
        first, second = (_attend([one], [queries])[0] for one in (cache, copy))
        change = float(np.abs(first - second).max())
        if change > 2 * float(self.reduction.rounding):
            raise CacheContractBroken(
                f"{cache.name} must answer after encode() as its copy does after decode(encode()), "
                f"got answers {change:.3g} apart"
            )

    def new_cache(self) -> LayeredCache:
        """A fresh cache of the whole stack of layers and heads (`stack_of`)."""
        return stack_of(self.make_cache, self.reduction.stack)

    def claimed_ratio(self, message: bytes) -> Fraction | None:
        """The compression that the cache claims for a message, once it has decoded it, as a float's exact fraction.

        Contract: a claim that is no number, or that no float holds, raises CacheContractBroken.
        """
        cache = self._cache_holding(message)
        claimed = guarded(f"{cache.name}.claimed_ratio", lambda: cache.claimed_ratio)
        return None if claimed is None else guarded(f"{cache.name}.claimed_ratio", lambda: Fraction(float(claimed)))

    def _cache_holding(self, state: bytes | None) -> LayeredCache:
        cache = self.new_cache()
        if state is not None:
            call(cache, "decode", bytes(state))
        return cache


def _append(cache: LayeredCache, scale: int, keys: FloatArray, values: FloatArray, queries: FloatArray) -> None:
    """Append one scale to every layer of a cache; arrays have shape (n_layers, n_heads, n, d)."""
    for layer in range(len(keys)):
        call(cache, "append", layer, keys[layer], values[layer], scale, queries[layer])


def _is_plain(cache: LayeredCache) -> TypeGuard[PerHead]:
    """Whether the cache consists of separate heads that all answer by plain softmax."""
    return isinstance(cache, PerHead) and all(map(answers_by_softmax, cache.heads))


def _attend(
    caches: Sequence[LayeredCache], queries: Sequence[FloatArray], thresholds: FloatArray | None = None
) -> list[FloatArray]:
    """The answers of every cache to its queries; queries and answers have shape (n_layers, n_heads, m, d) per cache."""
    plain = [cache for cache in caches if _is_plain(cache)]
    if len(plain) < len(caches):
        return [_attended(cache, asked) for cache, asked in zip(caches, queries, strict=True)]
    rows = [head for asked in queries for layer in asked for head in layer]
    heads = [head for cache in plain for head in cache.heads]
    found = guarded(f"{plain[0].name}.attend", lambda: attend_at_once(heads, rows, thresholds))
    checked = iter([numbers(plain[0], answer, asked.shape) for answer, asked in zip(found, rows, strict=True)])
    return [np.array([next(checked) for layer in asked for _ in layer]).reshape(asked.shape) for asked in queries]


def _attended(cache: LayeredCache, queries: FloatArray) -> FloatArray:
    """The answers of one cache, asked layer by layer, shape (n_layers, n_heads, m, d)."""
    answers = []
    for layer, asked in enumerate(queries):
        found = call(cache, "attend", layer, asked)
        if len(found) != len(asked):
            raise CacheContractBroken(
                f"{cache.name}.attend must answer {counted(len(asked), 'head')}, got {len(found)}"
            )
        answers.append([numbers(cache, head, asked.shape[1:]) for head in found])
    return np.array(answers)


def stack_of(make_cache: Callable[[], Memory], stack: tuple[int, int]) -> LayeredCache:
    """A cache that serves `stack` = (layers, heads per layer).

    Contract: if `make_cache` makes a `LayeredCache`, that cache; otherwise a `PerHead` with one made cache per head. An
    exception of `make_cache` becomes CacheContractBroken.
    """
    made = guarded("its constructor", make_cache)
    if isinstance(made, LayeredCache):
        return made
    others = [guarded("its constructor", make_cache) for _ in range(stack[0] * stack[1] - 1)]
    return PerHead([made, *others], stack[0])


def numbers(cache: LayeredCache, found: Any, wanted: tuple[int, ...]) -> FloatArray:
    """The answer of `attend`, as a float64 array.

    Contract: anything but finite numbers of shape `wanted` raises CacheContractBroken.
    """
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
    """Call a method of a cache with copies of all arrays, because a cache may keep or change what it is given."""
    copies = [argument.copy() if isinstance(argument, np.ndarray) else argument for argument in arguments]
    return guarded(f"{cache.name}.{method}", lambda: getattr(cache, method)(*copies))


def guarded(what: str, action: Callable[[], Any]) -> Any:
    """The result of foreign code.

    Contract: an error of this package passes unchanged; any other exception, and SystemExit, becomes
    CacheContractBroken with one sentence, which says in which file and line it was raised.
    """
    try:
        return action()
    except LowerBoundError:
        raise
    except (Exception, SystemExit) as error:
        raise CacheContractBroken(
            f"the cache must not raise, but {what} raised {type(error).__name__}: {error}{raised_at(error)}"
        ) from error
