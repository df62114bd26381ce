"""Question: how near does any cache come to the floor 1 - H2(delta)?

Claim that could be refuted: every cache of model R1 lies on or above the floor at its measured error, and the covering
codes lie within a factor 1.5 of it. Cost: about a minute.
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any, Literal

from lowerbound import __version__
from lowerbound.caches.registry import play
from lowerbound.core.models import find_model
from lowerbound.errors import AccountingError
from lowerbound.game.reduction import Geometry, plan_reduction

Outcome = Literal["supported", "refuted", "undecided"]

SPEC: dict[str, Any] = {
    "model": "var-d16",
    "seed": 1,
    "trials": 8,
    "caches": [
        ["full-fp16", None],
        ["uniform", "1/4"],
        ["uniform", "1/8"],
        ["uniform", "1/16"],
        *[["window", f"{k}/8"] for k in range(1, 8)],
        *[["h2o", f"{k}/8"] for k in range(1, 8)],
        *[["window-scales", f"{k}/4"] for k in (2, 3)],
        *[[name, None] for name in ("exact", "majority", "hamming", "golay", "random", "recompute")],
    ],
    "claimed_factor": 1.5,
}
TABLE = Path("results/frontier.json")


def run() -> Outcome:
    """Play the spec, write results/frontier.json, print one sentence."""
    plan = plan_reduction(Geometry.of(find_model(SPEC["model"])), seed=SPEC["seed"])
    rows = []
    refuted = ""
    for name, budget in SPEC["caches"]:
        try:
            row = play(plan, name, budget=budget, trials=SPEC["trials"])
        except AccountingError as error:
            refuted = str(error)
            continue
        rows.append(row.to_json())
    codes = {row["cache"]: row["ratio"] for row in rows if row["family"] == "code" and row["cache"] != "majority"}
    far = {name: ratio for name, ratio in codes.items() if ratio is None or ratio > SPEC["claimed_factor"]}
    outcome: Outcome = "refuted" if refuted or far else "supported"
    provenance = {"spec": SPEC, "version": __version__, "python": platform.python_version()}
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(json.dumps({"provenance": provenance, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    nearest = ", ".join(f"{name} {ratio:.3f}" for name, ratio in codes.items())
    print(
        f"frontier: {outcome}: {len(rows)} caches on {SPEC['model']}, none under the floor; "
        f"codes use these multiples of it: {nearest}"
        if outcome == "supported"
        else f"frontier: {outcome}: {refuted or far}"
    )
    return outcome
