"""What an engine costs: the same units in this process and on two, and how fast a finished store is read again."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from lowerbound.sweep.engine import run_local, run_serial
from lowerbound.sweep.spec import spec_of
from lowerbound.sweep.store import Store
from lowerbound.sweep.units import Attempt, key_of

UNITS = 120
ROWS = 10_000


def units(trials: int, seeds: int) -> list[dict[str, Any]]:
    """Games of about a tenth of a second each."""
    table = {"name": "bench", "kind": "play", "caches": ["full-fp16"], "models": ["var-d16"], "isolation": "none"}
    return list(spec_of({**table, "trials": trials, "seeds": list(range(seeds))}).units())


def took(run: Any, *, work: list[dict[str, Any]], **terms: Any) -> tuple[float, float]:
    """Seconds of a run in a new store, and seconds of its units alone."""
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s.db", write=True) as store:
        store.plan("bench", "{}", work)
        start = time.perf_counter()
        run(store, work, **terms)
        seconds = time.perf_counter() - start
        return seconds, sum(row.seconds for row in store.results())


def resumed() -> float:
    """Seconds until a store of ten thousand rows has said that nothing is to do."""
    work = units(1, ROWS)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s.db", write=True) as store:
        store.plan("bench", "{}", work)
        row = {"bits": 1.0, "ledger": dict.fromkeys("abcdefgh", 1), "words": "x" * 500}
        store.add([Attempt(key_of(unit), unit, "done", row, "", 0.1, {}) for unit in work], engine="serial")
        start = time.perf_counter()
        store.plan("bench", "{}", work)
        assert run_serial(store, work).found == ROWS
        return time.perf_counter() - start


def run() -> None:
    """Print a table: what, figure, promised."""
    work = units(12, UNITS)
    _, alone = took(run_serial, work=work[:10])
    print(f"{'a unit of the benchmark':60}{alone / 10 * 1e3:>8.0f} ms")
    serial, _ = took(run_serial, work=work)
    one, busy = took(run_local, work=work, workers=1)
    two, _ = took(run_local, work=work, workers=2)
    print(f"{'one local worker beside its units alone (start-up included)':60}{one / busy:>8.3f}")
    empty, _ = took(run_local, work=work[:1], workers=1)
    overhead = (one - empty) / busy - 1
    print(f"{'overhead of the local engine, start-up excluded':60}{overhead:>8.1%}   promised < 5 %")
    print(f"{'two workers against serial, start-up included':60}{serial / two:>8.2f} x")
    start_two, _ = took(run_local, work=work[:2], workers=2)
    print(
        f"{'two workers against serial, start-up excluded':60}{serial / (two - start_two):>8.2f} x promised >= 1.85 x"
    )
    print(f"{f'{ROWS:,} finished rows resume in':60}{resumed():>8.2f} s promised < 2 s")
