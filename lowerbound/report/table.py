"""Rows as a table for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from lowerbound.game.duel import Row
from lowerbound.prove.book import Report

WIDTH_WITHOUT_TERMINAL = 120


def console() -> Console:
    """Standard output; a fixed width when it is not a terminal, so that columns do not fold."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL, highlight=False)


def label(row: Row) -> str:
    """How a row is called: its cache, and its nominal budget if it has one."""
    return row.cache if row.budget is None else f"{row.cache}@{row.budget}"


def error_text(row: Row) -> str:
    """The error rate with its interval."""
    return f"{row.error:.4f} [{row.error_low:.4f}, {row.error_high:.4f}]"


def duel_table(rows: Sequence[Row]) -> Table:
    """One line a row: measured memory and error, the floor at that error, and their quotient."""
    first = rows[0]
    table = Table(
        title=f"{first.symbols} symbols on one head of {first.geometry}, "
        f"{first.trials} trial{'s' if first.trials > 1 else ''}, isolation {first.isolation}",
        caption=f"error and its interval at confidence {first.confidence:g}; floor of the whole interval",
        title_style="bold",
        caption_style="dim",
    )
    for column in ("cache", "bits", "bits/symbol", "error", "floor", "x floor", "verdict"):
        table.add_column(column, justify="left" if column in ("cache", "verdict") else "right", no_wrap=True)
    for row in rows:
        table.add_row(
            label(row),
            f"{row.state_bits:,}",
            f"{row.bits_per_symbol:.4f}",
            error_text(row),
            f"{row.floor_bits:,.0f}",
            "-" if row.ratio is None else f"{row.ratio:.3f}",
            row.verdict,
        )
    return table


def proof_table(report: Report) -> Table:
    """One line a lemma: its status, its range, who checked it, and on what it rests."""
    table = Table(title="the proof book", title_style="bold")
    for column in ("lemma", "status", "range", "checked by", "rests on", "s"):
        table.add_column(column, overflow="fold", justify="right" if column == "s" else "left")
    for entry in report.entries:
        table.add_row(
            entry.lemma.id,
            entry.status,
            f"{entry.lemma.range} [{entry.lemma.model}]".replace("[", r"\["),
            ", ".join(entry.checked_by) or "-",
            "; ".join(entry.assumptions) or "its certificates",
            f"{entry.seconds:.2f}",
        )
    return table


def plain_table(title: str, columns: Sequence[str], lines: Sequence[Sequence[object]]) -> Table:
    """A table of text."""
    table = Table(title=title, title_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for line in lines:
        table.add_row(*(str(cell) for cell in line))
    return table
