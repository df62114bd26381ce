"""Question: how near does any cache come to the floor 1 - H2(delta)?

Claim that could be refuted: every registered cache of model R1 lies on or above the floor at its measured error, and
the covering codes lie within a factor 1.5 of it. The games run as a sweep: rows that are in the store are not played
again. Cost: two minutes.
"""

from __future__ import annotations

from typing import Any

from experiments.table import RESULTS, Outcome, save
from lowerbound.caches.registry import CACHES, find_cache
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.sweep.engine import run_serial
from lowerbound.sweep.spec import spec_of
from lowerbound.sweep.store import Store

SPEC: dict[str, Any] = {
    "name": "frontier",
    "kind": "play",
    "models": ["var-d16"],
    "seeds": [1],
    "trials": 4,
    "caches": [
        *(f"{name}@{budget}" for name in CACHES for budget in ("1/8", "1/4", "1/2") if find_cache(name).budget_meaning),
        *(f"{name}@{k}/16" for name in ("window", "h2o") for k in (1, 3, 6, 10, 12, 14)),
        *(name for name in CACHES if not find_cache(name).budget_meaning),
    ],
}
INSTANCES = PrivateSeed(0)
"""A number that everybody knows: these caches are this package's own, and the table is to be the same every time."""
CLAIMED_FACTOR = 1.5


def run() -> Outcome:
    """Run the sweep, and compare every row with the floor."""
    spec = spec_of(SPEC)
    units = list(spec.units())
    RESULTS.mkdir(parents=True, exist_ok=True)
    with Store(RESULTS / "store.sqlite", write=True, secret=INSTANCES) as store:
        sweep = store.plan(spec.name, spec.model_dump_json(), units)
        run_serial(store, units)
        found = list(store.results(sweep))
    rows = [stored.row for stored in found if stored.row is not None]
    refused = [stored for stored in found if stored.row is None]
    under = [stored for stored in refused if stored.reason.startswith("AccountingError")]
    open_ = [stored for stored in refused if stored.outcome != "refused"]
    codes = {row["cache"]: row["ratio"] for row in rows if row["family"] == "code" and row["cache"] != "majority"}
    far = {name: ratio for name, ratio in codes.items() if ratio is None or ratio > CLAIMED_FACTOR}
    outcome: Outcome = "refuted" if under or far else "undecided" if open_ else "supported"
    nearest = ", ".join(f"{name} {ratio:.3f}" for name, ratio in sorted(codes.items(), key=lambda code: code[1] or 0))
    sentence = (
        f"{len(rows)} points of {len({row['cache'] for row in rows})} caches, none under the floor; "
        f"codes use these multiples of it: {nearest}"
    )
    problem = "; ".join(
        [*(f"{s.unit['cache']}: {s.reason}" for s in (*under, *open_)), *(f"{n}: {r}" for n, r in far.items())]
    )
    return save("frontier", SPEC, rows, outcome, problem or sentence)
