"""How long a random VAR-d16 image takes, beside its matrix products alone; ranks of VAR-256's pyramid."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

T = TypeVar("T")

MODEL = "var-d16"
PROMISED_S = 60.0
PROMISED_TIMES = 3.0
PROMISED_RANKS_S = 10.0
ROUNDS = 2
"""Of image and products in turn; the best of each counts, because others may use the machine."""


def products_seconds() -> float:
    """The matrix products of one image, of the same shapes, precision and layout, and nothing else."""
    from lowerbound.var.network import CODE_CHANNELS, ffn_width, simulated

    model = simulated(MODEL)
    width, heads, d, branches = model.width, model.n_heads, model.head_dim, model.cfg_branches
    generator = np.random.default_rng(0)

    def normal(*shape: int) -> np.ndarray:
        return generator.standard_normal(shape, dtype=np.float32)

    hidden = ffn_width(model)
    layers = [
        [normal(outputs, inputs) for outputs, inputs in ((3 * width, width), (width, width), (hidden, width))]
        + [normal(width, hidden)]
        for _ in range(model.n_layers)
    ]
    assert model.codebook_size is not None
    word, head = normal(width, CODE_CHANNELS), normal(model.codebook_size, width)
    taken = 0.0
    for scale in range(model.schedule.n_scales):
        n = model.schedule.map_size(scale)
        seen = model.schedule.rows_of(scale).stop
        x, wide, code = normal(branches * n, width), normal(branches * n, hidden), normal(n, CODE_CHANNELS)
        queries, keys = normal(branches, heads, n, d), normal(branches, heads, seen, d)
        values, weights = normal(branches, heads, seen, d), normal(branches, heads, n, seen)
        start = time.perf_counter()
        for qkv, projection, widen, narrow in layers:
            for rows, matrix in ((x, qkv), (x, projection), (x, widen), (wide, narrow)):
                rows @ matrix.T
            queries @ np.swapaxes(keys, -1, -2)
            weights @ values
        code @ word.T
        x @ head.T
        taken += time.perf_counter() - start
    return taken


def timed(action: Callable[[], T]) -> tuple[T, float]:
    """What an action returns, and its seconds."""
    start = time.perf_counter()
    done = action()
    return done, time.perf_counter() - start


def ranks_seconds() -> float:
    """All rank tables of VAR-256, exactly."""
    from lowerbound.core.models import find_model
    from lowerbound.var.ranks import Pyramid
    from lowerbound.var.resampling import VAR

    start = time.perf_counter()
    schedule = find_model(MODEL).schedule
    for scale in range(1, schedule.n_scales + 1):
        Pyramid(schedule, VAR).reach(scale)
    return time.perf_counter() - start


def run() -> None:
    """Print a table: what, seconds, promised, quotient."""
    from lowerbound.var.network import random_network, simulated
    from lowerbound.var.pipeline import FullCache, generate

    network, weights = timed(lambda: random_network(simulated(MODEL)))
    rounds = [(timed(lambda: generate(network, FullCache()))[1], products_seconds()) for _ in range(ROUNDS)]
    image, products = map(min, zip(*rounds, strict=True))
    ranks = ranks_seconds()
    rows = (
        (f"{MODEL}: a random image, float32, both branches", image, PROMISED_S),
        ("  its matrix products alone, in the same run", products, None),
        ("  image / (promised times its products)", image, PROMISED_TIMES * products),
        ("  its random weights", weights, None),
        (f"{MODEL}: ranks of every scale's input, exactly", ranks, PROMISED_RANKS_S),
    )
    for what, taken, promised in rows:
        limit = "" if promised is None else f"{promised:>8.1f} s{taken / promised:>8.2f}"
        print(f"{what:66}{taken:>8.2f} s{limit}")
