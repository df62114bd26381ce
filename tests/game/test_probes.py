"""Time: looks are counted where rows are read, and whoever does not look first needs most of them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lowerbound.core.geometry import Geometry
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from lowerbound.game.probes import FixedPlaces, HashTable, Hyperplanes, RowReader, Rows, Scan, Tree, least_looks, probe
from lowerbound.game.reduction import plan_reduction
from tests.marks import first_now

PLAN = plan_reduction(Geometry("small", ScaleSchedule.parse("1x1 2x2 4x4 2x2"), 16), seed=1)
TOKENS = 21


def test_every_row_that_is_read_costs_a_look() -> None:
    """Definition: rows and other entries are counted, one each."""
    rows = Rows(np.eye(5), np.arange(10.0).reshape(5, 2))
    keys, values = rows.read(np.array([4, 2]))
    assert (keys[0] == np.eye(5)[4]).all()
    assert values.tolist() == [[8.0, 9.0], [4.0, 5.0]]
    rows.look()
    assert rows.looks == 3
    assert len(rows) == 5


def test_who_reads_everything_errs_nowhere() -> None:
    """Known value: a scan costs T looks and misreads nothing; no look at all is a coin."""
    scan = probe(Scan(), PLAN, questions=50)
    assert (scan.looks, scan.error, scan.least_looks) == (TOKENS, 0.0, TOKENS)
    blind = probe(FixedPlaces(0), PLAN, questions=400)
    assert blind.looks == 0
    assert blind.error == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("count", first_now([10, 3, 7, 14, 18]))
def test_fixed_places_find_their_share(count: int) -> None:
    """Law: m places of T find the row with probability m / T, and so err on (1 - m / T) / 2 of the bits."""
    found = probe(FixedPlaces(count), PLAN, questions=1500)
    assert found.looks == count
    assert found.error == pytest.approx((1 - count / TOKENS) / 2, abs=0.05)
    assert not found.is_adaptive


@pytest.mark.parametrize(
    ("reader", "most"),
    [(HashTable(), 2), (Hyperplanes(4), 8), (Tree(), 2 + np.log2(TOKENS))],
    ids=["hash", "planes", "tree"],
)
def test_adaptive_readers_escape(reader: RowReader, most: float) -> None:
    """Law: with few looks every bit is right, which no reader of fixed places can do."""
    found = probe(reader, PLAN, questions=200)
    assert found.error == 0
    assert found.looks <= most < least_looks(TOKENS, Fraction(0))
    assert found.is_adaptive


def test_bounds_and_bad_input() -> None:
    """Known value: (1 - 2 delta) T, rounded up; other numbers are refused."""
    assert [least_looks(424, Fraction(k, 10)) for k in range(6)] == [424, 340, 255, 170, 85, 0]
    with pytest.raises(InvalidArgument, match="delta must lie"):
        least_looks(424, Fraction(2, 3))
    with pytest.raises(InvalidArgument, match="questions must be"):
        probe(Scan(), PLAN, questions=0)
