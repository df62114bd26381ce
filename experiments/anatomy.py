"""Question: what does one reading of one bit look like, with every number in it?

Claim that could be refuted: on a small pyramid every query's weight on its own token is over the proved 1 - tau, every
output lies on its bit's side of the threshold, and so the answer to every question is right. Cost: a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.core.attention import attention, attention_weights
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.reduction import Geometry, plan_reduction

SPEC: dict[str, Any] = {
    "maps": "1x1 2x2 3x3 4x4 5x5",
    "d": 24,
    "keys": "greedy",
    "eta": "1/10",
    "seed": 3,
    "token": 21,
    "coordinate": 5,
}


def run() -> Outcome:
    """One reduction, written down."""
    schedule = ScaleSchedule.parse(SPEC["maps"])
    plan = plan_reduction(
        Geometry("small", schedule, SPEC["d"]), eta=SPEC["eta"], key_family=SPEC["keys"], seed=SPEC["seed"]
    )
    symbols = plan.draw(0)
    bits = plan.symbols_of(symbols) if symbols.ndim == 1 else symbols
    bits = bits.reshape(schedule.n_tokens_cached, SPEC["d"])
    keys = plan.keys.unit
    n_own = schedule.n_tokens - schedule.n_tokens_cached
    values = np.vstack([plan.grid.level_array[bits], np.zeros((n_own, SPEC["d"]))])
    queries = plan.queries[: len(bits)]
    weights = attention_weights(queries, keys, rule=plan.rule)
    outputs = attention(queries, keys, values, rule=plan.rule)
    own = weights[np.arange(len(bits)), np.arange(len(bits))]
    threshold = float(plan.grid.thresholds[0])
    read = outputs > threshold
    right = bool((read == bits.astype(bool)).all())
    heavy = bool((1 - own <= float(plan.leakage + plan.rounding)).all())
    rows = [
        {
            "maps": [list(shape) for shape in schedule.shapes],
            "bits": bits.tolist(),
            "gram": np.round(keys @ keys.T, 6).tolist(),
            "weights": np.round(weights[SPEC["token"]], 9).tolist(),
            "outputs": np.round(outputs[:, SPEC["coordinate"]], 9).tolist(),
            "token": SPEC["token"],
            "coordinate": SPEC["coordinate"],
            "coherence": str(plan.coherence),
            "family": plan.keys.family,
            "multiplier": float(plan.multiplier),
            "leakage": float(plan.leakage),
            "threshold": threshold,
            "eta": SPEC["eta"],
        }
    ]
    sentence = (
        f"all {bits.size} bits of {SPEC['maps']} in R^{SPEC['d']} are read at threshold {threshold:.3f}; "
        f"own weights are at least {own.min():.4f}, proved {1 - float(plan.leakage):.4f}"
    )
    return save("anatomy", SPEC, rows, "supported" if right and heavy else "refuted", sentence)
