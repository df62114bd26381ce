"""The numbers behind the frontier explorer: floors on a grid of errors, and games that were played.

They take half an hour, so they are computed once by `python -m lowerbound.report.site explorer` and committed as
docs/explorer.json; tests recompute a part of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

from lowerbound.caches.guaranteed.word_tokens import cache_of
from lowerbound.caches.tournament import at_standard_budgets, tournament
from lowerbound.ceiling.achieved import cheapest
from lowerbound.certify.certified import LOGIT_CAP, certified
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import Model, find_model, models
from lowerbound.errors import InvalidArgument, LowerBoundError
from lowerbound.game.channel import Isolation, strongest
from lowerbound.game.reduction import plan_reduction

ETAS = tuple(map(Fraction, ("1/5", "1/10", "1/30", "1/100", "1/300", "1/1000", "1/10000")))
DELTAS = tuple(map(Fraction, ("0", "1/1000", "1/100", "1/10", "1/4")))
ALSO_PLAYED_ON = ("infinity-2b-0.06m", "star-d30-512")
"""Models other than that of the big table on whose geometry a few caches, ALSO_PLAYED, are played as well."""
ALSO_PLAYED = (
    *("full-fp16", "uniform", "kivi", "turboquant", "window", "h2o", "snapkv", "exact", "hamming", "golay"),
    *("majority", "random"),
)
ROW_KEYS = (
    *("cache", "family", "budget", "layers", "heads", "computation_model", "eta", "symbols", "state_bits"),
    *("errors", "error", "error_low", "error_high", "floor_bits", "ratio", "measured_ratio", "claimed_ratio"),
    *("ledger", "isolation", "seed"),
)

Row = dict[str, Any]


def geometry_of(model: Model) -> str:
    """The numbers on which the floors of one head depend: tokens cached, tokens of the last map, head dimension."""
    schedule = model.visible_schedule
    return f"{schedule.n_tokens_cached},{schedule.n_tokens - schedule.n_tokens_cached},{model.head_dim}"


def floors_of(model: Model, eta: Fraction, delta: Fraction) -> dict[str, Any]:
    """Bits per head: the certified floor of each theorem (None if it gives none), and the cheapest proved cache.

    Contract: every floor is VERIFIED by the kernel; errors are those of `certified`.
    """
    bits: dict[str, Any] = {}
    for name in THEOREMS:
        found = certified(model, eta=eta, delta=delta, theorem=name)
        bits[name] = None if found is None else found.bits
    best = cheapest(model.n_tokens_cached, model.head_dim, multiplier=LOGIT_CAP, eta=eta, failure_prob=delta)
    return {**bits, "cache": best.bits, "cache_name": cache_of(best)}


def grid(names: Sequence[str], watch: Callable[[str], None]) -> dict[str, Any]:
    """The table geometry -> eta -> delta -> floors for the geometries of these models, computed on all processors."""
    first_of = {geometry_of(model): model.name for model in reversed([find_model(name) for name in names])}
    largest_first = sorted(first_of, key=lambda key: -int(key.partition(",")[0]))
    table: dict[str, Any] = {key: {} for key in first_of}
    with ProcessPoolExecutor() as pool:
        running = {(key, eta): pool.submit(line, first_of[key], eta) for key in largest_first for eta in ETAS}
        for (key, eta), found in running.items():
            table[key][str(eta)] = found.result()
            watch(f"floors of {first_of[key]} at eta = {eta}")
    return table


def line(name: str, eta: Fraction) -> dict[str, Any]:
    """The table delta -> floors of one model at one error."""
    return {str(delta): floors_of(find_model(name), eta, delta) for delta in DELTAS}


def games(model: Model, names: Sequence[str], isolation: Isolation) -> list[Row]:
    """A row for each cache at each standard budget; a cache that cannot be played there raises."""
    plan = plan_reduction(Geometry.of(model))
    asked = at_standard_budgets(names, isolation)
    rows = []
    for _, outcome in tournament(
        plan, asked, trials=1, isolation=isolation, time_limit_s=120.0, on_wait=lambda _: None
    ):
        if isinstance(outcome, LowerBoundError):
            raise outcome
        rows.append(outcome.to_json())
    return rows


def compute(played: Path, watch: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """All data of the explorer: the rows of `make table`, games on further models, and the grid of floors.

    Raises
    ------
    InvalidArgument
        If `played` is not the table that `make table` writes.
    """
    if not played.is_file():
        raise InvalidArgument(f"the explorer must find the rows of `make table` in {played}, got no such file")
    big = json.loads(played.read_text(encoding="utf-8"))
    rows = {geometry_of(find_model(big["provenance"]["model"])): [shortened(row) for row in big["rows"]]}
    for name in ALSO_PLAYED_ON:
        watch(f"games on {name}")
        model = find_model(name)
        rows[geometry_of(model)] = [shortened(row) for row in games(model, ALSO_PLAYED, strongest())]
    return {"floors": grid([model.name for model in models()], watch), "games": rows}


def shortened(row: Row) -> Row:
    """The fields of a row that the explorer shows."""
    return {key: row[key] for key in ROW_KEYS}
