"""Every adapter by its name, and token sequences of whole stacks of heads to play it on."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.registry import ADAPTERS, find_cache
from lowerbound.caches.thirdparty.torch_tokens import TorchTokens
from lowerbound.core.bits import EncodedState
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.layered import LayeredCache
from lowerbound.core.rules import Rule, Scaled
from lowerbound.core.schedule import ScaleSchedule

MISSING = "torch is not installed here: `make thirdparty` makes an environment that has it, and runs this folder"
MARKS = [pytest.mark.thirdparty, pytest.mark.filterwarnings("ignore")]
"""Third-party code warns of its own future; that is not ours to fail on."""

PRESSES = tuple(name for name in ADAPTERS["llama"].classes if name in ADAPTERS["kvpress"].classes)
"""Presses that run on raw tensors and in a model."""
NAMES = tuple(f"{prefix}:{name}" for prefix, library in ADAPTERS.items() for name in library.classes)
SMALL = ScaleSchedule.square([1, 2, 4, 8])
WITH_PROMPT = ScaleSchedule.parse("1x1 2x3 4x5 6x8", n_context=3)


def adapter(name: str) -> type[TorchTokens]:
    """The class behind a name."""
    found = find_cache(name)
    assert issubclass(found, TorchTokens)
    return found


def stacks_of(name: str) -> list[tuple[int, int]]:
    """The stacks that a cache is tried on."""
    return [(2, 1), (2, 2)] if name == "kvpress:PyramidKVPress" else [(1, 1), (2, 2)]


AT_A_DESK = frozenset(
    f"{prefix}:{name}"
    for prefix, library in ADAPTERS.items()
    for names in library.modules.values()
    for name in (names if prefix == "transformers" else names[:2])
)
"""Adapters of one file differ in what they score by: a desk tries two of each file, and every cache of transformers; CI
tries all."""


def cases(names: Iterable[str]) -> list[Any]:
    """Names as cases of a test, those that a desk leaves out marked."""
    return [pytest.param(name, marks=[] if name in AT_A_DESK else [pytest.mark.slow]) for name in names]


PLAYED = [
    pytest.param(
        *(name, stack),
        id=f"{name}-{stack[0]}x{stack[1]}",
        marks=[pytest.mark.slow] if number or name not in AT_A_DESK else [],
    )
    for name in NAMES
    for number, stack in enumerate(stacks_of(name))
]


def public(
    stack: tuple[int, int] = (1, 1),
    *,
    schedule: ScaleSchedule = SMALL,
    d: int = 16,
    rule: Rule | None = None,
    budget: Fraction | None = None,
    seed: int = 0,
) -> Public:
    """What is public of a stack of heads."""
    return Public(schedule, d, rule or Scaled(), seed=seed, budget=budget, n_layers=stack[0], n_heads=stack[1])


def tokens(place: Public, seed: int = 0) -> FloatArray:
    """Normal keys, values and queries of all tokens, in float16, shape (3, n_layers, n_heads, n, d)."""
    shape = 3, place.n_layers, place.n_heads, place.schedule.n_tokens, place.d
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float16).astype(np.float64)


def give(cache: LayeredCache, rows: FloatArray, scale: int) -> None:
    """Append the tokens of one scale to every layer, as copies."""
    part = cache.public.schedule.rows_of(scale)
    for layer in range(cache.public.n_layers):
        keys, values, queries = rows[:, layer, :, part].copy()
        cache.append(layer, keys, values, scale, queries)


def answers(cache: LayeredCache, queries: FloatArray) -> FloatArray:
    """What all heads of all layers answer to (n_layers, n_heads, m, d) queries."""
    return np.array([cache.attend(layer, asked.copy()) for layer, asked in enumerate(queries)])


def holding(cache_class: type[TorchTokens], place: Public, state: bytes | None) -> TorchTokens:
    """A fresh cache that has decoded `state`, if there is one."""
    cache = cache_class(place)
    if state is not None:
        cache.decode(state)
    return cache


def states_of(cache_class: type[TorchTokens], place: Public, rows: FloatArray) -> list[EncodedState]:
    """The state after every scale before the last one; a fresh cache for every scale, as in the game."""
    states: list[EncodedState] = []
    for scale in range(place.schedule.n_scales - 1):
        cache = holding(cache_class, place, states[-1] if states else None)
        give(cache, rows, scale)
        states.append(cache.encode())
    return states
