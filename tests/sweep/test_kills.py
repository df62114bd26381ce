"""Law: however often the driver of a sweep is killed, no row is lost and none is there twice."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path

import pytest

from lowerbound.sweep.export import exported
from lowerbound.sweep.store import Store
from tests.sweep.sweeping import run, spec, start, wait_for
from tests.sweep.test_engine import attempts, rows

KILLS = 104
UNITS = 400


def has_rows(store: Path, wanted: int) -> bool:
    """Whether a store is there, with so many rows."""
    return store.exists() and len(rows(store)) >= wanted


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hundred_kills(tmp_path: Path) -> None:
    """Forgery: kill -9 at 104 random moments; rows only grow, each key once, and the export is that of a quiet run."""
    coins = random.Random(17)
    path = spec(tmp_path, ["exact", "golay", "full", "majority"], UNITS // 4)
    words = ("sweep", str(path), "--store", "s.db", "--instance-seed", "0x11")
    store = tmp_path / "s.db"
    kept: set[str] = set()
    for kill in range(KILLS):
        driver = start(tmp_path, *words)
        wanted = min(len(kept) + coins.randrange(4), UNITS - 8)
        wait_for(partial(has_rows, store, wanted))
        driver.kill()
        driver.communicate()
        found = set(rows(store)) if store.exists() else set()
        assert kept <= found, f"a row was lost by kill {kill}"
        kept = found
    print(f"{KILLS} kills, {len(kept)} of {UNITS} rows before the last run")
    assert run(tmp_path, *words).returncode == 0
    assert attempts(store) == len(rows(store)) == UNITS
    assert run(tmp_path, "sweep", str(path), "--store", "quiet.db", "--instance-seed", "0x11").returncode == 0
    with Store(store) as killed, Store(tmp_path / "quiet.db") as quiet:
        assert killed.problems() == []
        assert exported(killed.results(), "csv") == exported(quiet.results(), "csv")
