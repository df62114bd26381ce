"""Tables of ids that are read from answers: how far their alternatives are apart, and which a cache made unreadable."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lowerbound.core.scalars import counted
from lowerbound.report.fitted import Fitted
from lowerbound.var.replay.natural_ids import Separation
from lowerbound.var.replay.trace_ids import Unreadable


def separations_table(rows: Sequence[Separation], etas: Sequence[str], n_alternatives: int) -> Fitted:
    """One line per map: the least distance of two alternatives, and the bits of ids that are told apart at each eta."""
    table = Fitted(
        title=f"each id's {n_alternatives} alternatives, told from the answers of the last map, all others known",
        caption="least: the smallest largest difference of two alternatives' answers, in units of the range of values; "
        "bits at eta: log2 of alternatives of which each two differ by more than 2 eta, summed over the map's ids",
    )
    for column in ("map", "ids", "bits of them", "least", *(f"bits at {eta}" for eta in etas)):
        table.add_column(column, justify="right")
    for scale in sorted({row.secret.scale for row in rows}):
        own = [row for row in rows if row.secret.scale == scale]
        bits = [sum(math.log2(row.apart[column]) for row in own) for column in range(len(etas))]
        table.add_row(
            str(scale + 1),
            str(len(own)),
            f"{len(own) * math.log2(n_alternatives):.0f}",
            f"{min(row.least for row in own):.4f}",
            *(f"{number:.1f}" for number in bits),
        )
    return table


def unreadable_table(rows: Sequence[Unreadable], separations: Sequence[Separation]) -> Fitted:
    """One line per cache: how many ids of each map are misread from its answers."""
    sizes = [sum(row.secret.scale == scale for row in separations) for scale in range(len(rows[0].alone))]
    table = Fitted(title="ids misread, each with all others known, by least squares against the exact network")
    table.add_column("cache")
    for scale, size in enumerate(sizes):
        table.add_column(f"map {scale + 1}, of {size}", justify="right")
    table.add_column(f"all, of {sum(sizes)}", justify="right")
    joint = any(row.together is not None for row in rows)
    if joint:
        table.add_column("all at once", justify="right")
    for row in rows:
        together = [] if not joint else ["-" if row.together is None else str(sum(row.together))]
        table.add_row(row.cache, *map(str, row.alone), str(sum(row.alone)), *together)
    return table


def ids_text(secret: int, n_alternatives: int, *, joint: bool) -> str:
    """What the tables show, and what they do not."""
    shown = (
        f"Shown: with these weights, each of {counted(secret, 'id')} alone can be told from natural answers as the "
        "tables say"
    )
    if joint:
        shown += "; and the second table, how many ids of this picture are misread when all are secret at once"
    return (
        f"{shown}.\nNot shown: that the ids of every picture can be read together, which a bound on the cache's bits "
        f"would need; a single id with the others known forces {math.log2(n_alternatives):.0f} bits at most. A reader "
        "who models how a cache forgets may read more."
    )
