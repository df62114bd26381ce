"""Question: what does a broken cache look at, where attention looks at one token of the pyramid?

Claim that could be refuted: for each cache below, the adversary finds a token of a small pyramid such that the cache's
own weights, measured by asking, put less than half of attention's weight on it. Cost: ten seconds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.attack.adversary import Broken, attack
from lowerbound.attack.black_box import BlackBox
from lowerbound.attack.response import weights_of
from lowerbound.caches.registry import find_cache
from lowerbound.core.attention import attention_weights
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import Geometry

SPEC: dict[str, Any] = {
    "maps": "1x1 2x2 3x3 4x4 6x6 8x8",
    "d": 32,
    "budget": "1/4",
    "caches": ["window", "h2o", "snapkv", "window-sum", "abc-mlp"],
    "missing": 0.5,
}


def run() -> Outcome:
    """Attack, ask the broken cache for all its weights, and set attention's beside them."""
    place = Geometry("pyramid", ScaleSchedule.parse(SPEC["maps"]), SPEC["d"])
    rows = []
    for name in SPEC["caches"]:
        outcome = attack(name, geometry=place, budget=SPEC["budget"], isolation=Isolation.NONE)
        if not isinstance(outcome, Broken):
            rows.append({"cache": name, "broken": False})
            continue
        found = outcome.first  # as it was found: the shrunk one asks for all tokens alike
        instance = found.instance
        box = BlackBox(find_cache(name), instance.terms, float("inf"))
        truth = attention_weights(instance.queries, instance.tokens.keys, rule=instance.terms.rule)[0]
        mine = weights_of(box, instance.tokens.keys, instance.queries)[found.layer, found.head, 0]
        target = int(np.argmax(truth - mine))
        rows.append(
            {
                "cache": name,
                "broken": True,
                "attack": outcome.attack,
                "maps": [list(shape) for shape in place.schedule.shapes],
                "truth": np.round(truth, 9).tolist(),
                "cache_weights": np.round(mine, 9).tolist(),
                "target": target,
                "answer": found.answer,
                "exact": found.exact,
                "error_over_eta": found.ratio,
            }
        )
    broken = [row for row in rows if row["broken"]]
    blind = [
        row for row in broken if row["cache_weights"][row["target"]] < SPEC["missing"] * row["truth"][row["target"]]
    ]
    supported = len(blind) == len(SPEC["caches"])
    sentence = (
        f"{len(broken)} of {len(rows)} caches at a quarter of their budget are broken on {SPEC['maps']}; "
        f"{len(blind)} give the token asked for less than half of its weight"
    )
    return save("maps", SPEC, rows, "supported" if supported else "refuted", sentence)
