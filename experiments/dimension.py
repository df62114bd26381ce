"""Question: below which head dimension do keys have to cluster, so that a cache of clusters is small?

Claims that could be refuted: the clusters that SubGen opens for T random unit keys never outnumber the keys that are
certified to fit at the inner product of its radius, 7/8, and they grow until every key is alone, from d = 24 on: then
there is nothing that clusters spare. Cost: a minute.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.attack.black_box import BlackBox
from lowerbound.attack.instance import Instance
from lowerbound.caches.registry import find_cache
from lowerbound.caches.subgen import SubGen
from lowerbound.certify.dimension import greedy_keys, room
from lowerbound.core.attention import L2Norm, unit_rows
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.question import Terms, Tokens

SPEC: dict[str, Any] = {
    "tokens": 1024,
    "dimensions": [2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32],
    "seeds": [0, 1, 2],
    "alone": 24,
}
COHERENCE = 1 - Fraction(SubGen.DELTA) ** 2 / 2
"""Unit vectors that are SubGen's radius apart have this inner product."""


def opened(d: int, seed: int) -> tuple[int, int]:
    """Clusters that SubGen opens for random unit keys, and the bytes of its state."""
    side = math.isqrt(SPEC["tokens"])
    terms = Terms(ScaleSchedule(((side, side), (1, 1))), d, L2Norm(), budget=Fraction(1))
    coins = np.random.default_rng(seed)
    keys = unit_rows(coins.standard_normal((terms.schedule.n_tokens, d)))
    values = coins.random(keys.shape)
    box = BlackBox(find_cache("subgen"), terms, math.inf)
    state, _ = box.state_and_answers(Instance(terms, Tokens(keys, values, keys), keys[:1]))
    cache = find_cache("subgen")(terms.public)
    cache.decode(state)
    return len(cache._counts), len(state)  # type: ignore[attr-defined]


def run() -> Outcome:
    """Both sides for every dimension."""
    rows: list[dict[str, Any]] = []
    wrong = []
    for d in SPEC["dimensions"]:
        found = [opened(d, seed) for seed in SPEC["seeds"]]
        both = room(d, COHERENCE)
        clusters = [count for count, _ in found]
        rows.append(
            {
                "d": d,
                "tokens": SPEC["tokens"],
                "coherence": float(COHERENCE),
                "clusters": clusters,
                "state_bytes": [size for _, size in found],
                "at_most": both.at_most,
                "greedy": min(SPEC["tokens"], greedy_keys(d, COHERENCE)),
                "floor_bits": min(SPEC["tokens"], both.at_least) * d,
            }
        )
        if both.at_most is not None and max(clusters) > both.at_most:
            wrong.append(f"{max(clusters)} clusters in R^{d}, where {both.at_most} are certified to fit")
        if d >= SPEC["alone"] and min(clusters) < SPEC["tokens"]:
            wrong.append(f"only {min(clusters)} clusters in R^{d}")
    means = [sum(row["clusters"]) / len(row["clusters"]) for row in rows]
    if means != sorted(means):
        wrong.append("fewer clusters in a larger dimension")
    certified = [row for row in rows if row["at_most"] is not None]
    alone = next((row["d"] for row, mean in zip(rows, means, strict=True) if mean == SPEC["tokens"]), None)
    sentence = (
        f"of {SPEC['tokens']} random keys SubGen keeps {means[0]:.0f} clusters in R^{rows[0]['d']}, {means[1]:.0f} in "
        f"R^{rows[1]['d']}, all from R^{alone} on; never more than fit, certified up to R^{certified[-1]['d']}"
    )
    return save("dimension", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
