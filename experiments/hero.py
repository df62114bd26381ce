"""Question: where do published and claimed compression ratios stand between what is forced and what is enough?

Claim that could be refuted: on every model here, KIVI, H2O, SnapKV and TurboQuant state sizes under the machine-checked
floor at eta = 1/100, so that none of them can be a guarantee. Cost: a minute.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from experiments.packages import packages
from experiments.table import Outcome, save
from lowerbound.certify.possible import possible
from lowerbound.certify.published_ratios import PUBLISHED_RATIOS
from lowerbound.core.models import find_place

Row = dict[str, Any]

SPEC: dict[str, Any] = {
    "models": [["var-d16", None], ["infinity-2b-1m", None], ["llama-3.1-8b", 8192]],
    "etas": ["1/10", "1/100", "1/1000"],
    "systems": ["KIVI", "H2O", "SnapKV", "TurboQuant"],
}
JUDGED_AT = "1/100"
AUDITED = Path(__file__).parent.parent / "docs" / "packages.json"
"""What the audits of packages found, by name and version; `make packages` renews it."""


def run() -> Outcome:
    """Write results/hero.json, and print one sentence."""
    rows = [*brackets(), *papers(), *audited(json.loads(AUDITED.read_text(encoding="utf-8")))]
    outcome = verdict(rows)
    floors = [row["checked"] for row in rows if row["kind"] == "bracket" and row["eta"] == JUDGED_AT]
    claims = [row["claim"] for row in rows if row["kind"] == "paper"]
    counted = sum(row["kind"] == "package" for row in rows)
    return save(
        "hero",
        SPEC,
        rows,
        outcome,
        f"at eta = {JUDGED_AT} at least {100 * min(floors):.1f} % of fp16 are forced (machine-checked), and "
        f"{len(claims)} papers state {100 * min(claims):.1f} to {100 * max(claims):.1f} %; {counted} audited packages",
    )


def brackets() -> list[Row]:
    """For each model and error, what is forced on a head and what is enough, as shares of its fp16 cache."""
    rows = []
    for name, context in SPEC["models"]:
        place = find_place(name, context)
        for eta in SPEC["etas"]:
            found = possible(place, ratio=1, eta=eta)
            plain = found.geometry.cache_bits
            if found.floor is None or found.checked is None:
                raise AssertionError(f"a floor is proved for {name} at eta = {eta}")
            rows.append(
                {
                    "kind": "bracket",
                    "model": name,
                    "tokens": found.geometry.n_tokens_cached,
                    "d": found.geometry.d,
                    "eta": eta,
                    "checked": found.checked.bits / plain,
                    "proved": found.floor.bits / plain,
                    "enough": found.achieved.bits / plain,
                }
            )
    return rows


def papers() -> list[Row]:
    """The share of fp16 that each system's headline states."""
    first = {
        name: next(one for one in PUBLISHED_RATIOS if one.system.partition(",")[0] == name) for name in SPEC["systems"]
    }
    return [{"kind": "paper", "name": name, "claim": float(1 / one.ratio)} for name, one in first.items()]


def audited(found: dict[str, Any]) -> list[Row]:
    """For each package that states a ratio and could be measured, the shares of fp16 that it states and that it holds.

    What it holds is told at 4,112 tokens in R^128 if it could be measured there, and else at 424 tokens in R^64.
    """
    rows = []
    for package in packages():
        audit = found.get(f"{package.name} {package.version}", {})
        held = (audit.get("long") or audit).get("held_ratio")
        if package.claimed_of_fp16 is not None and held is not None:
            claim = float(1 / package.claimed_of_fp16)
            rows.append({"kind": "package", "name": package.name, "claim": claim, "holds": 1 / held})
    return rows


def verdict(rows: Sequence[Row]) -> Outcome:
    """Refuted if a paper's share is not under a machine-checked floor at eta = 1/100."""
    judged = [row for row in rows if row["kind"] == "bracket" and Fraction(row["eta"]) == Fraction(JUDGED_AT)]
    floors = [Fraction(row["checked"]) for row in judged]
    claims = [Fraction(row["claim"]) for row in rows if row["kind"] == "paper"]
    return "supported" if floors and claims and max(claims) < min(floors) else "refuted"
