"""Question: below which head dimension do keys have to cluster, so that a cache of clusters is small?

Claims that could be refuted: the clusters that SubGen opens for T random unit keys never outnumber the keys that can,
as is certified, fit at the inner product of its radius, 7/8. Their number grows with d until, from d = 24 on, every key
has its own cluster and clustering saves nothing. A state with the opened number of clusters is never below the floor of
the keys that exist. Cost: a minute.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Instance
from lowerbound.caches.merged.subgen import SubGen
from lowerbound.certify.dimension import room
from lowerbound.core.models import models
from lowerbound.core.rows import unit_rows
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.question import Terms, TokenRows
from lowerbound.game.respondent import RespondentHere

SPEC: dict[str, Any] = {
    "tokens": 1024,
    "dimensions": [2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64, 96, 100, 104, 112, 120, 128],
    "seeds": [0, 1, 2],
    "alone": 24,
}
COHERENCE = 1 - Fraction(SubGen.DELTA) ** 2 / 2
"""Unit vectors that are SubGen's radius apart have this inner product."""


def subgen(d: int, seed: int, budget: Fraction) -> tuple[int, int]:
    """Clusters that SubGen opens for random unit keys, and the bits of its state."""
    side = math.isqrt(SPEC["tokens"])
    terms = Terms(ScaleSchedule(((side, side), (1, 1))), d, L2Norm(), budget=budget)
    coins = np.random.default_rng(seed)
    keys = unit_rows(coins.standard_normal((terms.schedule.n_tokens, d)))
    values = coins.random(keys.shape)
    box = BlackBox(RespondentHere(SubGen), terms, math.inf)
    state, _ = box.state_and_answers(Instance(terms, TokenRows(keys, values, keys), keys[:1]))
    cache = SubGen(terms.public)
    cache.decode(state)
    return len(cache.counts), 8 * len(state)


def run() -> Outcome:
    """Count keys and clusters for every dimension, and compare."""
    rows: list[dict[str, Any]] = []
    wrong = []
    for d in SPEC["dimensions"]:
        clusters = [subgen(d, seed, Fraction(1))[0] for seed in SPEC["seeds"]]
        enough = [
            subgen(d, seed, Fraction(count, SPEC["tokens"]))
            for seed, count in zip(SPEC["seeds"], clusters, strict=True)
        ]
        both = room(d, COHERENCE)
        floor_bits = min(SPEC["tokens"], both.at_least) * d
        rows.append(
            {
                "d": d,
                "tokens": SPEC["tokens"],
                "coherence": float(COHERENCE),
                "clusters": clusters,
                "state_bits": [bits for _, bits in enough],
                "at_most": both.at_most,
                "at_least": min(SPEC["tokens"], both.at_least),
                "floor_bits": floor_bits,
                "models": sorted(model.name for model in models() if model.head_dim == d),
            }
        )
        if both.at_most is not None and max(clusters) > both.at_most:
            wrong.append(f"{max(clusters)} clusters in R^{d}, where {both.at_most} are certified to fit")
        if [count for count, _ in enough] != clusters:
            wrong.append(f"{clusters} clusters do not fit in a state made for them in R^{d}")
        if min(bits for _, bits in enough) < floor_bits:
            wrong.append(f"a state under the floor of {floor_bits} bits in R^{d}")
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
