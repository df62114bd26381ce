"""How long the structure table of VAR-d16 takes: every class counted, its scheme played by two processes."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.timing import Row, within
from lowerbound.certify.structures import structure_rows
from lowerbound.core.models import find_model
from lowerbound.core.priors.table import PRIORS
from lowerbound.game.hard_family import Geometry

MODEL = "var-d16"
LIMIT_S = 60.0


def rows() -> Iterator[Row]:
    """The whole table, three times."""
    place = Geometry.of(find_model(MODEL))
    yield within(
        "the structure table", f"{MODEL}, {len(PRIORS)} priors", lambda: structure_rows(place, PRIORS), LIMIT_S
    )
