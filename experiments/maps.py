"""Question: which tokens of the pyramid does a cache still know, when each is asked for by its own key?

Claim that could be refuted: each cache below, at a quarter of its budget, gives at least half of the tokens less than
half of the weight that attention gives them, and the adversary breaks it. Weights are measured by asking, with
indicators as values. Cost: ten seconds.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.attack.adversary import Broken, attack
from lowerbound.attack.black_box import BlackBox
from lowerbound.attack.response import weights_of
from lowerbound.attack.strategy import ask_for, distinct_keys
from lowerbound.caches.registry import find_cache
from lowerbound.core.attention import L2Norm, attention_weights
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.question import Terms
from lowerbound.game.reduction import Geometry

SPEC: dict[str, Any] = {
    "maps": "1x1 2x2 3x3 4x4 6x6 8x8 10x10",
    "d": 64,
    "budget": "1/4",
    "caches": ["window", "h2o", "snapkv", "subgen", "abc-mlp"],
    "half": 0.5,
}


def run() -> Outcome:
    """Ask every cache for every token, and let the adversary try."""
    schedule = ScaleSchedule.parse(SPEC["maps"])
    terms = Terms(schedule, SPEC["d"], L2Norm(), budget=Fraction(SPEC["budget"]))
    keys = distinct_keys(terms)
    queries = ask_for(terms, keys[: schedule.n_tokens_cached])
    tokens = np.arange(schedule.n_tokens_cached)
    truth = attention_weights(queries, keys, rule=terms.rule)[tokens, tokens]
    rows: list[dict[str, Any]] = [
        {"cache": "attention", "maps": [list(s) for s in schedule.shapes], "weights": np.round(truth, 6).tolist()}
    ]
    wrong = []
    for name in SPEC["caches"]:
        box = BlackBox(find_cache(name), terms, float("inf"))
        mine = weights_of(box, keys, queries)[0, 0][tokens, tokens]
        known = int((mine >= SPEC["half"] * truth).sum())
        outcome = attack(
            name, geometry=Geometry("pyramid", schedule, SPEC["d"]), budget=SPEC["budget"], isolation=Isolation.NONE
        )
        rows.append(
            {
                "cache": name,
                "maps": [list(shape) for shape in schedule.shapes],
                "weights": np.round(np.clip(mine, 0, 1), 6).tolist(),
                "known": known,
                "broken_by": outcome.attack if isinstance(outcome, Broken) else None,
            }
        )
        if 2 * known > len(tokens) or not isinstance(outcome, Broken):
            wrong.append(name)
    told = ", ".join(f"{row['cache']} {row['known']}" for row in rows[1:])
    sentence = (
        f"of {len(tokens)} tokens, a quarter of the budget leaves with half of their weight or more: {told}; "
        "all of these caches are broken"
    )
    return save("maps", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
