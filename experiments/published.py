"""Question: how many bits do published caches need on the hard family, and how many do they misread?

Both this package's caches and third-party implementations are played. Claim that could be refuted: no cache of model R1
lies under the floor at its measured error; a cache that evicts errs on half of the bits that it did not keep; a slot
state errs as a coin. Cost: three minutes on two cores.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from lowerbound import __version__
from lowerbound.caches.registry import CACHES, adapters_at_hand, known_caches
from lowerbound.caches.tournament import at_standard_budgets, tournament
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import LowerBoundError
from lowerbound.game.channel import strongest
from lowerbound.game.reduction import plan_reduction
from lowerbound.report.table import NO_KV_CACHE

Outcome = Literal["supported", "refuted", "undecided"]
Table = list[dict[str, Any]]

MODEL = "var-d16"
TABLE = Path("results/published.json")
PAGE = Path(__file__).parent.parent / "docs" / "caches.md"
EVICTION_SLACK = 0.02
"""The allowed distance of an evicting cache's error from (1 - kept share) / 2. Five standard deviations of a fair guess
of the 27136 bits of a head are 0.015; scores and counts in the state make the share look larger by less than 0.01."""
COINS = ("abc-mlp", "abc-mlp-separate", "abc-linformer", "abc-compressive", "lorc")
"""Caches that keep fixed linear functions of the tokens, in at most half of the dimensions: the claim for these is an
error rate above 0.45."""
RELATIVES = (
    ("full-fp16", "transformers:DynamicCache", "transformers:StaticCache"),
    ("window", "transformers:SlidingWindowCache"),
    ("streaming", "kvpress:StreamingLLMPress", "llama:StreamingLLMPress"),
    ("snapkv", "kvpress:SnapKVPress", "llama:SnapKVPress"),
    ("tova", "kvpress:TOVAPress", "llama:TOVAPress"),
    ("h2o", "kvpress:ObservedAttentionPress", "llama:ObservedAttentionPress"),
    ("pyramidkv", "kvpress:PyramidKVPress"),
    ("diffrate", "kvpress:MergingPress"),
    ("kivi", "transformers:QuantizedCache", "transformers:QuantoQuantizedCache"),
    ("abc-mlp", "fla:ABC"),
)
"""For each cache of this package, the third-party implementations of the same idea."""


def run() -> Outcome:
    """Play every cache that is installed, write results/published.json and docs/caches.md, print one sentence."""
    plan = plan_reduction(Geometry.of(find_model(MODEL)), guarantee="additive")
    adapters, missing = adapters_at_hand()
    level = strongest()
    games = at_standard_budgets([*CACHES, *adapters], level)
    rows: Table = []
    failures: dict[str, str] = {}
    for (name, budget), (_, outcome) in zip(
        games,
        tournament(
            plan,
            games,
            trials=1,
            isolation=level,
            time_limit_s=120.0,
            instances=PrivateSeed(0),
            on_wait=lambda _: None,
        ),
        strict=True,
    ):
        if isinstance(outcome, LowerBoundError):
            failures[name if budget is None else f"{name}@{budget}"] = str(outcome)
        else:
            rows.append(outcome.to_json())
    provenance = {"model": MODEL, "seed": plan.seed, "version": __version__, "python": platform.python_version()}
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"provenance": provenance, "missing": missing, "failures": failures, "rows": rows}, indent=1)
    TABLE.write_text(text + "\n", encoding="utf-8")
    broken = {**failures, **exceptions(rows)}
    outcome_of_claim: Outcome = "refuted" if broken else "undecided" if missing else "supported"
    if not missing:
        PAGE.write_text(page(rows), encoding="utf-8")
    told = f"{len(rows)} rows of {len({row['cache'] for row in rows})} caches on {MODEL}"
    reason = "none against it"
    if broken or missing:
        reason = f"against it: {broken}" if broken else f"not installed: {', '.join(missing)}"
    print(f"published: {outcome_of_claim}: {told}; {reason}")
    return outcome_of_claim


def exceptions(rows: Table) -> dict[str, str]:
    """The rows that contradict the claim, each with the reason."""
    against = {}
    for row in rows:
        name = row["cache"] if row["budget"] is None else f"{row['cache']}@{row['budget']}"
        kept = min(1.0, 1 / row["measured_ratio"])
        if row["family"] in ("eviction", "window") and abs(row["error"] - (1 - kept) / 2) > EVICTION_SLACK:
            against[name] = f"keeps {kept:.3f} of the pairs and errs on {row['error']:.4f}"
        if row["cache"] in COINS and row["error"] < 0.45:
            against[name] = f"a slot state that errs on {row['error']:.4f} only"
    return against


def page(rows: Table) -> str:
    """docs/caches.md: every cache at every budget, then this package's beside third-party implementations."""
    first = rows[0]
    lines = [
        "# Every cache against the floor",
        "",
        "<!-- Made by `make table`; do not edit. -->",
        "",
        "Each cache is played on the hard family of "
        f"`{MODEL}`: {first['symbols']:,} fair bits per head, seed {first['seed']}, isolation {first['isolation']}, "
        "one trial. Alice and Bob are separate processes, and the bytes are those that crossed. This is the teaching "
        "game: keys are public, and values are 0 or 1, which quantisers store exactly. So a quantiser may keep its "
        "promise here at a size at which [no cache can](floors.md) where keys are secret: "
        f"`lowerbound play kivi@1/8 --model {MODEL} --keys-and-values frames`.",
        "",
        "![Measured message size against error for every cache, and the proved floor below them](frontier.png)",
        "",
        "Every mark is a cache that was played: the bytes that crossed, and the share of bits that Bob then misread. "
        "The line is the theorem. A mark certainly below it would be an error of accounting, and the game stops.",
        "",
        "* **budget**: the nominal budget; `lowerbound caches --describe NAME` says what it means for this method.",
        "* **bytes**: the state that reached Bob, all heads together (8 heads where `(4x2)` stands).",
        "* **own accounting**: the bytes that the method itself would report (kept tokens, bits per value); this "
        "ignores scores, scales, indices and the uncompressed window.",
        "* **floor**: the lower bound: bytes that any cache needs for every error rate in the confidence interval.",
        "* **error**: the fraction of bits that Bob read wrongly; guessing gives 0.5.",
        "* **claimed**, **measured**: compression of fp16 keys and values, as the method itself would report it, "
        "and as measured.",
        "* **verdict**: for this game alone; *what is proved enough* is the cheapest cache with a proved error for its "
        "eta and largest logit.",
        f"* **{NO_KV_CACHE}**: a code of the game's own symbols, or a control.",
    ]
    families: dict[str, Table] = {}
    for row in rows:
        families.setdefault(row["family"], []).append(row)
    for family, members in families.items():
        lines += ["", f"## {family}", "", *_table(members)]
    lines += [
        "",
        "## Ours and the real implementations, side by side",
        "",
        "A cache of this package, and unmodified third-party code of the same idea. Where errors differ, the methods "
        "do: see the notes of each (`lowerbound caches --describe NAME`).",
        "",
        *_table([row for relatives in RELATIVES for name in relatives for row in rows if row["cache"] == name]),
        "",
    ]
    return "\n".join(lines)


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    lines = [
        "| cache | budget | bytes | own accounting | floor | error | x floor | claimed | measured | verdict |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        stack = "" if row["heads"] == 1 else f" ({row['layers']}x{row['heads'] // row['layers']})"
        claimed = row["claimed_ratio"]
        plain_bytes = 4 * row["symbols"]
        mark = "" if row["is_kv_cache"] else f" ({NO_KV_CACHE})"
        lines.append(
            f"| `{row['cache']}`{stack}{mark} | {row['budget'] or '-'} | {row['state_bits'] / 8:,.0f} "
            f"| {'-' if claimed is None else format(plain_bytes / claimed, ',.0f')} | {row['floor_bits'] / 8:,.0f} "
            f"| {row['error']:.4f} | {'-' if row['ratio'] is None else format(row['ratio'], ',.2f')} "
            f"| {'-' if claimed is None else format(claimed, '.2f') + 'x'} | {row['measured_ratio']:,.2f}x "
            f"| {row['verdict']} |"
        )
    return lines


def names_to_tell() -> list[str]:
    """Every name that the page must list: this package's caches and all adapters, installed here or not."""
    return [name for name, target in known_caches().items() if target.startswith("lowerbound.caches.")]
