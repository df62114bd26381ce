"""Tables and texts for a terminal: rows of games, the proof book, caches, models, floors and claims."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from rich.console import JustifyMethod

from lowerbound.certify.certified import Certified
from lowerbound.certify.floors import R1, Floor
from lowerbound.certify.theorems import PROVED, THEOREMS
from lowerbound.core.decoder import LanguageModel
from lowerbound.core.models import Model
from lowerbound.core.scalars import counted, plainly, rounded_down, rounded_up
from lowerbound.core.sums import realised_streams
from lowerbound.errors import printable
from lowerbound.game.duel import Row
from lowerbound.game.tally import Part
from lowerbound.prove.verify import Report
from lowerbound.report.fitted import Fitted

NO_KV_CACHE = "not a KV cache"

COQ_ALONE = {
    "E1": "Coq alone proves more than Theorem E1, by chains of tilts (lemma clique_tilts), which no certificate has "
    "yet: docs/cliques.md."
}
"""By theorem: what is proved beyond its certificates, and where it stands."""


def label(row: Row) -> str:
    """The name of a row: its cache, with its nominal budget if it has one, and layers x heads unless it is one head."""
    name = printable(row.cache if row.budget is None else f"{row.cache}@{row.budget}")
    return name if row.heads == 1 else f"{name} ({row.layers}x{row.heads // row.layers})"


def marked(name: str, is_kv_cache: bool) -> str:
    """A name as lists of games have it: codes and controls are told from KV caches."""
    return name if is_kv_cache else f"{name} ({NO_KV_CACHE})"


def error_text(row: Row | Part) -> str:
    """The error rate with its confidence interval, whose ends are rounded outward so that the text contains it."""
    low, high = math.floor(1000 * Fraction(row.error_low)), math.ceil(1000 * Fraction(row.error_high))
    return f"{row.error:.4f} [{low / 1000:.3f}, {high / 1000:.3f}]"


def duel_table(rows: Sequence[Row]) -> Fitted:
    """One line per row: measured bits, errors, the floor at these errors, and the verdict in words.

    Bits over the floor are told where one kind of symbols is secret: there, codes come near the floor.
    """
    first = rows[0]
    several = len(first.parts) > 1
    of_levels = ", ".join(f"{part.name} of {counted(part.levels, 'level')}" for part in first.parts)
    levels = f" ({of_levels})" if several else ""
    table = Fitted(
        title=f"{first.symbols // first.heads} symbols{levels} on each head of {first.geometry}, "
        f"{counted(first.trials, 'trial')}, isolation {first.isolation}",
        caption=f"error and its interval at confidence {first.confidence:g}; floor of the whole interval; "
        "compression of fp16 keys and values, by the method's own accounting and as measured. A verdict speaks of this "
        "game alone; what is proved enough is the cheapest cache with a proved error for its eta and largest logit",
    )
    errors = [f"{part.name} misread" for part in first.parts] if several else ["error"]
    over = () if several else ("x floor",)
    for column in ("cache", "bits", *errors, "floor", *over, "claimed", "measured", "verdict"):
        justify: JustifyMethod = "left" if column in ("cache", "verdict") else "right"
        table.add_column(column, justify=justify)
    for row in rows:
        table.add_row(
            marked(label(row), row.is_kv_cache),
            f"{row.state_bits:,}",
            *(map(error_text, row.parts) if several else [error_text(row)]),
            f"{row.floor_bits:,.0f}",
            *(() if several else ["-" if row.ratio is None else f"{row.ratio:,.3f}"]),
            "-" if row.claimed_ratio is None else f"{row.claimed_ratio:,.2f}x",
            f"{row.measured_ratio:,.2f}x",
            row.verdict,
        )
    return table


def whole_family_text(forced: Certified, rows: Sequence[Row]) -> str:
    """The floor on a whole family of which the rows play a part, and the rows whose messages are shorter."""
    short = [label(row) for row in rows if row.state_bits < forced.bits * row.heads]
    lines = [
        f"Theorem {forced.theorem.name} ({forced.proof}) forces {forced.bits:,} bits per head on the whole "
        f"family, at eta = {rows[0].eta:g} and delta = 0; the table's floors are of the symbols that were played.",
    ]
    if short and forced.status in PROVED:
        lines.append(f"A cache whose messages are all as short as those of {', '.join(short)} errs on some instance.")
    return "\n".join(lines)


def proof_table(report: Report) -> Fitted:
    """One line per lemma: its status, its range, its checkers, and the assumptions on which it rests."""
    table = Fitted(title="the proof book")
    for column in ("lemma", "status", "range", "checked by", "rests on", "s"):
        table.add_column(column, overflow="fold", justify="right" if column == "s" else "left")
    for entry in report.entries:
        table.add_row(
            entry.lemma.id,
            entry.status,
            f"{entry.lemma.range} [{entry.lemma.model}]",
            ", ".join(entry.checked_by) or "-",
            "; ".join(entry.assumptions) or "its certificates",
            f"{entry.seconds:.2f}",
        )
    return table


def caches_table(listed: Sequence[Mapping[str, Any]]) -> Fitted:
    """One line per cache that can be played by name."""
    table = Fitted(title="caches")
    for column in ("name", "family", "idea", "nominal budget (default)", "reference"):
        table.add_column(column, overflow="fold")
    for entry in listed:
        budget = f"{entry['budget']} ({entry['default_budget']})" if entry["budget"] else "-"
        family = marked(entry["family"], entry["is_kv_cache"])
        table.add_row(entry["name"], family, entry["idea"], budget, entry["reference"])
    return table


def description_text(told: Mapping[str, Any]) -> str:
    """One cache: its class and file, the meaning of its budget, the command that plays it, and its docstring."""
    budget = told["budget"] and f"{told['budget']}; default {told['default_budget'] or 'its own'}"
    facts = {
        "name": told["name"],
        "class": told["target"],
        "file": told["file"],
        "family": marked(told["family"], told["is_kv_cache"]),
        "reference": told["reference"],
        "model": told["computation_model"],
        "budget": budget or "none",
        "stack": told["stack"] and "{} x {}".format(*map(counted, told["stack"], ("layer", "head"))),
        "play": told["play"],
    }
    lines = [f"{name:10} {fact}" for name, fact in facts.items() if fact]
    return "\n".join([*lines, "", told["text"] or "It says nothing about itself."])


def models_table(models: Sequence[Model]) -> Fitted:
    """One line per model of the catalogue."""
    table = Fitted(title="models")
    for column in ("name", "last map", "cached", "d", "layers x heads", "CFG", "rule", "fp16 cache", "replay"):
        table.add_column(column, overflow="fold")
    for model in models:
        shared = "" if model.n_heads == model.n_kv_heads else f" ({model.n_kv_heads} kv)"
        table.add_row(
            model.name,
            "x".join(map(str, model.schedule.shapes[-1])),
            f"{model.n_tokens_cached:,}",
            str(model.head_dim),
            f"{model.n_layers} x {model.n_heads}{shared}",
            str(model.cfg_branches),
            model.rule,
            f"{model.cache_bytes / 1e6:,.1f} MB",
            "-" if model.replay_bits is None else f"{model.replay_bits:,.0f} bits",
        )
    return table


def decoders_table(decoders: Sequence[LanguageModel]) -> Fitted:
    """One line per language model of the catalogue, at its default context length."""
    table = Fitted(title="language models, one token at a time")
    for column in ("name", "cached", "d", "layers x heads", "window", "fp16 cache", "a token", "ids"):
        table.add_column(column, overflow="fold")
    for decoder in decoders:
        placed = decoder.at()
        shared = "" if decoder.heads == decoder.kv_heads else f" ({decoder.kv_heads} kv)"
        latent = "" if decoder.latent_rank is None else f" (latent {decoder.latent_rank} + {decoder.latent_rope})"
        windowed = decoder.layers - decoder.n_global
        table.add_row(
            decoder.name,
            f"{placed.context:,}",
            str(decoder.head_dim),
            f"{decoder.layers} x {decoder.heads}{latent or shared}",
            "-" if decoder.window is None else f"{decoder.window:,} in {counted(windowed, 'layer')}",
            f"{placed.cache_bits / 8e6:,.1f} MB",
            f"{sum(share.layers for share in placed.shares) * decoder.layer_bits(1) // 8 / 1e3:,.1f} kB",
            "-" if decoder.vocabulary is None else f"{math.log2(decoder.vocabulary):.1f} bits",
        )
    return table


def floor_text(floor: Floor) -> str:
    """A floor as sentences and a table; it names the computation model, and for every bound who checked its proof."""
    place, model = floor.geometry, floor.model
    total = counted(place.n_tokens if model is None else model.n_tokens, "token")
    streams = (
        f"{counted(floor.streams, 'stream')} (heads x layers x CFG branches)"
        if floor.placed is None
        else f"{counted(floor.streams, 'key-value head')} in all layers"
    )
    lines = [
        f"{place.name}: {place.n_tokens_cached} of {total} cached before the last scale, d = {place.d}, {streams}",
        f"computation model {R1}",
        f"at eta = {plainly(floor.eta)} (additive, values in [0, 1]; in Theorem A relative), delta = "
        f"{plainly(floor.delta)}, |logit| <= {plainly(place.largest_logit)} between unit vectors:",
        "",
        f"{'floor':28}{'one head':>19}{'of fp16':>11}{'all heads':>18}",
        f"{'fp16 cache (K and V)':28}{floor.cache_bits:>14,} bits{100:>9.2f} %"
        f"{floor.total_cache_bits / 8e6:>15,.3f} MB",
    ]
    rows: list[tuple[str, Callable[[Floor], float], str]] = [
        ("Theorem A, relative eta", lambda one: one.paper_bits, THEOREMS["A"].proof(floor.delta)),
        ("Theorem B, values", lambda one: one.values_bits, THEOREMS["B"].proof(floor.delta)),
    ]
    told = {"A", "B"}
    for best, best_of in ((floor.checked, type(floor).checked_bits), (floor.proved, type(floor).proved_bits)):
        if best is not None and best.theorem.name not in told:
            told.add(best.theorem.name)
            rows.append((f"Theorem {best.theorem.name}, keys and values", best_of, best.proof))
    for name, bits_of, proof in rows:
        exact, whole = Fraction(bits_of(floor)), Fraction(floor.total(bits_of))
        share, total_mb = exact * 100 / floor.cache_bits, whole / (8 * 10**6)
        lines.append(
            f"{name:28}{rounded_down(exact, 0):>14} bits{rounded_down(share, 2):>9} %"
            f"{rounded_down(total_mb, 3):>15} MB  {proof}".rstrip()
        )
    lines.append("")
    lines += [f"Theorem {name} is about {THEOREMS[name].scope}." for name in sorted(told) if THEOREMS[name].scope]
    lines += [COQ_ALONE[name] for name in sorted(told) if name in COQ_ALONE]
    lines += [f"Theorem {name} is left out: {why}." for name, why in floor.left_out.items()]
    if floor.placed is not None:
        lines += [
            f"{counted(one.layers, 'layer')} with {one.what}: {counted(one.geometry.n_tokens_cached, 'token')}, "
            f"{counted(one.heads, 'free head')} per layer"
            for one in floor.placed.shares
        ]
        lines += [f"{note[0].upper()}{note[1:]}." for note in floor.placed.notes]
    if model is not None:
        realised = realised_streams(model)
        lines.append(
            f"The total assumes {counted(floor.streams, 'independent stream')}. Free at once in one network: "
            f"{realised.streams} ({realised.why})."
        )
    lines += ["", "Computation models, never mixed:"]
    lines += [f"{name}  {answer.says}." for name, answer in floor.models.items()]
    return "\n".join(lines)


def _nearest(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def possible_text(answer: Mapping[str, Any], notes: Sequence[str] = ()) -> str:
    """What is proved about a claimed compression: the bits asked for, the floors and the best proved cache, by size.

    Notes of the place, such as a cap that it does not state itself, are sentences before the last line.
    """
    plain, asked = answer["cache_bits"], answer["budget_bits"]
    ratio, eta, delta = (plainly(answer[name]) for name in ("ratio", "eta", "delta"))
    promise = f"additive, values in [0, 1], |logit| <= {answer['logit_cap']}), failure probability {delta}; model R1"
    lines = [
        f"{answer['model']}, one head: {plain:,} bits of fp16 keys and values; asked for 1/{ratio} of it",
        f"every answer within {eta} ({promise}",
        "",
    ]
    # What is possible is rounded down, and what is impossible above up, so that no text says more than is proved.
    rows: list[tuple[str, float, str, Callable[[float, int], str]]] = [("asked for", asked, "", _nearest)]
    for key in ("machine_checked_floor", "floor"):
        floor = answer[key]
        if floor is not None and not (key == "floor" and floor == answer["machine_checked_floor"]):
            rows.append((f"floor, Theorem {floor['theorem']}", floor["bits"], floor["proof"], rounded_down))
    achieved = answer["achieved"]
    code = "proved error; a fixed-length code that exists"
    rows.append((f"cache {achieved['cache']}", achieved["bits"], code, rounded_up))
    for name, bits, note, rounded in sorted(rows, key=lambda row: row[1]):
        lines.append(f"{name:28}{rounded(bits, 0):>14} bits{rounded(100 * bits / plain, 2):>9} %  {note}".rstrip())
    lines.append("")
    lines += [f"{note[0].upper()}{note[1:]}." for note in notes]
    lines += [""] if notes else []
    possible, above = answer["largest_possible_ratio"], answer["no_ratio_above"]
    lines.append(
        f"at this error the fp16 cache can be compressed {rounded_down(possible, 2)} times"
        + ("" if above is None else f", and not more than {rounded_up(above, 2)} times")
    )
    return "\n".join(lines)
