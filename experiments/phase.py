"""Question: for which lambda and T does the floor bite, and where is a small sample of the tokens enough?

Claims that could be refuted: at the proved border, to the next thousandth, the game of additive eta = 1/10 is played
without an error; a sample of m tokens keeps that error with failure probability 1/100 a coordinate where Hoeffding's
inequality proves it, on the hard family and on random tokens; and no point of the plane is on both sides. Cost: half a
minute.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.caches.registry import play
from lowerbound.core.attention import L2Norm, attention, unit_rows
from lowerbound.core.bounds import MULTIPLIER
from lowerbound.core.keys.choice import best_family
from lowerbound.core.models import models
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import Geometry, plan_reduction

SPEC: dict[str, Any] = {
    "d": 64,
    "eta": 0.1,
    "delta": 0.01,
    "tokens": [2**k for k in range(4, 17)],
    "played": [[0.25, 4096], [0.5, 16384], [0.75, 32768], [0.9, 65536]],
    "sides": [4, 8, 16, 32],
    "trials": 200,
    "seed": 0,
}


def border(n: int, mu: Fraction) -> float:
    """The least lambda at which n keys of coherence mu leave a threshold for additive eta: tau = 1/2 - eta."""
    return float(MULTIPLIER.at_most(n, Fraction(1, 2) - Fraction(str(SPEC["eta"])), mu))


def coherence(n: int) -> Fraction:
    """That of the best n keys that are known."""
    family = best_family(n, SPEC["d"])
    bound = family.coherence_bound(n, SPEC["d"])
    return family.keys(n, SPEC["d"]).coherence if bound is None else bound


def sample_size(multiplier: float) -> int:
    """Tokens, drawn with replacement, whose mean answers one coordinate within eta but for delta.

    Numerator and denominator are means of m independent terms in [0, e^l], the denominator at least e^-l. If both are
    within s of theirs, the quotient is within 2 s / (e^-l - s), which is eta for s = eta e^-l / (2 + eta). Hoeffding:
    each of the two fails with probability at most 2 exp(-2 m s^2 / e^(2 l)).
    """
    low, high = math.exp(-multiplier), math.exp(multiplier)
    eta, delta = float(SPEC["eta"]), float(SPEC["delta"])
    s = low * eta / (2 + eta)
    return math.ceil(math.log(4 / delta) * high**2 / (2 * s * s))


def largest_multiplier(n: int) -> float:
    """The largest lambda at which a proved sample is smaller than n tokens; 0 where there is none."""
    low, high = 0.0, 20.0
    if sample_size(0.0) >= n:
        return 0.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sample_size(middle) < n else (low, middle)
    return low


def at_border(side: int) -> dict[str, Any]:
    """The game just above the border, with side^2 cached tokens and one that asks."""
    place = Geometry("square", ScaleSchedule(((side, side), (1, 1))), SPEC["d"])
    mu = coherence(side * side + 1)
    multiplier = Fraction(math.floor(1000 * border(side * side + 1, mu)) + 1, 1000)
    eta = Fraction(str(SPEC["eta"]))
    plan = plan_reduction(place, eta=eta, guarantee="additive", multiplier=multiplier)
    row = play(plan, "exact", isolation=Isolation.NONE)
    return {"kind": "game", "tokens": side * side, "lambda": float(multiplier), "errors": row.errors}


def sampled(multiplier: float, n: int, *, hard: bool) -> dict[str, Any]:
    """How often a proved sample errs by more than eta, over many queries and coordinates.

    On the hard family, whose keys are as far apart as they can be and are asked for one by one, or on random tokens.
    """
    coins = np.random.default_rng(SPEC["seed"])
    values = (coins.random((n, SPEC["d"])) < 0.5).astype(np.float64)
    if hard:
        keys = best_family(n, SPEC["d"]).keys(n, SPEC["d"]).unit
        queries = keys[:16]
    else:
        keys = unit_rows(coins.standard_normal((n, SPEC["d"])))
        queries = unit_rows(coins.standard_normal((16, SPEC["d"])))
    rule = L2Norm(multiplier)
    truth = attention(queries, keys, values, rule=rule)
    m = sample_size(multiplier)
    wrong = total = 0
    worst = 0.0
    for _ in range(max(1, SPEC["trials"] * 64 // m)):
        chosen = coins.integers(0, n, m)
        error = np.abs(attention(queries, keys[chosen], values[chosen], rule=rule) - truth)
        wrong += int((error > SPEC["eta"]).sum())
        total += error.size
        worst = max(worst, float(error.max()))
    return {
        "kind": "played",
        "family": "hard" if hard else "random",
        "lambda": multiplier,
        "tokens": n,
        "sample": m,
        "wrong": wrong,
        "of": total,
        "worst": worst,
    }


def run() -> Outcome:
    """Both borders for every T, samples played, and where the models of the catalogue lie."""
    rows: list[dict[str, Any]] = []
    wrong = []
    for n in SPEC["tokens"]:
        mu = coherence(n)
        row = {
            "kind": "border",
            "tokens": n,
            "coherence": float(mu),
            "floor_lambda": border(n, mu),
            "sample_lambda": largest_multiplier(n),
        }
        rows.append(row)
        if row["floor_lambda"] <= row["sample_lambda"]:
            wrong.append(f"both at T = {n}")
    for side in SPEC["sides"]:
        row = at_border(side)
        rows.append(row)
        if row["errors"]:
            wrong.append(f"{row['errors']} bits misread at T = {row['tokens']}, lambda {row['lambda']}")
    for (multiplier, n), hard in product(SPEC["played"], (False, True)):
        row = sampled(multiplier, n, hard=hard)
        rows.append(row)
        if row["wrong"] > SPEC["delta"] * row["of"] or row["sample"] >= n:
            wrong.append(f"a sample of {row['sample']} of {n} at lambda {multiplier}")
    for model in models():
        if model.rule == "l2norm":
            rows.append({"kind": "model", "model": model.name, "tokens": model.n_tokens_cached, "d": model.head_dim})
    told = [row for row in rows if row["kind"] == "border"]
    sentence = (
        f"in R^{SPEC['d']} the floor bites from lambda = {told[0]['floor_lambda']:.1f} (T = {told[0]['tokens']}) to "
        f"{told[-1]['floor_lambda']:.1f} (T = {told[-1]['tokens']}), a proved sample is smaller up to lambda = "
        f"{told[-1]['sample_lambda']:.2f}; between them neither is proved"
    )
    return save("phase", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
