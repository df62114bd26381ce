"""Question: how does the required memory grow as the error shrinks, and does that of real quantizers follow?

Claim that could be refuted: every quantized cache that reads all symbols of the hard family of an additive error eta
stores at least the bits that are certified for that eta, of Theorem B for symbols in the values, and of Theorem C for
symbols in keys and values; and B's floor grows by one bit per value for each halving of eta, to within a tenth. Cost: a
minute.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

from experiments.table import Outcome, save
from lowerbound.caches.registry import play
from lowerbound.certify.certified import certified
from lowerbound.certify.design.payload_game import payload_game
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import AccountingError, LowerBoundError
from lowerbound.game.channel import Isolation
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.reduction import plan_reduction

INSTANCES = PrivateSeed(0)
"""A seed that everybody knows, so that the rows are the same again: no cache here looks for it."""

SPEC: dict[str, Any] = {
    "model": "var-d16",
    "etas": ["1/4", "1/10", "1/20", "1/50", "1/100", "1/200", "1/500", "1/1000"],
    "etas_of_c": ["1/10", "1/100", "1/1000"],
    "multiplier": 100,
    "caches": [
        *(["full-fp16", None], ["full-fp32", None]),
        *(["uniform", budget] for budget in ("1/8", "1/4", "1/2")),
        *(["kivi", budget] for budget in ("1/8", "1/4", "1/2")),
        *(["turboquant", budget] for budget in ("1/8", "1/4", "1/2")),
        *(["gear", budget] for budget in ("1/8", "1/4")),
    ],
    "slack": 0.1,
}


def run() -> Outcome:
    """Play every quantizer on the hard families of each error, and compare with the certified floors."""
    model = find_model(SPEC["model"])
    place = Geometry.of(model)
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for text in SPEC["etas"]:
        floor = certified(model, eta=Fraction(text), delta=0, theorem="B")
        plan = plan_reduction(place, eta=text, guarantee="additive", n_levels=None, multiplier=SPEC["multiplier"])
        rows += played(plan, "B", text, None if floor is None else floor.bits, wrong)
    for text in SPEC["etas_of_c"]:
        floor = certified(model, eta=Fraction(text), delta=0, theorem="C")
        family = payload_game(place, "C", eta=text, multiplier=SPEC["multiplier"])
        rows += played(family, "C", text, None if floor is None else floor.bits, wrong)
    values = model.schedule.n_tokens_cached * model.head_dim
    pairs = sorted({row["eta"]: row["floor_bits"] for row in rows if row["theorem"] == "B"}.items())
    steps = [
        (low[1] - high[1]) / values / math.log2(high[0] / low[0]) for low, high in pairwise(pairs) if high[0] <= 0.05
    ]
    if max(abs(step - 1) for step in steps) > SPEC["slack"]:
        wrong.append(f"a halving of eta costs {min(steps):.2f} to {max(steps):.2f} bits per value")
    told = []
    for theorem, what in (("B", "values"), ("C", "keys and values")):
        some = [row for row in rows if row["theorem"] == theorem and row.get("keeps")]
        least = min(row["bits"] / row["floor_bits"] for row in some)
        of = sum(row["theorem"] == theorem for row in rows)
        told.append(
            f"{len(some)} of {of} quantised caches read all {what} of the family of their eta, "
            f"with {least:.2f} times the bits of Theorem {theorem} or more"
        )
    sentence = f"{'; '.join(told)}; a halving of eta costs {min(steps):.2f} to {max(steps):.2f} bits per value"
    return save("errors", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)


def played(
    family: HardFamily, theorem: str, eta: str, floor_bits: float | None, wrong: list[str]
) -> list[dict[str, Any]]:
    """One row per cache; sentences about rows that refute the claim are added to `wrong`."""
    rows = []
    for cache, budget in SPEC["caches"]:
        row = {"theorem": theorem, "eta": float(Fraction(eta)), "floor_bits": floor_bits}
        row |= {"cache": cache, "budget": budget}
        try:
            found = play(family, cache, budget=budget, isolation=Isolation.NONE, instances=INSTANCES)
        except AccountingError as error:
            wrong.append(str(error))
            rows.append({**row, "refused": str(error)})
            continue
        except LowerBoundError as error:
            rows.append({**row, "refused": str(error)})
            continue
        keeps = found.errors == 0
        rows.append({**row, "family": found.family, "bits": found.state_bits, "error": found.error, "keeps": keeps})
        if keeps and (floor_bits is None or found.state_bits < floor_bits):
            wrong.append(f"{cache} at {budget} keeps eta = {eta} in {found.state_bits} bits, under Theorem {theorem}")
    return rows
