"""Question: how small an instance breaks each cache at a quarter of its budget, and how fast is it found?

Claim that could be refuted: every cache that drops, merges, samples or mixes tokens breaks a relative promise of 1/100
within a second of search, on at most 12 tokens, and an additive promise of 1/4 as well; float64 and float32, exact
symbols and token ids break neither, and caches with a proved additive error do not break an additive one. Cost: three
minutes on two cores, or ten with third-party code, whose witnesses are re-run in the same process because its libraries
load slowly.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from lowerbound import __version__
from lowerbound.adversary.outcome import Broken
from lowerbound.adversary.search import attack
from lowerbound.caches.registry import CACHES, adapters_at_hand, find_cache
from lowerbound.certify.witness import rerun, witness
from lowerbound.core.cache import NO_KV_CACHES
from lowerbound.core.grid import Guarantee
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import LowerBoundError
from lowerbound.game.channel import Isolation, strongest
from lowerbound.kernel.verdict import Outcome as Word
from lowerbound.report.table import marked

Outcome = Literal["supported", "refuted", "undecided"]
Table = list[dict[str, Any]]

BUDGET = Fraction(1, 4)
PROMISES: tuple[tuple[Guarantee, str], ...] = (("relative", "1/100"), ("additive", "1/4"))
TABLE = Path("results/attacks.json")
PAGE = Path(__file__).parent.parent / "docs" / "attacks.md"
FORGETFUL = ("eviction", "window", "merging", "sampling", "recurrent", "low-rank")
UNBROKEN = ("full", "full-fp32", "exact", "recompute")
MOST_TOKENS = 12
MOST_SECONDS = 1.0
FAITHFUL = ("sparse-ae", "sparse-ae-euclidean", "gear", "gear-l", "gear-kcvt")
"""Caches of the family low-rank that keep every dimension: at a quarter of the norm, or in a quantized backbone."""
TIME_LIMIT_S = 20.0
EXAMPLES = PrivateSeed(0)
"""Anybody can make the page's tokens again; none of these caches guesses them."""


def run() -> Outcome:
    """Attack every cache that is installed, write results/attacks.json and docs/attacks.md, print one sentence."""
    adapters, missing = adapters_at_hand()
    rows = [
        row for name in [*CACHES, *adapters] for guarantee, eta in PROMISES for row in [attacked(name, guarantee, eta)]
    ]
    provenance = {"version": __version__, "python": platform.python_version(), "isolation": str(strongest())}
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"provenance": provenance, "missing": missing, "rows": rows}, indent=1)
    TABLE.write_text(text + "\n", encoding="utf-8")
    PAGE.write_text(page(rows), encoding="utf-8")
    against = exceptions(rows)
    outcome: Outcome = "refuted" if against else "supported"
    n_broken = sum(row["verdict"] == "broken" for row in rows)
    told = f"{n_broken} of {len(rows)} promises of {len({row['cache'] for row in rows})} caches broken"
    print(f"attacks: {outcome}: {told}; {f'against it: {against}' if against else 'none against it'}")
    return outcome


def attacked(name: str, guarantee: Guarantee, eta: str) -> dict[str, Any]:
    """One row: the attack on one guarantee of one cache; a witness is re-run before it is reported."""
    level = strongest() if name in CACHES else Isolation.NONE
    row: dict[str, Any] = {"cache": name, "family": find_cache(name).family, "guarantee": guarantee, "eta": eta}
    try:
        outcome = attack(
            name,
            budget=BUDGET,
            guarantee=guarantee,
            eta=eta,
            instances=EXAMPLES,
            time_limit_s=TIME_LIMIT_S,
            isolation=level,
        )
    except LowerBoundError as error:
        return {**row, "verdict": "failed", "reason": str(error)}
    told = outcome.to_json()
    trials = told.pop("tried")
    row |= {**told, "asked": sum(trial["asked"] for trial in trials)}
    row["largest_ratio"] = max((trial["ratio"] for trial in trials if trial["ratio"] is not None), default=None)
    if isinstance(outcome, Broken):
        document = witness(name, outcome.violation)
        row |= {"bytes": len(document), "rerun": str(rerun(document, isolation=level).outcome)}
    return row


