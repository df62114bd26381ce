"""The structure table for a terminal: one line per prior, then each class in words."""

from __future__ import annotations

from collections.abc import Sequence

from lowerbound.certify.structures import StructureRow
from lowerbound.core.scalars import counted
from lowerbound.report.fitted import Fitted
from lowerbound.var.trace.obeyed import Obedience


def structures_table(rows: Sequence[StructureRow], place: str, eta: str) -> Fitted:
    """One line per prior: the bits that its class forces, and the bits of a cache that is enough."""
    first = rows[0]
    table = Fitted(
        title=f"one head of {place}: {counted(first.tokens, 'cached token')}, d = {first.d}, additive eta {eta}, "
        f"delta {first.delta:g}, {first.all_bits:,} bits without structure",
        caption="class: log2 of its size, the floor at error 0; ratio: bits of the cache over that; "
        "played floor: that of every error rate that the game allows",
    )
    for column in ("prior", "class", "of all", f"floor at {first.delta:g}", "cache", "bits", "ratio", "misread"):
        table.add_column(column, justify="left" if column in ("prior", "cache") else "right", no_wrap=True)
    table.add_column("played floor", justify="right", no_wrap=True)
    for row in rows:
        if row.reason is not None:
            table.add_row(row.prior, *(["-"] * 3), row.scheme, *(["-"] * 4))
            continue
        table.add_row(
            row.prior,
            f"{row.size_bits:,.0f}",
            f"{row.share:.3f}",
            f"{row.floor_bits:,.0f}",
            row.scheme,
            f"{row.scheme_bits:,}",
            f"{row.ratio:.3f}",
            f"{row.errors:,}",
            f"{row.played_floor_bits:,.0f}",
        )
    return table


def structures_text(rows: Sequence[StructureRow]) -> str:
    """Each class in one sentence, or the reason why there is none, and the attention leak of all games."""
    lines = []
    for row in rows:
        spares = "" if row.helps else " Spares nothing."
        told = f"{row.definition}.{spares} Lemma {row.lemma}." if row.reason is None else f"{row.reason}."
        lines.append(f"{row.prior:20} {told}")
    leaks = [row.attention_leak for row in rows if row.attention_leak is not None]
    if leaks:
        lines.append(f"\nIn every game here each attention row has all but {max(leaks):.2g} of its weight on one key.")
    return "\n".join(lines)


def obedience_table(rows: Sequence[Obedience], place: str, tolerance: str) -> Fitted:
    """One line per prior: the parameter at which one head obeys it, and the bits that the class then forces."""
    table = Fitted(title=f"priors of {place}, to {tolerance} of the range of values")
    for column in ("prior", "holds with", "says nothing at", "obeyed", "floor of the class, bits"):
        table.add_column(column, justify="left" if column in ("prior", "obeyed") else "right")
    for row in rows:
        floor = "-" if row.floor_bits is None or not row.obeyed else f"{row.floor_bits:,.0f}"
        held = f"{row.parameter} {row.meaning}"
        table.add_row(row.prior, held, str(row.vacuous), "yes, here" if row.obeyed else "no", floor)
    return table
