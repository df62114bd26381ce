"""Question: how do the required memory and the required lambda grow with the image and with the head?

Claims that could be refuted: the exact cache stores T d bits plus a constant, where T sums over all scales: it is
(4 n^2 - 1) / 3 tokens if sides double up to n, and n (n + 1) (2 n + 1) / 6 if they grow one by one. So log-log slopes
(least squares with 95 % intervals) are those of n^2 d and of n^3 d, not of n^2 alone. lambda grows as
2 ln n / (1 - mu), with every measured leakage under the proved one. Cost: ten seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.caches.registry import play
from lowerbound.core.bounds import LEAKAGE, MULTIPLIER
from lowerbound.core.geometry import Geometry
from lowerbound.core.oracle.attention import attention_weights
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import plan_reduction

INSTANCES = PrivateSeed(0)
"""A seed that everybody knows, so that the rows are the same again: no cache here looks for it."""

SPEC: dict[str, Any] = {
    "geometric": [4, 8, 16, 32],
    "linear": [4, 6, 9, 13, 18],
    "var": [
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        [1, 2, 3, 4, 5, 6, 8],
        [1, 2, 3, 4, 5, 6, 8, 10, 13],
        [1, 2, 3, 4, 6, 9, 13, 18, 24],
    ],
    "dimensions": [16, 32, 64, 128],
    "d": 64,
    "tau": "1/4",
    "expected": {"geometric n": 2, "linear n": 3, "geometric d": 1, "lambda": 2},
    "slack": 0.35,
}


def sides(kind: str, size: Any) -> list[int]:
    """The sides of the cached maps, the largest last; the map of the queries is one token."""
    if kind == "geometric":
        return [2**k for k in range(int(math.log2(size)) + 1)]
    return list(range(1, size + 1)) if kind == "linear" else list(size)


def measured(kind: str, size: Any, d: int) -> dict[str, Any]:
    """One head: the bits that the exact cache stores, the proved bits, and the leakage that its queries see."""
    maps = sides(kind, size)
    schedule = ScaleSchedule((*((side, side) for side in maps), (1, 1)))
    plan = plan_reduction(Geometry(f"{kind} {maps[-1]}", schedule, d), seed=0)
    row = play(plan, "exact", isolation=Isolation.NONE, instances=INSTANCES)
    weights = attention_weights(plan.queries, plan.keys.unit, rule=L2Norm(float(plan.multiplier)))
    own = weights[np.arange(len(plan.queries)), np.arange(len(plan.queries))]
    needed = MULTIPLIER.at_most(schedule.n_tokens, Fraction(SPEC["tau"]), plan.coherence)
    return {
        "kind": kind,
        "n": maps[-1],
        "d": d,
        "tokens": schedule.n_tokens_cached,
        "bits": row.state_bits,
        "floor_bits": row.floor_bits,
        "coherence": float(plan.coherence),
        "lambda": float(needed),
        "lambda_times_gap": float(needed * (1 - plan.coherence)),
        "leakage": float((1 - own).max()),
        "leakage_proved": float(LEAKAGE.at_most(schedule.n_tokens, plan.multiplier, plan.coherence)),
    }


def tokens_of(row: dict[str, Any]) -> int:
    """T in closed form, by the side n of the largest cached map; of VAR's sides, a sum."""
    n = int(row["n"])
    if row["kind"] == "var":
        return sum(side * side for side in next(sides for sides in SPEC["var"] if sides[-1] == n))
    return (4 * n * n - 1) // 3 if row["kind"] == "geometric" else n * (n + 1) * (2 * n + 1) // 6


def slope(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Least squares of y on x: the slope, and half of its 95 % interval."""
    from scipy.stats import linregress, t

    fit = linregress(xs, ys)
    return float(fit.slope), float(fit.stderr * t.ppf(0.975, len(xs) - 2))


def run() -> Outcome:
    """Measure, fit, compare."""
    rows = [measured(kind, size, SPEC["d"]) for kind in ("geometric", "linear", "var") for size in SPEC[kind]]
    rows += [measured("geometric", 8, d) for d in SPEC["dimensions"] if d != SPEC["d"]]
    at = [row for row in rows if row["d"] == SPEC["d"]]
    by_d = [row for row in rows if row["kind"] == "geometric" and row["n"] == 8]
    fits: dict[str, tuple[float, float]] = {}
    for kind in ("geometric", "linear", "var"):
        some = [row for row in at if row["kind"] == kind]
        logs = [math.log(row["n"]) for row in some]
        fits[f"{kind} n"] = slope(logs, [math.log(row["bits"]) for row in some])
        fits[f"{kind} floor n"] = slope(logs, [math.log(row["floor_bits"]) for row in some])
    fits["geometric d"] = slope([math.log(row["d"]) for row in by_d], [math.log(row["bits"]) for row in by_d])
    geometric = [row for row in at if row["kind"] == "geometric"]
    fits["lambda"] = slope([math.log(row["n"]) for row in geometric], [row["lambda_times_gap"] for row in geometric])
    wrong = [
        f"{name}: slope {fits[name][0]:.2f} +- {fits[name][1]:.2f}, expected {expected}"
        for name, expected in SPEC["expected"].items()
        if abs(fits[name][0] - expected) > max(fits[name][1], SPEC["slack"])
    ]
    wrong += [f"{row['kind']} {row['n']}" for row in rows if row["leakage"] > row["leakage_proved"] + 1e-12]
    wrong += [f"tokens of {row['kind']} {row['n']}" for row in rows if row["tokens"] != tokens_of(row)]
    beyond = {row["bits"] - row["tokens"] * row["d"] for row in rows}
    if len(beyond) != 1:
        wrong.append(f"the exact cache stores T d bits and between {min(beyond)} and {max(beyond)} more")
    told = ", ".join(f"{name}: {a:.2f} +- {b:.2f}" for name, (a, b) in fits.items() if "floor" not in name)
    for row in rows:
        row["fits"] = {name: list(fit) for name, fit in fits.items()}
    sentence = (
        f"the exact cache stores T d + {min(beyond)} bits everywhere; slopes of bits on a double logarithm, and of "
        f"lambda (1 - mu) on ln n: {told}; no leakage above the proved"
    )
    return save("scaling", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
