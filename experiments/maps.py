"""Question: to which tokens does a broken cache give weight, and which tokens of the pyramid can it still return?

Claim that could be refuted: the adversary breaks each cache below at a quarter of its budget; on its witness the
cache's weights explain the wrong answer; and for at least half of the tokens, queried along their own key, each cache
gives the token less than half of the weight that attention gives it. Weights are measured by queries to a cache whose
values are indicators. Cost: ten seconds.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Violation
from lowerbound.adversary.outcome import Broken
from lowerbound.adversary.response import weights_of
from lowerbound.adversary.search import attack
from lowerbound.adversary.strategy import ask_for, distinct_keys
from lowerbound.caches.registry import find_cache
from lowerbound.core.geometry import Geometry
from lowerbound.core.oracle.attention import attention_weights
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.question import FloatArray, Terms
from lowerbound.game.respondent import RespondentHere

SPEC: dict[str, Any] = {
    "maps": "1x1 2x2 3x3 4x4 6x6 8x8 10x10",
    "d": 64,
    "budget": "1/4",
    "caches": ["window", "h2o", "snapkv", "subgen", "abc-mlp"],
    "witness": "snapkv",
    "half": 0.5,
    "explained": 1e-9,
}
EXAMPLES = PrivateSeed(0)
"""Anybody can make the tokens of this experiment again; none of its caches guesses them."""


def run() -> Outcome:
    """Attack every cache, measure the weights on one witness, and query every cache for every token."""
    schedule = ScaleSchedule.parse(SPEC["maps"])
    terms = Terms(schedule, SPEC["d"], L2Norm(), budget=Fraction(SPEC["budget"]))
    keys = distinct_keys(terms, EXAMPLES)
    queries = ask_for(terms, keys[: schedule.n_tokens_cached])
    tokens = np.arange(schedule.n_tokens_cached)
    truth = attention_weights(queries, keys, rule=terms.rule)[tokens, tokens]
    shown = {"maps": [list(shape) for shape in schedule.shapes]}
    rows: list[dict[str, Any]] = [{"kind": "known", "cache": "attention", **shown, "weights": _told(truth)}]
    wrong = []
    for name in SPEC["caches"]:
        box = BlackBox(RespondentHere(find_cache(name)), terms, float("inf"))
        mine = weights_of(box, keys, queries)[0, 0][tokens, tokens]
        known = int((mine >= SPEC["half"] * truth).sum())
        rows.append({"kind": "known", "cache": name, **shown, "weights": _told(np.clip(mine, 0, 1)), "known": known})
        outcome = attack(
            name,
            geometry=Geometry("pyramid", schedule, SPEC["d"]),
            budget=SPEC["budget"],
            instances=EXAMPLES,
            isolation=Isolation.NONE,
        )
        if 2 * known > len(tokens) or not isinstance(outcome, Broken):
            wrong.append(name)
        elif name == SPEC["witness"]:
            row = looked_at(name, outcome.violation)
            rows.insert(0, row)
            if abs(row["explained"] - row["answer"]) > SPEC["explained"]:
                wrong.append(f"the weights of {name} on its witness")
    told = ", ".join(f"{row['cache']} {row['known']}" for row in rows if "known" in row)
    sentence = (
        f"of {len(tokens)} tokens, a quarter of the budget leaves with half of their weight or more: {told}; "
        "all of these caches are broken"
    )
    return save("maps", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)


def looked_at(name: str, found: Violation) -> dict[str, Any]:
    """The weights that attention and the cache give to every token for the one query of a witness."""
    instance = found.instance
    true = attention_weights(instance.queries, instance.tokens.keys, rule=instance.terms.rule)[0]
    box = BlackBox(RespondentHere(find_cache(name)), instance.terms, float("inf"))
    mine = weights_of(box, instance.tokens.keys, instance.queries)[found.layer, found.head, 0]
    values = instance.tokens.values[:, found.coordinate]
    return {
        "kind": "witness",
        "cache": name,
        "maps": [list(shape) for shape in instance.terms.schedule.shapes],
        "truth": _told(true),
        "weights": _told(mine),
        "values": _told(values),
        "answer": found.answer,
        "exact": found.exact,
        "explained": float(mine @ values),
        "eta": float(instance.terms.eta),
        "guarantee": instance.terms.guarantee,
    }


def _told(weights: FloatArray) -> list[float]:
    numbers: list[float] = np.round(weights, 6).tolist()
    return numbers
