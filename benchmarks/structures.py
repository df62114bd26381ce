"""How long the structure table of VAR-d16 takes: every class counted, its scheme played by two processes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.timing import Row, command, within
from lowerbound.core.priors.table import PRIORS

MODEL = "var-d16"
LIMIT_S = 60.0


def rows() -> Iterator[Row]:
    """One row: the whole table, made three times, each time in a new process."""
    table = partial(command, "structures", "--model", MODEL)
    yield within("the structure table", f"{MODEL}, {len(PRIORS)} priors", table, LIMIT_S)
