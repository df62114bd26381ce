"""Question: how do time and memory grow with tokens and dimension, and what would a video or a fleet cost?

Claims that could be refuted: the seconds of a game grow as T^2 and its messages as T d, each to within a quarter in the
exponent, and the memory of its process no faster than T by a quarter. From these a video of 160,371 tokens and ten
thousand pairs of a model and a cache are extrapolated, and marked as that; one game of 32,761 cached tokens in R^128 is
really played. Cost: two minutes.
"""

from __future__ import annotations

import math
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.scaling import slope
from experiments.table import Outcome, save
from lowerbound.caches.registry import play
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import Geometry, plan_reduction
from lowerbound.prove.book import load_book
from lowerbound.prove.verify import verify

SPEC: dict[str, Any] = {
    "sides": [16, 23, 32, 45, 64, 90],
    "d": 64,
    "dimensions": [16, 32, 64, 128],
    "side": 32,
    "caches": ["full", "full-fp16", "window", "uniform", "h2o", "exact"],
    "largest": [181, 128],
    "video_tokens": 160371,
    "fleet": 10_000,
    "expected": {"seconds T": 2.0, "bits T": 1.0, "bits d": 1.0},
    "slack": 0.25,
}


def game(side: int, d: int, cache: str = "full", repeats: int = 3) -> dict[str, Any]:
    """The quickest of a few games on side x side cached tokens and as many that ask."""
    schedule = ScaleSchedule(((side, side), (side, side)))
    plan = plan_reduction(Geometry(f"{side}", schedule, d), key_family=None, seed=0)
    best = math.inf
    bits = 0
    for _ in range(repeats):
        start = time.perf_counter()
        played = play(
            plan, cache, budget="1/4" if cache in ("window", "uniform", "h2o") else None, isolation=Isolation.NONE
        )
        best, bits = min(best, time.perf_counter() - start), played.state_bits
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {
        "kind": "game",
        "cache": cache,
        "tokens": side * side,
        "d": d,
        "seconds": best,
        "bits": bits,
        "peak_bytes": peak,
    }


def fitted(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """Slope and half of its interval on logarithms."""
    return slope([math.log(x) for x in xs], [math.log(y) for y in ys])


def run() -> Outcome:
    """Measure, fit, extrapolate."""
    rows: list[dict[str, Any]] = [game(side, SPEC["d"]) for side in SPEC["sides"]]
    by_t = list(rows)
    by_d = [game(SPEC["side"], d) for d in SPEC["dimensions"]]
    by_cache = [game(SPEC["side"], SPEC["d"], cache) for cache in SPEC["caches"]]
    rows += by_d + by_cache
    book = load_book(Path(__file__).parent.parent / "proofs")
    names = [lemma.id for lemma in book.lemmas]
    checks = []
    for count in (len(names) // 8, len(names) // 4, len(names) // 2):
        start = time.perf_counter()
        verify(book, only=names[:count], backends=["kernel", "computation"])
        checks.append({"kind": "lemmas", "lemmas": count, "seconds": time.perf_counter() - start})
    rows += checks
    # Small games are start-up more than work, so that the exponent of time is that of the larger half.
    large = by_t[len(by_t) // 2 :]
    fits = {
        "seconds T": fitted([row["tokens"] for row in large], [row["seconds"] for row in large]),
        "bits T": fitted([row["tokens"] for row in by_t], [row["bits"] for row in by_t]),
        "bits d": fitted([row["d"] for row in by_d], [row["bits"] for row in by_d]),
        "memory T": fitted(
            [row["tokens"] for row in large], [row["peak_bytes"] - by_t[0]["peak_bytes"] for row in large]
        ),
        "seconds d": fitted([row["d"] for row in by_d], [row["seconds"] for row in by_d]),
    }
    wrong = [
        f"{name}: {fits[name][0]:.2f} +- {fits[name][1]:.2f}, expected {expected}"
        for name, expected in SPEC["expected"].items()
        if abs(fits[name][0] - expected) > max(SPEC["slack"], fits[name][1])
    ]
    if fits["memory T"][0] > 1 + SPEC["slack"]:
        wrong.append(f"memory grows as T^{fits['memory T'][0]:.2f}")
    side, d = SPEC["largest"]
    last = game(side, d, "full-fp16", repeats=1)
    rows.append(last)
    video_s = last["seconds"] * (SPEC["video_tokens"] / last["tokens"]) ** 2
    fleet_s = SPEC["fleet"] * sum(row["seconds"] for row in by_cache) / len(by_cache)
    rows.append(
        {"kind": "extrapolated", "video_seconds": video_s, "fleet_seconds": fleet_s, "largest_tokens": last["tokens"]}
    )
    told = ", ".join(f"{name} {a:.2f} +- {b:.2f}" for name, (a, b) in fits.items())
    sentence = (
        f"exponents: {told}. Largest game played here: {last['tokens']} cached tokens in R^{last['d']}, "
        f"{last['seconds']:.0f} s. "
        f"Extrapolated, not run: a video's {SPEC['video_tokens']} tokens in R^128 {video_s / 60:.0f} minutes; "
        f"{SPEC['fleet']} games of {SPEC['side'] ** 2} tokens {fleet_s / 60:.0f} minutes of one processor"
    )
    return save("growth", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
