"""Games: one beside the attention products that it contains, a thousand trials, what isolation costs, starting up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np

from benchmarks.timing import HEADER, Row, beside, seconds, told
from lowerbound.caches.registry import play
from lowerbound.core.models import find_model
from lowerbound.core.threads import one_thread
from lowerbound.game.channel import Isolation, strongest
from lowerbound.game.reduction import Geometry, plan_reduction

TRIALS = 20
CACHES = ("full", "window@1/4", "uniform@1/4", "h2o@1/4", "kivi@1/4", "subgen@1/4", "abc-mlp@1/4", "less-fitted@1/4")


def game(name: str, trials: int, isolation: Isolation = Isolation.NONE) -> Callable[[], object]:
    """So many trials of one cache on VAR-d16."""
    plan = plan_reduction(Geometry.of(find_model("var-d16")), seed=0)
    cache, _, budget = name.partition("@")
    return lambda: play(plan, cache, budget=budget or None, trials=trials, isolation=isolation)


def products(trials: int) -> Callable[[], None]:
    """The two products of Bob's attention, as many times as he asks: all cached tokens, among all that he sees."""
    model = find_model("var-d16")
    coins = np.random.default_rng(0)
    queries = coins.standard_normal((model.schedule.n_tokens_cached, model.head_dim))
    keys, values = coins.standard_normal((2, model.schedule.n_tokens, model.head_dim))

    def run() -> None:
        with one_thread():
            for _ in range(trials):
                queries @ keys.T @ values

    return run


def rows() -> list[Row]:
    """Games of several caches beside those products."""
    return [
        beside(
            f"{TRIALS} games of {name} on VAR-d16 (27136 symbols each)",
            game(name, TRIALS),
            "their attention products",
            products(TRIALS),
            runs=5,
            promised=5.0 if name == "full" else None,
        )
        for name in CACHES
    ]


def start_up(*words: str) -> float:
    """The least of five starts of Python with these words, in seconds."""
    return min(
        seconds(lambda: subprocess.run([sys.executable, *words], check=True, capture_output=True)) for _ in range(5)
    )


def run() -> None:
    """Print a table and single figures."""
    print(HEADER)
    for row in rows():
        print(row, flush=True)
    print()
    for name in ("full", "h2o@1/4"):
        print(f"1000 trials of {name}, one process: {told(seconds(game(name, 1000)))}; promised under 20 s")
    level = strongest()
    for name in ("full", "h2o@1/4"):
        inside, outside = (min(seconds(game(name, 1, where)) for _ in range(3)) for where in (Isolation.NONE, level))
        print(f"isolation {level} adds to a game of {name}: {told(outside - inside)}; promised under 1 s")
    print(f"import lowerbound: {told(start_up('-c', 'import lowerbound'))}; promised under 0.3 s")
    print(f"lowerbound --help: {told(start_up('-m', 'lowerbound', '--help'))}; promised under 0.3 s")
