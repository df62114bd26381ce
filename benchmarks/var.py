"""How long a random VAR-d16 image takes, beside its matrix products alone; ranks of VAR-256's pyramid."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from benchmarks.timing import Row, paired, seconds, within
from lowerbound.core.models import find_model
from lowerbound.core.pyramid.ranks import ChannelPyramid
from lowerbound.core.pyramid.resampling import VAR
from lowerbound.var.simulator.network import ffn_width, random_network, simulated
from lowerbound.var.simulator.pipeline import FullCache, generate

MODEL = "var-d16"
LIMIT_S = 60.0
LIMIT_TIMES = 3.0
RANKS_LIMIT_S = 10.0
ROUNDS = 3
"""How often the image and the products are timed, in turn."""


def products_seconds() -> float:
    """Seconds of the matrix products of one image alone, with the same shapes, precision and layout."""
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
    assert model.code_channels is not None
    word, head = normal(width, model.code_channels), normal(model.codebook_size, width)
    taken = 0.0
    for scale in range(model.schedule.n_scales):
        n = model.schedule.map_size(scale)
        seen = model.schedule.rows_of(scale).stop
        x, wide, code = normal(branches * n, width), normal(branches * n, hidden), normal(n, model.code_channels)
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


def ranks() -> None:
    """Compute all rank tables of VAR-256 exactly."""
    schedule = find_model(MODEL).schedule
    for scale in range(1, schedule.n_scales + 1):
        ChannelPyramid(schedule, VAR).reach(scale)


def rows() -> Iterator[Row]:
    """Rows for an image, compared with its products and with its limit, and for the rank tables."""
    network = random_network(simulated(MODEL))

    def image() -> None:
        generate(network, FullCache())

    pairs = [(seconds(image), products_seconds()) for _ in range(ROUNDS)]
    images, products = [a for a, _ in pairs], [b for _, b in pairs]
    what = "a random image, float32, both branches"
    yield within(what, MODEL, image, LIMIT_S, runs=1)
    yield paired(what, MODEL, images, "its matrix products alone", products, promised=LIMIT_TIMES)
    yield within("ranks of every scale's input, exactly", MODEL, ranks, RANKS_LIMIT_S)
