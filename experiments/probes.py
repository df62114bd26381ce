"""Question: how many cached rows must be read for an answer, and which readers need fewer?

Claims that could be refuted: a reader that fixes its places before it looks is right with probability 1 - delta only if
it reads at least (1 - 2 delta) T rows; a hash table, hyperplanes and a tree answer every question with at most 4 log2 T
reads on average; recomputing from ids reads no row and pays in time. Cost: a quarter of a minute.
"""

from __future__ import annotations

import math
from typing import Any

from experiments.table import Outcome, save
from lowerbound.caches.registry import play
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.game.channel import Isolation
from lowerbound.game.probes import FixedPlaces, HashTable, Hyperplanes, Probed, RowReader, Scan, Tree, probe
from lowerbound.game.reduction import plan_reduction

INSTANCES = PrivateSeed(0)
"""A seed that everybody knows, so that the rows are the same again: no cache here looks for it."""

SPEC: dict[str, Any] = {
    "models": ["var-d16", "var-d36-512"],
    "shares": [0, 1, 2, 3, 4, 6, 7],
    "of": 8,
    "questions": 400,
    "planes": 8,
}
NORMAL = 4.0
"""Standard deviations of slack: a chance of 1 in 30,000 that a true claim is called refuted."""


def slack(found: Probed) -> float:
    """The sampling error of (1 - 2 delta) T in rows: delta is measured on a finite number of questions.

    All bits of a question are read or guessed together, so that the number of questions counts, not that of bits.
    """
    return NORMAL * 2 * found.tokens * math.sqrt(0.25 / found.questions)


def run() -> Outcome:
    """Play every reader on every model, and compare the time of recomputing with its memory."""
    rows: list[dict[str, Any]] = []
    wrong = []
    for name in SPEC["models"]:
        model = find_model(name)
        plan = plan_reduction(Geometry.of(model), seed=0)
        n_tokens = plan.schedule.n_tokens_cached
        readers: list[RowReader] = [FixedPlaces(n_tokens * share // SPEC["of"]) for share in SPEC["shares"]]
        for reader in (*readers, Scan(), HashTable(), Hyperplanes(SPEC["planes"]), Tree()):
            found = probe(reader, plan, questions=SPEC["questions"], instances=INSTANCES)
            rows.append({"model": name, **vars(found), "least_looks": found.least_looks})
            if not found.is_adaptive and found.looks < found.least_looks - slack(found):
                wrong.append(f"{found.reader} on {name} reads {found.looks:.0f} rows, error {found.error:.3f}")
            if found.is_adaptive and (found.error or found.looks > 4 * math.log2(n_tokens)):
                wrong.append(f"{found.reader} on {name} needs {found.looks:.1f} looks, error {found.error:.3f}")
        for cache in ("full", "recompute"):
            played = play(plan, cache, isolation=Isolation.NONE, instances=INSTANCES)
            rows.append({"model": name, "cache": cache, "bits": played.state_bits, "bob_seconds": played.bob_seconds})
    looks = {row["reader"]: row["looks"] for row in rows if row.get("is_adaptive")}
    sentence = (
        f"readers of fixed places read (1 - 2 delta) T rows at every share of T, within {NORMAL:.0f} standard "
        f"deviations; of the largest model's, a hash table needs {looks['hash table']:.0f} looks, hyperplanes "
        f"{looks['hyperplanes']:.1f}, a tree {looks['binary tree']:.1f}, and none of them errs"
    )
    return save("probes", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
