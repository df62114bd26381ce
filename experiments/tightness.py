"""Question: how far apart are the best floor and the cheapest proved cache, and where does the gap lie?

Claim that could be refuted: no cache with a proved error needs fewer bits than a certified floor, for any model of the
catalogue, error and failure probability; and Theorem E is within 13 % of the cheapest cache at eta = 1/1000. Cost: two
minutes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from lowerbound.caches.registry import cache_of
from lowerbound.ceiling.achieved import cheapest
from lowerbound.ceiling.code import Achieved
from lowerbound.certify.certified import LOGIT_CAP, certified, target_of
from lowerbound.certify.design.cliques import clique_shared_design
from lowerbound.certify.theorems import CHECKED, PROVED, THEOREMS, floors_with
from lowerbound.core.models import Model, find_model, models
from lowerbound.core.scalars import rounded_down, rounded_up

Outcome = Literal["supported", "refuted", "undecided"]
Row = dict[str, Any]

TABLE = Path("results/tightness.json")
PAGE = Path(__file__).parent.parent / "docs" / "floors.md"
ETAS = tuple(map(Fraction, ("1/10", "3/100", "1/100", "3/1000", "1/1000", "1/2048", "1/10000")))
DELTAS = (Fraction(0), Fraction(1, 100))
GEOMETRIES = ("var-d16", "star-d30-512", "infinity-2b-1m")
CLOSE = Fraction(113, 100)
EVERY_MODEL_AT = Fraction(1, 100)


def row_of(model: Model, eta: Fraction, delta: Fraction) -> Row:
    """Floors of every theorem and the cheapest proved cache, as fractions of the fp16 cache of a head."""
    plain = model.head_cache_bits
    floors: dict[str, float | None] = {}
    for name in THEOREMS:
        found = certified(model, eta=eta, delta=delta, theorem=name)
        floors[name] = None if found is None else found.bits / plain
    best = cheapest(model.n_tokens_cached, model.head_dim, multiplier=LOGIT_CAP, eta=eta, failure_prob=delta)
    checked = max((share, name) for name, share in floors.items() if share and THEOREMS[name].status(delta) == CHECKED)
    proved = max((share, name) for name, share in floors.items() if share and THEOREMS[name].status(delta) in PROVED)
    return {
        "model": model.name,
        "n_tokens_cached": model.n_tokens_cached,
        "d": model.head_dim,
        "cache_bits": plain,
        "eta": float(eta),
        "delta": float(delta),
        "floors": floors,
        "checked": checked[1],
        "proved": proved[1],
        "achieved": best.bits / plain,
        "cache": cache_of(best),
        "ratio_checked": best.bits / plain / checked[0],
        "ratio_proved": best.bits / plain / proved[0],
    }


def gap_of(model: Model, eta: Fraction) -> dict[str, float]:
    """Bits per token between the cheapest cache and Theorem E, by cause; they add up to the whole gap.

    * marker: value coordinate 0 carries no bits in the floor, but takes a cell in the cache;
    * covering: the cache uses lattice cells instead of balls of their covering radius;
    * two moved tokens: the log-odds of two stored tokens can move by twice what a read against Bob's exact token shows;
    * isolation: tilts stay below 90 degrees, and other tokens leak;
    * shared budget: the rest, from how eta is divided between values and keys.
    """
    target = target_of(model, eta=eta, delta=0)
    design = clique_shared_design(target)
    upper: Achieved = cheapest(target.n_tokens, target.d, multiplier=target.multiplier, eta=eta)
    d = target.d
    total = float(upper.bits_per_token) - design.bits / target.n_tokens
    lattice = upper.lattice
    ball = d / 2 * math.log(math.pi) - math.lgamma(d / 2 + 1)
    thickness = ball + d / 2 * math.log(float(lattice.covering_squared)) - math.log(float(lattice.volume_squared)) / 2
    spread = 4 * math.atanh(2 * float(eta))
    tilts = [float(Fraction(tilt)) for tilt in design.payload["chain"]]
    tau, first = (float(Fraction(design.payload[key])) for key in ("tau", "theta_0"))
    gap = spread + math.log1p(tau)
    near = first - math.acos(math.cos(first) + gap / float(target.multiplier))
    steepest = math.sin(tilts[-1]) - math.cos(tilts[-1]) * math.tan(near)
    causes = {
        "marker": math.log2(upper.n_cells),
        "covering": thickness / math.log(2),
        "two moved tokens": float(d - 1),
        "isolation": (d - 1) * math.log2(gap / spread / steepest),
    }
    return {**causes, "shared budget": total - sum(causes.values()), "total": total}


def run() -> Outcome:
    """Write results/tightness.json and docs/floors.md, and print one sentence."""
    table = [row_of(find_model(name), eta, delta) for name in GEOMETRIES for delta in DELTAS for eta in ETAS]
    first_of = {(m.n_tokens_cached, m.n_tokens, m.head_dim, m.rule): m for m in reversed(models())}
    lines = {
        key: {str(delta): row_of(model, EVERY_MODEL_AT, delta) for delta in DELTAS} for key, model in first_of.items()
    }
    every = [(m, lines[m.n_tokens_cached, m.n_tokens, m.head_dim, m.rule]) for m in models()]
    gaps = {str(eta): gap_of(find_model("var-d16"), eta) for eta in ETAS}
    outcome = verdict([*table, *(row for line in lines.values() for row in line.values())])
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(json.dumps({"rows": table, "gaps": gaps}, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(table, every, gaps), encoding="utf-8")
    near = next(row for row in table if row["model"] == "var-d16" and row["eta"] == 0.001 and row["delta"] == 0)
    print(
        f"tightness: {outcome}: {len(table)} floors of three geometries and one line for each of {len(every)} models; "
        f"cheapest proved cache over floor at eta = 1/1000, delta = 0: {near['ratio_proved']:.3f} (proved on paper), "
        f"{near['ratio_checked']:.3f} (machine-checked)"
    )
    return outcome


def verdict(rows: list[Row]) -> Outcome:
    """Refuted by a cache under a floor, or by a wider gap than claimed."""
    if any(share is not None and share > row["achieved"] for row in rows for share in row["floors"].values()):
        return "refuted"
    near = [row for row in rows if row["model"] == "var-d16" and row["eta"] == 0.001 and row["delta"] == 0]
    return "supported" if near and all(row["ratio_proved"] <= CLOSE for row in near) else "refuted"


def page(table: list[Row], every: list[tuple[Model, dict[str, Row]]], gaps: dict[str, dict[str, float]]) -> str:
    """The text of docs/floors.md."""
    lines = [
        "# Floors, and how tight they are",
        "",
        "<!-- Made by `python -m experiments tightness`; do not edit. -->",
        "",
        "These are lower bounds (floors) on the cache of one attention head, in model R1: a cache sees the keys and "
        "values of one head, which are free reals. Keys and queries are unit vectors, |logit| <= 100, values lie in "
        "[0, 1], and every answer is within eta (additive) with probability 1 - delta. Every floor is a certificate "
        f"that the kernel has verified, as `lowerbound floor` and `certify` print it. {who_checked(table)} Proofs: [F "
        "and F'](frames.md), [G](strips.md), and [D and E](cliques.md), which hold for delta = 0 alone. Coq alone "
        "proves more than E1 at delta = 0, by [chains of tilts](cliques.md#a-chain-of-tilts-counted); no certificate "
        "has these floors yet, so they have no column.",
        "",
        "`cache` is the best proved upper bound: some fixed-length code of this size keeps the error. It is an "
        "existence result; at delta > 0 the code is [dithered](dithered.md). Floors are rounded down, and what caches "
        "need up. Percentages are of the fp16 cache, which is the reference size only: at |logit| = 100 fp16 itself "
        "misses any error below eta = 0.009.",
        "",
        "![What is forced, and what is enough](tightness.png)",
        "",
        "## Three geometries",
    ]
    for name in GEOMETRIES:
        model = find_model(name)
        lines += [
            "",
            f"### {name}: T = {model.n_tokens_cached}, d = {model.head_dim}",
            "",
            f"| eta | delta | {' | '.join(THEOREMS)} | cache | cache / checked floor | cache / proved floor |",
            "|---|---|" + "---:|" * (len(THEOREMS) + 3),
        ]
        for row in table:
            if row["model"] == name:
                shares = " | ".join(percent(row["floors"][theorem], rounded_down) for theorem in THEOREMS)
                lines.append(
                    f"| {Fraction(row['eta']).limit_denominator(10**4)} | {row['delta']:g} | {shares} "
                    f"| {percent(row['achieved'], rounded_up)} | {rounded_up(row['ratio_checked'], 3)} "
                    f"({row['checked']}) | {rounded_up(row['ratio_proved'], 3)} ({row['proved']}) |"
                )
    causes = list(next(iter(gaps.values())))
    lines += [
        "",
        "## Where the gap lies",
        "",
        "The table divides the difference between the cheapest proved cache and Theorem E into its causes, in bits per "
        "token, for VAR-256 at delta = 0. *Marker*: value coordinate 0 carries nothing in the floor. *Covering*: "
        "lattice cells in place of balls. *Two moved tokens*: the log-odds of two stored tokens moves by twice what "
        "one token shows that is read against an exact one. *Isolation*: tilts below 90 degrees, and leaks. *Shared "
        "budget*: the rest, by how eta is divided between keys and values.",
        "",
        "| eta | " + " | ".join(causes) + " |",
        "|---|" + "---:|" * len(causes),
        *(f"| {eta} | " + " | ".join(f"{gaps[eta][cause]:.1f}" for cause in causes) + " |" for eta in gaps),
        "",
        "## Every model of the catalogue",
        "",
        f"At eta = {float(EVERY_MODEL_AT):g}: the best machine-checked floor and the best proved one, in kilobytes "
        "per head and in % of fp16.",
        "",
        "| model | T | d | checked, delta 0 | proved, delta 0 | cache, delta 0 | checked, delta 0.01 "
        "| proved, delta 0.01 | cache, delta 0.01 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for model, line in every:
        exact, coins = (line[str(delta)] for delta in DELTAS)
        cells = [
            told(exact, exact["floors"][exact["checked"]], exact["checked"]),
            told(exact, exact["floors"][exact["proved"]], exact["proved"]),
            told(exact, exact["achieved"], None),
            told(coins, coins["floors"][coins["checked"]], coins["checked"]),
            told(coins, coins["floors"][coins["proved"]], coins["proved"]),
            told(coins, coins["achieved"], None),
        ]
        lines.append(f"| `{model.name}` | {model.n_tokens_cached} | {model.head_dim} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def who_checked(table: list[Row]) -> str:
    """A sentence for each failure probability of the tables: whose floors a machine has checked, and whose not."""
    sentences = []
    for delta in DELTAS:
        lines = [row["floors"] for row in table if row["delta"] == float(delta)]
        names = [name for name in floors_with(*PROVED, delta=delta) if any(line[name] is not None for line in lines)]
        groups = [
            (proof, [name for name in names if THEOREMS[name].proof(delta) == proof])
            for proof in dict.fromkeys(theorem.proof(delta) for theorem in THEOREMS.values())
        ]
        told = "; ".join(f"**{', '.join(group)}** are {proof}" for proof, group in groups if group)
        sentences.append(f"At delta {'= 0' if not delta else '> 0'}: {told}.")
    return " ".join(sentences)


def percent(share: float | None, rounded: Callable[[float, int], str]) -> str:
    """A fraction as a percentage in text; a floor is rounded down, and what a cache needs up."""
    return "-" if share is None else rounded(100 * share, 2)


def told(row: Row, share: float, theorem: str | None) -> str:
    """A floor, or what a cache needs, as text: kilobytes, percentage of fp16, and the theorem."""
    rounded = rounded_up if theorem is None else rounded_down
    size = f"{rounded(share * row['cache_bits'] / 8000, 1)} kB, {rounded(100 * share, 1)} %"
    return size if theorem is None else f"{size} ({theorem})"
