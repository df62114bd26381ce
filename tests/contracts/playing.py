"""Token sequences, and caches played on them outside the game: a fresh cache for every scale, as the game does it."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeVar

import numpy as np

from lowerbound.core.cache import Cache, FloatArray, Public
from lowerbound.core.rules import Rule, Scaled
from lowerbound.core.schedule import ScaleSchedule

SMALL = ScaleSchedule.square([1, 2, 4, 8])
OBLONG = ScaleSchedule.parse("1x1 2x3 4x5 6x8 9x9", n_context=3)
UNEVEN = ScaleSchedule.square([1, 2, 3, 5])
VAR_256 = ScaleSchedule.square([1, 2, 3, 4, 5, 6, 8, 10, 13, 16])
PLACES = {"small": (SMALL, 16), "oblong": (OBLONG, 6), "uneven": (UNEVEN, 12), "var-256": (VAR_256, 64)}
"""Schedules, each with a head dimension."""

CacheT = TypeVar("CacheT", bound=Cache)


def public(
    schedule: ScaleSchedule, d: int, budget: Fraction | None = None, *, rule: Rule | None = None, seed: int = 0
) -> Public:
    """What is public of an instance with free keys and values."""
    return Public(schedule, d, rule or Scaled(), seed=seed, budget=budget)


def tokens(place: Public, seed: int = 0, *, halves: bool = True) -> FloatArray:
    """Normal keys, values and queries of all tokens, shape (3, n, d); with `halves`, rounded to float16."""
    rows = np.random.default_rng(seed).standard_normal((3, place.schedule.n_tokens, place.d))
    return rows.astype(np.float16).astype(np.float64) if halves else rows


def cached_pairs(place: Public, seed: int = 0) -> FloatArray:
    """Keys and values of the tokens before the last scale, shape (2, T, d), out of `tokens`."""
    return tokens(place, seed)[:2, : place.schedule.n_tokens_cached]


def holding(cache_class: type[CacheT], place: Public, state: bytes | None) -> CacheT:
    """A fresh cache that has decoded `state`, if there is one."""
    cache = cache_class(place)
    if state is not None:
        cache.decode(state)
    return cache


def give(cache: Cache, rows: FloatArray, scale: int) -> None:
    """Append the tokens of one scale, as copies."""
    part = cache.public.schedule.rows_of(scale)
    keys, values, queries = rows[:, part].copy()
    cache.append(keys, values, scale, queries)


def states_of(cache_class: type[Cache], place: Public, rows: FloatArray, n_scales: int | None = None) -> list[bytes]:
    """The state after each scale before the last one (or after each of the first `n_scales`)."""
    states: list[bytes] = []
    for scale in range(place.schedule.n_scales - 1 if n_scales is None else n_scales):
        cache = holding(cache_class, place, states[-1] if states else None)
        give(cache, rows, scale)
        states.append(cache.encode())
    return states


def remembering(cache_class: type[CacheT], place: Public, rows: FloatArray | None = None) -> CacheT:
    """A fresh cache that holds the state before the last scale; without `rows`, it was given `cached_pairs`."""
    return holding(cache_class, place, states_of(cache_class, place, tokens(place) if rows is None else rows)[-1])


def at_last_scale(cache_class: type[CacheT], place: Public, rows: FloatArray) -> tuple[CacheT, slice]:
    """A cache that holds that state and the last scale's own tokens, and the rows of those."""
    cache, last = remembering(cache_class, place, rows), place.schedule.n_scales - 1
    give(cache, rows, last)
    return cache, place.schedule.rows_of(last)


def at_once(cache_class: type[CacheT], place: Public, keys: FloatArray, values: FloatArray) -> CacheT:
    """A cache that was given these pairs in one scale, and encoded them."""
    cache = cache_class(place)
    cache.append(keys, values, 0)
    cache.encode()
    return cache
