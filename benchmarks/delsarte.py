"""How long a count of keys takes to certify: the linear program, its rational dual, and the kernel's verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial

from benchmarks.timing import Row, against, seconds
from lowerbound.certify.dimension import room

DIMENSIONS = (4, 8, 16, 24, 32, 48, 64)
COHERENCES = ("1/16", "1/8", "1/4", "1/3", "1/2", "7/8")
LIMIT_S = 10.0


def rows() -> Iterator[Row]:
    """One row per dimension: the time for each coherence, and the number of coherences that are certified."""
    for d in DIMENSIONS:
        yield certified(d)


def certified(d: int) -> Row:
    """The row of one dimension."""
    proved: list[bool] = []

    def one(coherence: str) -> None:
        proved.append(room(d, Fraction(coherence)).at_most is not None)

    row = against("", f"R^{d}", [partial(seconds, partial(one, each)) for each in COHERENCES], LIMIT_S)
    return replace(row, what=f"{sum(proved)} of {len(proved)} coherences, 1/16 to 7/8, certified")
