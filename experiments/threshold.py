"""Question: at which head dimension does the game become playable, and does that dimension grow as c log T?

Claim that could be refuted: the least dimension in which T keys are separated enough for lambda = 16 lies above Welch's
bound for every family; it is at most the union bound for random keys, and at most 2 ln(T - 1) / mu^2 for greedy keys;
and for each family it grows as one constant times ln T, to within 25 %. Cost: half a minute.
"""

from __future__ import annotations

import math
import statistics
from fractions import Fraction
from typing import Any

from experiments.table import Outcome, save
from lowerbound.caches.registry import play
from lowerbound.core.bounds import LEAKAGE, UNION_BOUND, welch
from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.choice import find_family
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import plan_reduction

INSTANCES = PrivateSeed(0)
"""A seed that everybody knows, so that the rows are the same again: no cache here looks for it."""

SPEC: dict[str, Any] = {
    "multiplier": 16,
    "eta": "1/100",
    "sides": [8, 11, 16, 23, 32],
    "families": ["gaussian", "signs", "greedy"],
    "seeds": [0, 1, 2],
    "steady": 0.25,
}


def largest_coherence(n: int) -> float:
    """The coherence at which n keys still leave room for a threshold at this lambda: 2 tau < 1 - eta."""
    eta = Fraction(SPEC["eta"])
    return 1 - math.log(2 * (n - 1) / float(1 - eta)) / int(SPEC["multiplier"])


def is_playable(family: str, side: int, d: int, seed: int) -> bool:
    """Whether the reduction exists for side^2 cached tokens with keys of this family in R^d."""
    try:
        place = Geometry("square", ScaleSchedule(((side, side), (1, 1))), d)
        plan_reduction(place, eta=SPEC["eta"], multiplier=SPEC["multiplier"], key_family=family, seed=seed)
    except ImpossibleReduction:
        return False
    return True


def least(family: str, side: int, seed: int) -> int:
    """The least dimension in which the game is playable, found by doubling and then by bisection."""
    high = 4
    while not is_playable(family, side, high, seed):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_playable(family, side, middle, seed) else (middle, high)
    return high


def proved(side: int) -> dict[str, int]:
    """The proved dimensions: none below Welch's bound suffices; from their own on, greedy and random keys exist."""
    n, mu = side * side + 1, largest_coherence(side * side + 1)
    exact = Fraction(mu)
    d_welch = next(d for d in range(1, n + 1) if float(welch(n, d)) <= mu)
    d_greedy = math.floor(2 * math.log(n - 1) / mu**2) + 1
    d_union = next(d for d in range(1, 10**4) if UNION_BOUND.at_least(n, d, exact) < 1)
    return {"welch": d_welch, "greedy": d_greedy, "union": d_union}


def run() -> Outcome:
    """Search, play at the threshold, and compare."""
    rows = []
    for side in SPEC["sides"]:
        for family in SPEC["families"]:
            found = [least(family, side, seed) for seed in SPEC["seeds"]]
            d = max(found)
            place = Geometry("square", ScaleSchedule(((side, side), (1, 1))), d)
            plan = (
                plan_reduction(place, eta=SPEC["eta"], multiplier=SPEC["multiplier"], key_family=family, seed=0)
                if (is_playable(family, side, d, 0))
                else None
            )
            errors = None if plan is None else play(plan, "full", isolation=Isolation.NONE, instances=INSTANCES).errors
            keys = find_family(family).keys(side * side + 1, d)
            tau = float(LEAKAGE.at_most(side * side + 1, SPEC["multiplier"], keys.coherence))
            rows.append(
                {
                    "family": family,
                    "tokens": side * side,
                    "d": statistics.median(found),
                    "d_of_seeds": found,
                    "errors_there": errors,
                    "leakage": tau,
                    "largest_coherence": largest_coherence(side * side + 1),
                    **proved(side),
                }
            )
    wrong = [
        f"{row['family']} at T = {row['tokens']}"
        for row in rows
        if min(row["d_of_seeds"]) < row["welch"]
        or max(row["d_of_seeds"]) > row["greedy" if row["family"] == "greedy" else "union"]
        or row["errors_there"]
    ]
    slopes: dict[str, float] = {}
    for family in SPEC["families"]:
        # At a fixed lambda the allowed coherence shrinks with T, so that c = d mu^2 / ln T should stay constant.
        constants = [
            row["d"] * row["largest_coherence"] ** 2 / math.log(row["tokens"])
            for row in rows
            if row["family"] == family
        ]
        slopes[family] = statistics.mean(constants)
        if max(abs(c / slopes[family] - 1) for c in constants) > SPEC["steady"]:
            wrong.append(f"{family}: c between {min(constants):.2f} and {max(constants):.2f}")
    told = ", ".join(f"{family} {c:.2f}" for family, c in slopes.items())
    sentence = (
        f"the game starts at d = c ln T / mu^2 with c = {told} (a union bound proves 4, greedy keys 2), "
        f"always between Welch's bound and the proved one, T = {SPEC['sides'][0] ** 2} to {SPEC['sides'][-1] ** 2}"
    )
    return save("threshold", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
