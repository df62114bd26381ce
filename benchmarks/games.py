"""Games: one game beside the attention products that it contains, a thousand trials, the cost of isolation.

The products are in float64 on one thread, as games are. Trials that share their keys are computed as one product. If
answers are read by a grid's thresholds and both rounding bounds allow it, that product is in float32
(`core.oracle.by_threshold`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.timing import Row, against, beside, seconds, within
from lowerbound.caches.registry import play
from lowerbound.core.decoder import paged
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.threads import one_thread
from lowerbound.game.channel import Isolation, strongest
from lowerbound.game.reduction import plan_reduction

TRIALS = 20
CACHES = ("full", "window@1/4", "uniform@1/4", "h2o@1/4", "kivi@1/4", "subgen@1/4", "abc-mlp@1/4", "less-fitted@1/4")


def game(name: str, trials: int, isolation: Isolation = Isolation.NONE) -> Callable[[], object]:
    """A run of `trials` trials of one cache on VAR-d16."""
    plan = plan_reduction(Geometry.of(find_model("var-d16")), seed=0)
    cache, _, budget = name.partition("@")
    return lambda: play(plan, cache, budget=budget or None, trials=trials, isolation=isolation)


def decoding(name: str, tokens: int) -> Callable[[], object]:
    """A run of one game on a decoder's head in R^128, whose last map is one token."""
    plan = plan_reduction(Geometry(f"{tokens} tokens", paged(tokens), 128), seed=0)
    cache, _, budget = name.partition("@")
    return lambda: play(plan, cache, budget=budget or None, isolation=Isolation.NONE, time_limit_s=600.0)


def products(trials: int) -> Callable[[], None]:
    """The two products of Bob's attention, once per trial: a query for every cached token, over all tokens."""
    model = find_model("var-d16")
    coins = np.random.default_rng(0)
    queries = coins.standard_normal((model.schedule.n_tokens_cached, model.head_dim))
    keys, values = coins.standard_normal((2, model.schedule.n_tokens, model.head_dim))

    def run() -> None:
        with one_thread():
            for _ in range(trials):
                queries @ keys.T @ values

    return run


def games() -> Iterator[Row]:
    """Rows of several caches: their games, compared with those products."""
    for name in CACHES:
        yield beside(
            f"{TRIALS} games of {name}",
            "var-d16: 27,136 symbols each",
            game(name, TRIALS),
            "their attention products",
            products(TRIALS),
            runs=5,
        )


def isolated_s(name: str) -> float:
    """Extra seconds of a game in processes of its own, beyond the same game in this process."""
    return seconds(game(name, 1, strongest())) - seconds(game(name, 1))


def rows() -> Iterator[Row]:
    """Rows for games beside their products, a thousand trials, and isolation."""
    size = "var-d16: 27,136 symbols"
    yield beside("one game of full", size, game("full", 1), "its attention products", products(1), promised=5.0)
    yield from games()
    for name in ("full", "h2o@1/4"):
        yield within(f"1000 trials of {name}, one process", "var-d16", game(name, 1000), 20.0, runs=1)
    for name in ("full", "h2o@1/4"):
        what = f"what isolation {strongest()} adds to a game of {name}"
        yield against(what, "var-d16", [partial(isolated_s, name)] * 5, 1.0)
    for name in ("full-fp16", "h2o@1/2", "kivi@1/8"):
        yield within(
            f"a decoder's head: {name}", "16,384 tokens in R^128, one own", decoding(name, 2**14), 20.0, runs=1
        )
    yield within(
        "a decoder's head: full-fp16", "131,072 tokens in R^128, one own", decoding("full-fp16", 2**17), 300.0, runs=1
    )
