"""Two pages of the site: every cache with its docstring, and every model with its floors."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from lowerbound.caches.description import description
from lowerbound.caches.registry import known_caches
from lowerbound.certify.theorems import CHECKED, PROVED, floors_with
from lowerbound.core.models import Model, models
from lowerbound.core.scalars import rounded_down
from lowerbound.report.site.explorer_floors import geometry_of
from lowerbound.report.site.proof_page import literal
from lowerbound.report.table import NO_KV_CACHE, marked

ETA, DELTA = "1/100", "0"
"""The error and the failure probability at which models are compared; the explorer has others."""


def caches_page() -> str:
    """The page of caches that can be played by name: a table per family, and the docstring of each cache in full."""
    told = [description(name) for name in known_caches()]
    families = list(dict.fromkeys(one["family"] for one in told))
    lines = [
        "# The caches, in their own words",
        "",
        f"{len(told)} names of `lowerbound caches`, in {len(families)} families; `lowerbound caches --describe NAME` "
        "prints one of them. What each was measured to need and to lose is on [the page of games](../caches.md), what "
        "breaks it on [the page of attacks](../attacks.md), and [ten minutes](../write_a_cache.md) are enough to add "
        "one. Codes keep the symbols of the game, controls keep nothing, and recomputation keeps token ids: they are "
        f"marked *{NO_KV_CACHE}*, and show where a lower bound (floor) is met.",
    ]
    for family in families:
        members = [one for one in told if one["family"] == family]
        lines += [
            "",
            f"## {marked(family, members[0]['is_kv_cache'])}",
            "",
            "| name | idea | nominal budget (default) | model | reference |",
        ]
        lines += ["|---|---|---|---|---|"]
        for one in members:
            budget = f"{one['budget']} ({one['default_budget'] or 'its own'})" if one["budget"] else "-"
            cells = (one["idea"], budget, one["computation_model"], one["reference"])
            row = " | ".join(literal(cell).replace("|", r"\|") for cell in cells)
            name = marked(f"`{one['name']}`", one["is_kv_cache"])
            lines.append(f"| {name} | {row} |")
        for one in members:
            lines += ["", f"### {literal(one['name'])}", "", "```text", *facts(one), "```"]
    return "\n".join([*lines, ""])


def facts(one: Mapping[str, Any]) -> list[str]:
    """Lines about one cache: its docstring, its class, and the command that plays it."""
    return [one["text"] or "It says nothing about itself.", "", f"class  {one['target']}", f"play   {one['play']}"]


def models_page(floors: Mapping[str, Any]) -> str:
    """The page of models: geometry, fp16 cache, floors at one error, and bits that suffice with public weights (R2)."""
    lines = [
        "# The models",
        "",
        f"{len(models())} released models and configurations (`lowerbound models`). T tokens are cached before the "
        "last scale; the cache is that of fp16 keys and values. Floors are of model R1, in % of the cache, at an "
        f"additive error of {ETA} that is never exceeded: the best that is machine-checked, and the best that is "
        "proved, if on paper. *R2* is what replaying the token ids needs when the weights are public: another "
        "computation model, paid in time. [The explorer](../explorer.md) has other errors, "
        "[the page of floors](../floors.md) the cheapest proved caches.",
    ]
    for family in dict.fromkeys(model.family for model in models()):
        lines += [
            "",
            f"## {literal(family)}",
            "",
            "| model | last map | T | d | layers × kv heads | CFG | fp16 cache | checked floor | proved floor | R2 |",
            "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
            *(row(model, floors[geometry_of(model)][ETA][DELTA]) for model in models() if model.family == family),
        ]
    return "\n".join([*lines, ""])


def row(model: Model, bits: Mapping[str, int | None]) -> str:
    """The table row of one model, from its floors in bits by theorem."""
    checked = max(floors_with(CHECKED, delta=Fraction(DELTA)), key=lambda name: bits[name] or 0)
    proved = max(floors_with(*PROVED, delta=Fraction(DELTA)), key=lambda name: bits[name] or 0)
    share = {
        name: f"{rounded_down(Fraction(100 * (bits[name] or 0), model.head_cache_bits), 1)} % ({name})"
        for name in (checked, proved)
    }
    last = "×".join(map(str, model.schedule.shapes[-1]))
    replay = "-" if model.replay_bits is None else f"{model.replay_bits / 8000:,.1f} kB"
    return (
        f"| `{model.name}` | {last} | {model.n_tokens_cached:,} | {model.head_dim} | {model.n_layers} × "
        f"{model.n_kv_heads} | {model.cfg_branches} | {model.cache_bytes / 1e6:,.1f} MB | {share[checked]} "
        f"| {share[proved]} | {replay} |"
    )
