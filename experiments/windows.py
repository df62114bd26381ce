"""Question: which structure of attention lowers the floor, and is the floor then met?

Claims that could be refuted: a window over the last scales lowers the floor to the bits of those scales' tokens; no
cache stores less, and the exact code stores at most a tenth more. Locality in space does not lower the floor, because
every cached token lies under some query of the last map: no neighborhood of the queries, however narrow, leaves a token
out. Cost: seconds.
"""

from __future__ import annotations

from typing import Any

from experiments.table import Outcome, save
from lowerbound.caches.registry import play
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model, models
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import plan_reduction

INSTANCES = PrivateSeed(0)
"""A seed that everybody knows, so that the rows are the same again: no cache here looks for it."""

SPEC: dict[str, Any] = {"model": "var-d16", "windows": [1, 2, 3, 5, 9]}
CLOSE = 1.1


def visible(schedule: ScaleSchedule, n_scales: int) -> ScaleSchedule:
    """The schedule of the last `n_scales` cached scales and the last map."""
    return ScaleSchedule(schedule.shapes[-1 - n_scales :])


def uncovered(schedule: ScaleSchedule) -> int:
    """The number of cached tokens under no query of the last map, which the narrowest neighborhood would leave out."""
    *cached, last = schedule.shapes
    spared = 0
    for shape in cached:
        near = {(i * shape[0] // last[0], j * shape[1] // last[1]) for i in range(last[0]) for j in range(last[1])}
        spared += shape[0] * shape[1] - len(near)
    return spared


def run() -> Outcome:
    """Play windows over scales, and look for tokens that locality would spare."""
    place = Geometry.of(find_model(SPEC["model"]))
    rows: list[dict[str, Any]] = []
    wrong = []
    for n_scales in SPEC["windows"]:
        schedule = visible(place.schedule, n_scales)
        plan = plan_reduction(Geometry(f"last {n_scales} scales", schedule, place.d, place.rule_name), seed=0)
        for cache in ("exact", "full-fp16"):
            played = play(plan, cache, isolation=Isolation.NONE, instances=INSTANCES)
            rows.append(
                {
                    "structure": "scales",
                    "window": n_scales,
                    "tokens": schedule.n_tokens_cached,
                    "cache": cache,
                    "bits": played.state_bits,
                    "floor_bits": played.floor_bits,
                    "errors": played.errors,
                }
            )
            if played.state_bits < played.floor_bits:
                wrong.append(f"{cache} under the floor of {n_scales} scales")
    local = [model for model in models() if all(len(shape) == 2 for shape in model.visible_schedule.shapes)]
    spared = {
        model.name: uncovered(model.visible_schedule) for model in local if model.visible_schedule.n_tokens < 3000
    }
    wrong += [f"{name}: {count} tokens are near no query" for name, count in spared.items() if count]
    rows.append({"structure": "locality", "models": len(spared), "spared": sum(spared.values())})
    exact = [row for row in rows if row.get("cache") == "exact"]
    ratio = max(row["bits"] / row["floor_bits"] for row in exact)
    if ratio > CLOSE:
        wrong.append(f"the exact code is only within {ratio:.2f}")
    sentence = (
        f"windows over 1 to {max(SPEC['windows'])} scales force their own tokens' bits and no more, the exact code is "
        f"within {ratio:.2f} of them; on {len(spared)} models every cached token lies under some query, so that "
        "locality spares none"
    )
    return save("windows", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
