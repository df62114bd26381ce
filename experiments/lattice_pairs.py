"""Question: which caches give one state to two lists of lattice keys that Theorem E1's question tells apart?

Claim that could be refuted: for every pair of lattice points just too far apart to share a state, the exact outputs for
the theorem's question differ by more than 2 eta; and every cache here whose state is below the floor of Theorem E1 is
off by more than eta on one list of some pair. (The theorem says that such a cache fails on some list, not on which.)
Cost: two minutes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lowerbound.caches.registry import target_of
from lowerbound.certify.design.lattice_game import lattice_game
from lowerbound.certify.design.target import Target
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.bits import state_bits
from lowerbound.core.geometry import Geometry
from lowerbound.core.loading import load_cache
from lowerbound.core.models import find_model
from lowerbound.core.oracle.attention import attention
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.game.hard_family import FloatArray, Run
from lowerbound.game.index import Symbols
from lowerbound.game.lattice_pairs import LatticePairs
from lowerbound.game.protocol import CacheProtocol

Outcome = Literal["supported", "refuted", "undecided"]

TABLE = Path("results/lattice_pairs.json")
ETAS = (Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000))
CACHES = (
    ("full-fp16", None),
    ("uniform", "1/2"),
    ("kivi", "1/2"),
    ("kivi", "1/4"),
    ("turboquant", "1/4"),
    ("window", "1/2"),
    ("h2o", "1/4"),
    ("snapkv", "1/4"),
)
"""Names of caches and nominal budgets."""
PAIRS = 40


def exact(family: LatticePairs, symbols: Symbols, run: Run) -> FloatArray:
    """Float64 attention over the tokens of one head and a run, within `family.rounding` of the exact outputs."""
    keys, values = (rows[0, 0] for rows in family.tokens(symbols))
    outputs: FloatArray = attention(
        run.queries[0, 0],
        np.concatenate([keys, run.keys[0, 0]]),
        np.concatenate([values, run.values[0, 0]]),
        rule=family.rule,
    )
    return outputs


def played(family: LatticePairs, cache: str, budget: str | None, tokens: Sequence[int]) -> dict[str, Any]:
    """One cache on one pair of lists for each of these tokens: the lists differ in the key of that token alone."""
    public, made = family.public(None if budget is None else Fraction(budget)), load_cache(target_of(cache))
    protocol = CacheProtocol(family, lambda: made(public))
    symbols = family.symbols_of(family.draw(PrivateSeed(0), 0))
    state = protocol.alice(symbols)
    alike, wrong, least, worst = 0, 0, np.inf, 0.0
    for token in tokens:
        run = family.question(token)
        other = symbols.copy()
        other[token, -1] ^= 1
        states = [state, protocol.alice(other)]
        truths = [float(exact(family, each, run)[0, 0]) for each in (symbols, other)]
        answers = [float(protocol.answers(each, run)[0, 0, 0, 0]) for each in states]
        off = max(abs(answer - truth) for answer, truth in zip(answers, truths, strict=True))
        alike += states[0] == states[1]
        wrong += off > float(family.eta + 2 * family.rounding)
        least, worst = min(least, abs(truths[0] - truths[1])), max(worst, off)
    return {
        "cache": cache,
        "budget": budget,
        "eta": str(family.eta),
        "state_bits": state_bits(state),
        "pairs": len(tokens),
        "one_state": alike,
        "wrong": wrong,
        "least_difference_over_2_eta": least / (2 * float(family.eta)),
        "worst_error_over_eta": worst / float(family.eta),
    }


def rows_of(eta: Fraction, caches: Sequence[tuple[str, str | None]], pairs: int) -> list[dict[str, Any]]:
    """The rows of these caches on one head of VAR-256, with the floor of Theorem E1 in each."""
    place = Geometry.of(find_model("var-d16"))
    family = lattice_game(place, eta=eta)
    design = THEOREMS["E1"].design(Target(place, eta, Fraction(0)))
    assert design is not None
    tokens = np.random.default_rng(0).choice(place.n_tokens_cached, pairs, replace=False)
    return [
        {**played(family, cache, budget, [int(token) for token in tokens]), "floor_bits": int(design.bits)}
        for cache, budget in caches
    ]


def run() -> Outcome:
    """Play every eta, write results/lattice_pairs.json, print one sentence."""
    rows = [row for eta in ETAS for row in rows_of(eta, CACHES, PAIRS)]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    outcome = verdict(rows)
    below = [row for row in rows if row["state_bits"] < row["floor_bits"]]
    print(
        f"lattice_pairs: {outcome}: the closest pair differs by "
        f"{min(row['least_difference_over_2_eta'] for row in rows):.4f} times 2 eta; {len(below)} of {len(rows)} rows "
        f"are below the floor, and {sum(row['wrong'] > 0 for row in below)} of them are off on some pair"
    )
    return outcome


def verdict(rows: Sequence[dict[str, Any]]) -> Outcome:
    """Refuted by one pair that is not told apart, or by a cache below the floor that is right on all pairs."""
    apart = all(row["least_difference_over_2_eta"] > 1 for row in rows)
    caught = all(row["wrong"] > 0 for row in rows if row["state_bits"] < row["floor_bits"])
    return "supported" if apart and caught else "refuted"
