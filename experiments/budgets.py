"""Question: what does a budget mean, in bytes that must be sent to another process?

Claim that could be refuted: no method stores less than its own accounting says, which counts kept tokens or bits of
codes after rounding and leaves out scores, scales, sizes, indices and waiting tokens. Cost: a quarter of a minute.
"""

from __future__ import annotations

import statistics
from fractions import Fraction
from typing import Any

from experiments.table import Outcome, save
from lowerbound.caches.registry import CACHES, find_cache, play
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import AccountingError, LowerBoundError
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import plan_reduction

INSTANCES = PrivateSeed(0)
"""A seed that everybody knows, so that the rows are the same again: no cache here looks for it."""

SPEC: dict[str, Any] = {"model": "var-d16", "budgets": ["1/8", "1/4", "1/2"], "seed": 0}
LEAST = 1.0
"""How many times the bits that a method counts are sent, at least."""


def run() -> Outcome:
    """Play every cache that has a budget, and compare the bits it claims with the bits it sends."""
    plan = plan_reduction(Geometry.of(find_model(SPEC["model"])), seed=SPEC["seed"])
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for name in CACHES:
        if not find_cache(name).facts().budget_meaning:
            continue
        for budget in SPEC["budgets"]:
            row: dict[str, Any] = {"cache": name, "budget": budget}
            try:
                played = play(plan, name, budget=budget, isolation=Isolation.NONE, instances=INSTANCES)
            except LowerBoundError as error:
                rows.append({**row, "refused": str(error)})
                wrong += [str(error)] if isinstance(error, AccountingError) else []
                continue
            nominal = float(Fraction(budget))
            share = 1 / played.measured_ratio
            claimed = None if played.claimed_ratio is None else 1 / played.claimed_ratio
            rows.append(
                {
                    **row,
                    "family": played.family,
                    "nominal": nominal,
                    "claimed": claimed,
                    "measured": share,
                    "over_claim": None if claimed is None else share / claimed,
                    "ledger": played.ledger,
                }
            )
    played_rows = [row for row in rows if row.get("over_claim") is not None]
    under = [row for row in played_rows if row["over_claim"] < LEAST]
    ratios = [row["over_claim"] for row in played_rows]
    sentence = (
        f"{len(played_rows)} budgets of {len({row['cache'] for row in played_rows})} methods cost "
        f"{statistics.median(ratios):.2f} times what the method counts in the median, {max(ratios):.2f} at most"
    )
    wrong += [f"{row['cache']} at {row['budget']} stores less than it counts" for row in under]
    return save("budgets", SPEC, rows, "refuted" if wrong else "supported", "; ".join([*wrong, sentence]))