def exceptions(rows: Table) -> dict[str, str]:
    """The rows that contradict the claim, each with the reason."""
    against = {}
    for row in rows:
        name = f"{row['cache']} ({row['guarantee']} {row['eta']})"
        own = row["cache"] in CACHES
        if row["verdict"] == "failed":
            against[name] = row["reason"]
        elif row["verdict"] == "broken" and row["rerun"] != str(Word.VERIFIED):
            against[name] = f"its witness is {row['rerun']}"
        elif (row["cache"] in UNBROKEN or _is_proved(row)) and row["verdict"] == "broken":
            against[name] = f"broken by {row['attack']}"
        elif own and row["family"] in FORGETFUL and row["cache"] not in FAITHFUL:
            if row["verdict"] != "broken":
                against[name] = "not broken"
            elif row["tokens"] > MOST_TOKENS:
                against[name] = f"{row['tokens']} tokens"
            elif row["seconds"] > MOST_SECONDS:
                against[name] = f"{row['seconds']:.2f} s"
    return against


def _is_proved(row: dict[str, Any]) -> bool:
    return bool(row["family"] == "guaranteed" and row["guarantee"] == "additive")


def page(rows: Table) -> str:
    """docs/attacks.md: for each guarantee a table with one row per cache."""
    lines = [
        "# What breaks every cache",
        "",
        "<!-- Made by `python -m experiments attacks`; do not edit. -->",
        "",
        "Each cache of `lowerbound caches` is attacked at a quarter of its nominal budget, on small places first, and "
        "its first certain violation is shrunk to a smaller one. The answer in the table is that of a fresh process. "
        "Arb balls show that it is certainly outside the promise, and every witness has been asked again (`lowerbound "
        "attack CACHE --budget 1/4 -o FILE`, `lowerbound check FILE`). Libraries of third-party code load slowly, so "
        "that code is asked and asked again in one process here. eta is the error that an answer may have: of the "
        "answer itself where it is relative, of the range of values where it is additive.",
        "",
        "* **by**: the attack that found the violation. `gap` asks for a token at every place in turn; `starve` does "
        "so "
        "while no query needs the token. `null space` takes values that a linear state cannot distinguish; `subset "
        "sums`, bits that a state with few levels cannot distinguish. `census` picks values that amplify errors in the "
        "attention weights; `collision`, lists of bits that lead to the same state; `between levels`, values between "
        "the levels of a quantizer; `response`, keys so near to each other that their rounding changes the weights. "
        "`random bits` is the hard family of the theorem.",
        "* **tokens**: those of the shrunk instance, including those of the last map; **place**: its maps and head "
        "dimension.",
        "* **error / eta**: of the shrunk instance. The shrinker trades error for a simpler instance, and keeps an "
        "error "
        "of 10 eta, or half of the excess over eta if that is less.",
        "* **seconds**: search time until the first certain violation, on two busy cores.",
        "* *not broken* proves nothing: the row says how many instances were asked, and the largest error among them.",
        "",
        "The adversary keeps to fair inputs: keys of length 1/2 or more with entries up to 1, values 0 or in [1/256, "
        "1], "
        "logits up to 100, and under a relative promise true answers of 1/256 or more. Codes that know keys and levels "
        "are attacked on those, and marked *not a KV cache*; `recompute` is attacked on values that its public "
        "network makes.",
    ]
    for guarantee, eta in PROMISES:
        lines += ["", f"## {guarantee.capitalize()} eta = {eta}", "", *_table(rows, guarantee)]
    return "\n".join([*lines, ""])


def _table(rows: Sequence[dict[str, Any]], guarantee: Guarantee) -> list[str]:
    lines = [
        "| cache | family | by | tokens | place | answer | truth | error / eta | seconds | witness |",
        "|---|---|---|---:|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        if row["guarantee"] != guarantee:
            continue
        name = marked(f"`{row['cache']}`", row["family"] not in NO_KV_CACHES)
        start = f"| {name} | {row['family']} |"
        if row["verdict"] == "broken":
            lines.append(
                f"{start} {row['attack']} | {row['tokens']} | {row['place']} | {row['answer']:.4g} "
                f"| {row['exact']:.4g} | {row['error_over_eta']:,.3g} | {row['seconds']:.2f} | {row['bytes']:,} bytes |"
            )
        elif row["verdict"] == "not broken":
            ratio = "-" if row["largest_ratio"] is None else f"at most {row['largest_ratio']:.2g}"
            asked = f"{row['asked']:,} asked"
            lines.append(f"{start} *not broken* | - | {asked} | - | - | {ratio} | {row['total_seconds']:.2f} | - |")
        else:
            lines.append(f"{start} *failed* | - | {row['reason']} | - | - | - | - | - |")
    return lines
