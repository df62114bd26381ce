"""Question: for which lambda, T and d does the floor hold, and where is a coreset of proved error smaller?

Claims that could be refuted: at the proved border, rounded up to the next thousandth, the game of additive eta = 1/10
is played without an error. Where a coreset is proved to keep fewer rows than there are tokens, it does so on random
tokens and on the hard family; there `covered` never errs by more than eta, and `sampled` errs by more than eta on at
most 1 % of the outputs. No point of the plane lies on both sides. Cost: a minute.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.caches.guaranteed.sampled import SampledTokens
from lowerbound.caches.registry import find_cache, play
from lowerbound.certify.phase import phase
from lowerbound.core.cache import Public
from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Grid
from lowerbound.core.keys.choice import best_family
from lowerbound.core.models import models
from lowerbound.core.oracle.attention import attention
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rows import unit_rows
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import plan_reduction

INSTANCES = PrivateSeed(0)
"""A seed that everybody knows, so that the rows are the same again: no cache here looks for it."""

SPEC: dict[str, Any] = {
    "dimensions": [3, 16, 64],
    "eta": "1/10",
    "delta": "1/100",
    "tokens": [2**k - 1 for k in range(4, 17)],
    "played": [
        ["sampled", 64, 0.25, 4096, False],
        ["sampled", 64, 0.25, 4096, True],
        ["sampled", 64, 1.25, 4096, True],
        ["sampled", 64, 2.5, 65536, False],
        ["sampled", 16, 2.5, 65536, False],
        ["covered", 3, 3.0, 4096, False],
        ["covered", 3, 12.0, 65536, False],
        ["covered", 64, 0.14, 1024, True],
        ["covered", 16, 0.16, 1024, False],
    ],
    "sides": [4, 8, 16, 32],
    "queries": 64,
    "seed": 0,
}


def at_border(side: int) -> dict[str, Any]:
    """The game just above the border, with side^2 cached tokens and a last map of one token."""
    place = Geometry("square", ScaleSchedule(((side, side), (1, 1))), SPEC["dimensions"][-1])
    border = phase(side * side, place.d, eta=SPEC["eta"], delta=SPEC["delta"]).floor_from
    assert border is not None
    multiplier = Fraction(math.floor(1000 * border) + 1, 1000)
    plan = plan_reduction(place, eta=SPEC["eta"], guarantee="additive", multiplier=multiplier)
    row = play(plan, "exact", isolation=Isolation.NONE, instances=INSTANCES)
    return {"kind": "game", "tokens": side * side, "lambda": float(multiplier), "errors": row.errors}


def coreset(name: str, d: int, multiplier: float, n: int, *, hard: bool) -> dict[str, Any]:
    """The rows and bits that a coreset keeps of n tokens in two maps, and the errors of its outputs.

    Keys are random, or with `hard` those of the best key family; half of the queries are keys, the others random.
    """
    coins = np.random.default_rng(SPEC["seed"])
    side = math.isqrt(n // 2)
    maps = ScaleSchedule(((side, side), (1, n - side * side), (1, 1)))
    eta = Fraction(SPEC["eta"])
    public = replace(
        Public(maps, d, L2Norm(multiplier), seed=SPEC["seed"]), grid=Grid.binary("additive", eta, Fraction(0))
    )
    values = (coins.random((n, d)) < 0.5).astype(np.float64)
    keys = best_family(n, d).keys(n, d).unit if hard else unit_rows(coins.standard_normal((n, d)))
    aimed = keys[coins.integers(0, n, SPEC["queries"] // 2)]
    queries = np.concatenate([aimed, unit_rows(coins.standard_normal((SPEC["queries"] // 2, d)))])
    state = b""
    for scale in range(2):
        cache: Any = find_cache(name)(public)
        if state:
            cache.decode(state)
        part = maps.rows_of(scale)
        cache.append(keys[part], values[part], scale)
        state = cache.encode()
    error = np.abs(cache.attend(queries) - attention(queries, keys, values, rule=public.rule))
    return {
        "kind": "played",
        "cache": name,
        "d": d,
        "family": "hard" if hard else "random",
        "lambda": multiplier,
        "tokens": n,
        "rows": len(cache.keys),
        "bits": 8 * len(state),
        "wrong": int((error > float(eta)).sum()),
        "of": error.size,
        "worst": float(error.max()),
    }


def exceptions(row: dict[str, Any]) -> list[str]:
    """Sentences by which a game of a coreset contradicts the claim; none if it agrees."""
    found = []
    where = f"{row['cache']} at T = {row['tokens']}, d = {row['d']}, lambda = {row['lambda']}"
    if row["rows"] >= row["tokens"]:
        found.append(f"{where} keeps all rows")
    allowed = {"covered": Fraction(0), "sampled": SampledTokens.FAILURE_PROB}[row["cache"]]
    if row["wrong"] > allowed * row["of"]:
        found.append(f"{where}: {row['wrong']} of {row['of']} outputs err by more than eta")
    return found


def run() -> Outcome:
    """Compute both borders for every T and d, play on both sides, and place the catalogued models."""
    rows: list[dict[str, Any]] = []
    wrong = []
    for d in SPEC["dimensions"]:
        for n in SPEC["tokens"]:
            found = phase(n, d, eta=SPEC["eta"], delta=SPEC["delta"])
            rows.append({"kind": "border", **found.to_json()})
            if found.floor_from is not None and found.coreset_to is not None and found.floor_from <= found.coreset_to:
                wrong.append(f"both at T = {n}, d = {d}")
    for side in SPEC["sides"]:
        row = at_border(side)
        rows.append(row)
        if row["errors"]:
            wrong.append(f"{row['errors']} bits misread at T = {row['tokens']}, lambda {row['lambda']}")
    for name, d, multiplier, n, hard in SPEC["played"]:
        row = coreset(name, d, multiplier, n, hard=hard)
        rows.append(row)
        wrong += exceptions(row)
    for model in models():
        if model.rule == "l2norm":
            rows.append({"kind": "model", "model": model.name, "tokens": model.n_tokens_cached, "d": model.head_dim})
    told = [row for row in rows if row["kind"] == "border" and row["d"] == SPEC["dimensions"][-1]]
    first, last = told[0], told[-1]
    small = [row for row in rows if row["kind"] == "border" and row["d"] == SPEC["dimensions"][0]][-1]
    sentence = (
        f"in R^{last['d']} the floor bites from lambda = {first['floor_from']:.1f} (T = {first['tokens']}) to "
        f"{last['floor_from']:.1f} (T = {last['tokens']}), and a proved coreset is smaller up to "
        f"{last['sampled_to']:.2f}, in R^{small['d']} up to {small['covered_to']:.1f}; between them neither is proved"
    )
    return save("phase", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
