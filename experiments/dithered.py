"""Question: how often do dithered keys and values err by more than eta, where the question is chosen to make them?

Claim that could be refuted: no question that is fixed before the coins fails more often than delta, at the largest
spacing that is proved. Questions are climbed: the query moves and values flip as long as the (1 - delta / 10)-quantile
of the error grows, over coins that are then thrown away. Fresh coins count the failures, and the exact interval of
their rate must not lie above delta. Cost: two minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from experiments.table import Outcome, save
from lowerbound.ceiling.dithered import Dithered
from lowerbound.ceiling.lattices import FloatArray
from lowerbound.core.rows import unit_rows
from lowerbound.core.statistics import clopper_pearson

SPEC: dict[str, Any] = {
    "d": 64,
    "multiplier": 100,
    "tokens": 6,
    "etas": ["1/10", "1/100", "1/1000"],
    "deltas": ["1/10", "1/100"],
    "starts": ["one token", "two tokens", "near tokens", "axis"],
    "coins_to_climb": 4000,
    "moves": 150,
    "coins": 200_000,
    "seed": 0,
    "coarser": 1,
}
"""`coarser` multiplies the spacing that is proved: at 1 the promise is tested, above it the test itself."""


@dataclass(frozen=True)
class Dithers:
    """Rounding as the cache does it, for many draws of coins at once: coins shape (m, tokens, d) and (m, tokens)."""

    terms: Dithered
    of_keys: FloatArray
    of_values: FloatArray

    def key_errors(self, keys: FloatArray) -> FloatArray:
        """Decoded minus true keys, shape (m, tokens, d); no rotation, so that axes are axes of the grid."""
        spacing = SPEC["coarser"] * float(self.terms.spacing)
        scaled = keys / spacing
        found: FloatArray = (np.rint(scaled - self.of_keys) + self.of_keys - scaled) * spacing
        return found

    def values(self, values: FloatArray) -> FloatArray:
        """Decoded values, shape (m, tokens)."""
        steps = self.terms.steps
        found: FloatArray = (np.floor(steps * values - self.of_values + 0.5) + self.of_values) / steps
        return found


def drawn(terms: Dithered, coins: np.random.Generator, count: int) -> Dithers:
    """Fresh coins for `count` independent caches of SPEC["tokens"] tokens."""
    shape = count, SPEC["tokens"]
    return Dithers(terms, coins.random((*shape, terms.d)), coins.random(shape))


def answer_errors(
    query: FloatArray, keys: FloatArray, values: FloatArray, moved: FloatArray, decoded: FloatArray
) -> FloatArray:
    """|answer - exact| for each draw of coins, given the errors of keys and the decoded values."""
    logits = SPEC["multiplier"] * (keys @ query)
    exact = np.exp(logits - logits.max())
    truth = exact @ values / exact.sum()
    weights = exact * np.exp(SPEC["multiplier"] * (moved @ query))
    errors: FloatArray = np.abs((weights * decoded).sum(axis=1) / weights.sum(axis=1) - truth)
    return errors


def start(name: str, coins: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(query, keys, values) of a named start."""
    d, n = SPEC["d"], SPEC["tokens"]
    query = np.eye(d)[0] if name == "axis" else unit_rows(coins.standard_normal((1, d)))[0]
    wanted = {"one token": [0.9, *[0.0] * (n - 1)], "two tokens": [0.9, 0.9, *[0.0] * (n - 2)]}.get(name, [0.9] * n)
    aside = coins.standard_normal((n, d))
    aside = unit_rows(aside - np.outer(aside @ query, query))
    keys = np.outer(wanted, query) + np.sqrt(1 - np.square(wanted))[:, None] * aside
    return query, keys, (np.arange(n) % 2).astype(np.float64)


def climbed(name: str, terms: Dithered, coins: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A start after moves that raise the quantile: of the query, of a value between 0 and 1, or of a key's logit."""
    query, keys, values = start(name, coins)
    dithers = drawn(terms, coins, SPEC["coins_to_climb"])
    rank = 1 - float(terms.failure_prob) / 10
    moved, decoded = dithers.key_errors(keys), dithers.values(values)
    best = float(np.quantile(answer_errors(query, keys, values, moved, decoded), rank))
    for move in range(SPEC["moves"]):
        other, changed = query, values
        if move % 3:
            size = 0.3 * 0.97**move
            other = unit_rows((query + size * coins.standard_normal(len(query)) / len(query) ** 0.5)[None])[0]
        else:
            changed = values.copy()
            token = int(coins.integers(len(values)))
            changed[token] = 1 - values[token]
        there = dithers.values(changed)
        found = float(np.quantile(answer_errors(other, keys, changed, moved, there), rank))
        if found > best:
            best, query, values, decoded = found, other, changed, there
    return query, keys, values


def failures(eta: Fraction, delta: Fraction, name: str) -> dict[str, Any]:
    """One row: a climbed question, its failures over fresh coins, and the exact interval of their rate."""
    terms = Dithered.fit(
        SPEC["tokens"], SPEC["d"], multiplier=Fraction(SPEC["multiplier"]), eta=eta, failure_prob=delta
    )
    coins = np.random.default_rng([SPEC["seed"], SPEC["starts"].index(name)])
    query, keys, values = climbed(name, terms, coins)
    wrong, errors = 0, []
    for _ in range(0, SPEC["coins"], SPEC["coins_to_climb"]):
        dithers = drawn(terms, coins, SPEC["coins_to_climb"])
        found = answer_errors(query, keys, values, dithers.key_errors(keys), dithers.values(values))
        wrong += int((found > float(eta)).sum())
        errors.append(found)
    every = np.concatenate(errors)
    low, high = clopper_pearson(wrong, len(every))
    logits = SPEC["multiplier"] * (keys @ query)
    weights = np.exp(logits - logits.max())
    return {
        "eta": str(eta),
        "delta": str(delta),
        "start": name,
        "failures": wrong,
        "coins": len(every),
        "low": float(low),
        "high": float(high),
        "worst_over_eta": float(every.max() / float(eta)),
        "quantile_over_eta": float(np.quantile(every, 1 - float(delta)) / float(eta)),
        "largest_weight": float(weights.max() / weights.sum()),
    }


def run() -> Outcome:
    """Climb every start at every eta and delta, and print the table."""
    rows = [
        failures(Fraction(eta), Fraction(delta), name)
        for eta in SPEC["etas"]
        for delta in SPEC["deltas"]
        for name in SPEC["starts"]
    ]
    for row in rows:
        print(
            f"eta {row['eta']:>6}, delta {row['delta']:>5}, {row['start']:>11}: {row['failures']:>5} of {row['coins']} "
            f"fail, rate in [{row['low']:.2e}, {row['high']:.2e}]; (1 - delta)-quantile {row['quantile_over_eta']:.3f} "
            f"eta, worst {row['worst_over_eta']:.3f} eta, largest weight {row['largest_weight']:.2f}"
        )
    wrong = [row for row in rows if row["low"] > float(Fraction(row["delta"]))]
    most = max(row["failures"] / row["coins"] / float(Fraction(row["delta"])) for row in rows)
    furthest = max(row["quantile_over_eta"] for row in rows)
    sentence = (
        f"of {len(rows)} climbed questions none fails more often than delta; the most frequent failure is {most:.3f} "
        f"delta, and the largest (1 - delta)-quantile of an error {furthest:.3f} eta"
    )
    broken = "; ".join(f"{row['start']} at eta = {row['eta']} fails with rate above {row['low']:.4f}" for row in wrong)
    return save("dithered", SPEC, rows, "refuted" if wrong else "supported", broken or sentence)
