"""Question: how does the memory that is needed grow when the error shrinks, and do real quantisers follow it?

Claim that could be refuted: every quantised cache whose answers keep an additive error of eta on the hard family of
that eta stores at least the bits of Theorem B and, with symbols in the keys, of Theorem C; the floor grows by one bit a
value for each halving of eta, to within a tenth, and none that stores fewer keeps its promise. Cost: half a minute.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

from experiments.table import Outcome, save
from lowerbound.caches.registry import play
from lowerbound.certify.floors import certified
from lowerbound.core.models import find_model
from lowerbound.errors import LowerBoundError
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import Geometry, plan_reduction

SPEC: dict[str, Any] = {
    "model": "var-d16",
    "etas": ["1/4", "1/10", "1/20", "1/50", "1/100", "1/200", "1/500", "1/1000"],
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
    """Play every quantiser on the hard family of each error, and set the certified floors beside."""
    model = find_model(SPEC["model"])
    rows: list[dict[str, Any]] = []
    wrong = []
    for text in SPEC["etas"]:
        eta = Fraction(text)
        floors = {}
        for theorem in ("B", "C", "C'"):
            found = certified(model, eta=eta, delta=0, theorem=theorem)
            floors[theorem] = None if found is None else found.bits
        plan = plan_reduction(Geometry.of(model), eta=eta, guarantee="additive", n_levels=None, multiplier=100)
        for cache, budget in SPEC["caches"]:
            try:
                played = play(plan, cache, budget=budget, isolation=Isolation.NONE)
            except LowerBoundError as error:
                rows.append(
                    {"eta": float(eta), "cache": cache, "budget": budget, "refused": str(error), **_floors(floors)}
                )
                continue
            keeps = played.errors == 0
            rows.append(
                {
                    "eta": float(eta),
                    "cache": cache,
                    "budget": budget,
                    "family": played.family,
                    "bits": played.state_bits,
                    "error": played.error,
                    "keeps": keeps,
                    **_floors(floors),
                }
            )
            if keeps and floors["B"] is not None and played.state_bits < floors["B"]:
                wrong.append(f"{cache} at {budget} keeps eta = {text} in {played.state_bits} bits")
    values = model.schedule.n_tokens_cached * model.head_dim
    by_eta = {row["eta"]: row["B_bits"] for row in rows}
    pairs = sorted(by_eta.items())
    steps = [
        (low[1] - high[1]) / values / math.log2(high[0] / low[0]) for low, high in pairwise(pairs) if high[0] <= 0.05
    ]
    if max(abs(step - 1) for step in steps) > SPEC["slack"]:
        wrong.append(f"a halving of eta costs {min(steps):.2f} to {max(steps):.2f} bits a value")
    keeping = sum(bool(row.get("keeps")) for row in rows)
    sentence = (
        f"{keeping} of {len(rows)} quantised caches read every symbol of the family of their eta, all above Theorem B; "
        f"a halving of eta costs {min(steps):.2f} to {max(steps):.2f} bits a value"
    )
    return save("errors", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)


def _floors(floors: dict[str, int | None]) -> dict[str, int | None]:
    return {f"{theorem}_bits": bits for theorem, bits in floors.items()}
