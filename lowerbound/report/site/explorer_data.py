"""The numbers behind the frontier explorer: floors on a grid of errors, and games that were played.

They take half an hour, so they are computed once by `python -m lowerbound.report.site explorer` and committed as
docs/explorer.json; tests recompute a part of them. A model that is new to the catalogue needs only the geometries that
the file lacks: `python -m lowerbound.report.site explorer-missing`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

from lowerbound.caches.tournament import at_standard_budgets, tournament
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import Model, find_model, models
from lowerbound.errors import InvalidArgument, LowerBoundError
from lowerbound.game.channel import Isolation, strongest
from lowerbound.game.reduction import plan_reduction
from lowerbound.report.site import explorer_languages
from lowerbound.report.site.explorer_floors import Errors, first_heads, geometry_of, grid

ERRORS = Errors(
    tuple(map(Fraction, ("1/5", "1/10", "1/30", "1/100", "1/300", "1/1000", "1/10000"))),
    tuple(map(Fraction, ("0", "1/1000", "1/100", "1/10", "1/4"))),
)
ALSO_PLAYED_ON = ("infinity-2b-0.06m", "star-d30-512")
"""Models other than that of the big table on whose geometry a few caches, ALSO_PLAYED, are played as well."""
ALSO_PLAYED = (
    *("full-fp16", "uniform", "kivi", "turboquant", "window", "h2o", "snapkv", "exact", "hamming", "golay"),
    *("majority", "random"),
)
ROW_KEYS = (
    *("cache", "family", "budget", "layers", "heads", "computation_model", "eta", "symbols", "state_bits"),
    *("errors", "error", "error_low", "error_high", "floor_bits", "ratio", "measured_ratio", "claimed_ratio"),
    *("ledger", "isolation", "seed"),
)

Row = dict[str, Any]


def floors(known: Mapping[str, Any], watch: Callable[[str], None]) -> dict[str, Any]:
    """The table geometry -> eta -> delta -> floors of both catalogues; rows that are known stay as they are."""
    table = dict(known)
    for heads, errors in (
        (first_heads(models()), ERRORS),
        (explorer_languages.language_heads(), explorer_languages.ERRORS),
    ):
        table.update(grid({key: head for key, head in heads.items() if key not in table}, errors, watch))
    return table


def games(model: Model, names: Sequence[str], isolation: Isolation) -> list[Row]:
    """A row for each cache at each standard budget; a cache that cannot be played there raises."""
    plan = plan_reduction(Geometry.of(model))
    asked = at_standard_budgets(names, isolation)
    rows = []
    for _, outcome in tournament(
        plan, asked, trials=1, isolation=isolation, time_limit_s=120.0, on_wait=lambda _: None
    ):
        if isinstance(outcome, LowerBoundError):
            raise outcome
        rows.append(outcome.to_json())
    return rows


def compute(played: Path, watch: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """All data of the explorer: the rows of `make table`, games on further models, and the grid of floors.

    Raises
    ------
    InvalidArgument
        If `played` is not the table that `make table` writes.
    """
    if not played.is_file():
        raise InvalidArgument(f"the explorer must find the rows of `make table` in {played}, got no such file")
    big = json.loads(played.read_text(encoding="utf-8"))
    rows = {geometry_of(find_model(big["provenance"]["model"])): [shortened(row) for row in big["rows"]]}
    for name in ALSO_PLAYED_ON:
        watch(f"games on {name}")
        model = find_model(name)
        rows[geometry_of(model)] = [shortened(row) for row in games(model, ALSO_PLAYED, strongest())]
    return {"floors": floors({}, watch), "games": rows}


def shortened(row: Row) -> Row:
    """The fields of a row that the explorer shows."""
    return {key: row[key] for key in ROW_KEYS}
