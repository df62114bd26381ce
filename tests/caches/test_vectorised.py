"""Truth here: what a cache does for a scale is done to the whole scale, not to one token after another."""

from __future__ import annotations

import cProfile
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from lowerbound.caches.eviction.window import TokenWindow
from lowerbound.caches.registry import find_cache
from lowerbound.core.bits import BitWriter
from lowerbound.core.cache import Cache
from lowerbound.core.coins import Coins
from lowerbound.core.schedule import ScaleSchedule
from tests.contracts.playing import SMALL, public

FEW, MANY = 1024, 4096
D = 8
WHOLE = (
    *("full", "full-fp32", "full-fp16", "window", "window-scales", "h2o", "streaming", "snapkv", "tova"),
    *(
        "uniform",
        "kivi",
        "gear",
        "qjl",
        "turboquant",
        "subgen",
        "balancekv",
        "less-features",
        "less-fitted",
        "less-random",
    ),
    *("abc-mlp", "abc-linformer", "abc-cluster", "abc-random", "abc-compressive", "abc-window", "loma", "lorc"),
)

QUICK = ("full", "kivi")


def calls(name: str, n_tokens: int) -> int:
    """Functions, of Python and of C, called while a scale of so many tokens is taken in, asked and left."""
    side = int(n_tokens**0.5)
    place = replace(public(SMALL, D, Fraction(1, 4)), schedule=ScaleSchedule(((side, side), (side, side), (1, 1))))
    keys, values = Coins(0, f"rows/{n_tokens}").generator().standard_normal((2, n_tokens, D))
    made = find_cache(name)
    assert issubclass(made, Cache)
    cache = made(place)
    cache.append(keys, values, 0, keys)
    state = cache.encode()
    with cProfile.Profile() as profile:
        cache = made(place)
        cache.decode(state)
        cache.append(keys, values, 1, keys)
        cache.attend(keys)
        cache.encode()
    return sum(row.callcount for row in profile.getstats())


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in WHOLE]
)
def test_calls_do_not_grow_with_the_tokens(name: str) -> None:
    """Law: more tokens are less than three quarters of a function call more for each of them, for blocks of tokens."""
    calls(name, FEW)
    assert calls(name, MANY) - calls(name, FEW) < 3 * (MANY - FEW) / 4


class Looping(TokenWindow):
    """A window that looks at its tokens one by one."""

    def write(self, writer: BitWriter) -> None:
        """As the window, after a look at each token."""
        for key in self.keys:
            np.isfinite(key)
            key.sum()
        super().write(writer)


def test_a_loop_over_tokens_is_seen() -> None:
    """Forgery: a cache that looks at each token is told from one that does not."""
    target = f"{__name__}:Looping"
    calls(target, FEW)
    assert calls(target, MANY) - calls(target, FEW) >= 3 * (MANY - FEW) / 4
