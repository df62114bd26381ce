"""Tables for a terminal: rows of games, the proof book, caches and models; and one cache as a text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from lowerbound.core.scalars import counted
from lowerbound.errors import printable
from lowerbound.report.fitted import Fitted

if TYPE_CHECKING:
    from rich.console import JustifyMethod

    from lowerbound.core.decoder import LanguageModel
    from lowerbound.core.models import Model
    from lowerbound.game.duel import Row
    from lowerbound.game.tally import Part
    from lowerbound.prove.verify import Report

NO_KV_CACHE = "not a KV cache"


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
        f"{counted(first.trials, 'trial')}, isolation {first.isolation}"
        + ("" if first.asked == first.symbols else f"; a sample of {counted(first.asked, 'question')} a trial"),
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
