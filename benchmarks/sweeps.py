"""What an engine costs: the same units in this process and on two workers, and how fast a finished store is read again.

Units that sleep show the cost of the engine, whatever else the machine does. The time of units that compute also
depends on how many cores were free. The same halves in two bare processes measure that: no engine can be faster.
"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.timing import Row, against, paired
from lowerbound.caches.controls.full import Full16
from lowerbound.core.cache import FloatArray
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.sweep.apart import run_batch
from lowerbound.sweep.engine import run_local, run_serial
from lowerbound.sweep.spec import spec_of
from lowerbound.sweep.store import Store
from lowerbound.sweep.units import Attempt, Job, key_of

UNITS = 120
NAP_S = 0.03


class Sleeps(Full16):
    """The full cache with a pause before every answer; a game of this benchmark has three answers."""

    def attend(self, queries: FloatArray) -> FloatArray:
        """Wait, then answer as the full cache does."""
        time.sleep(NAP_S)
        return super().attend(queries)


ROWS = 10_000


def naps(seeds: int) -> list[dict[str, Any]]:
    """Units whose games consist almost entirely of sleep."""
    table = {"name": "naps", "kind": "play", "caches": ["benchmarks.sweeps:Sleeps"], "isolation": "none"}
    sizes = [{"schedule": "1x1 2x2 3x3", "d": 8}]
    return list(spec_of({**table, "sizes": sizes, "seeds": list(range(seeds))}).units())


def units(trials: int, seeds: int) -> list[dict[str, Any]]:
    """Units with games that compute; 12 trials take about a tenth of a second."""
    table = {"name": "bench", "kind": "play", "caches": ["full-fp16"], "models": ["var-d16"], "isolation": "none"}
    return list(spec_of({**table, "trials": trials, "seeds": list(range(seeds))}).units())


@dataclass(frozen=True)
class Run:
    """Times of a run in a new store; those after its first row leave out the start-up of processes."""

    total_s: float
    first_s: float
    span_s: float
    rows: int
    busy_s: float

    @property
    def a_row_s(self) -> float:
        """Mean seconds from one row to the next."""
        return self.span_s / self.rows


def took(run: Any, work: list[dict[str, Any]], **terms: Any) -> Run:
    """Run this work in a new store, and record when each row arrives."""
    seen: list[tuple[float, float]] = []

    def watch(done: int, total: int, seconds: float, attempt: Attempt) -> None:
        seen.append((time.perf_counter(), attempt.seconds))

    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s.db", write=True) as store:
        store.plan("bench", "{}", work)
        start = time.perf_counter()
        run(store, work, watch=watch, **terms)
        end = time.perf_counter()
    first, last = seen[0][0], seen[-1][0]
    later = [seconds for moment, seconds in seen if moment > first]
    return Run(end - start, first - start, last - first, len(later), sum(later))


def bare(work: list[dict[str, Any]]) -> float:
    """Seconds of the same units in two processes that share nothing, without an engine; start-up excluded."""
    jobs = [[Job(unit, PrivateSeed(0))] for unit in work]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(run_batch, jobs[:1] * 2, chunksize=1)
        start = time.perf_counter()
        pool.map(run_batch, jobs, chunksize=len(jobs) // 2)
        return time.perf_counter() - start


def resumed() -> float:
    """Seconds until a sweep has found that all units of a store of ten thousand rows are finished."""
    work = units(1, ROWS)
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s.db", write=True) as store:
        store.plan("bench", "{}", work)
        row = {"bits": 1.0, "ledger": dict.fromkeys("abcdefgh", 1), "words": "x" * 500}
        store.add([Attempt(key_of(unit), unit, "done", row, "", 0.1, {}) for unit in work], engine="serial")
        start = time.perf_counter()
        store.plan("bench", "{}", work)
        assert run_serial(store, work).found == ROWS
        return time.perf_counter() - start


def engines(what: str, work: list[dict[str, Any]]) -> Iterator[Row]:
    """Rows that compare one and two local workers with a serial run and with two bare processes, on this work."""
    size = f"{len(work)} units that {what}"
    serial = took(run_serial, work)
    one = took(run_local, work, workers=1)
    two = took(run_local, work, workers=2)
    free_s = bare(work) / len(work)
    yield paired("a local worker after its first unit", size, [one.span_s], "its units", [one.busy_s], promised=1.05)
    yield paired(
        "two workers, a unit", size, [two.a_row_s], "half of a serial unit", [serial.a_row_s / 2], promised=1 / 0.925
    )
    yield paired("two workers, a unit", size, [two.a_row_s], "two bare processes", [free_s])
    yield paired("two workers, started and all", size, [two.total_s], "serial", [serial.total_s])


def rows() -> Iterator[Row]:
    """Rows for the cost of an engine, and for resuming a finished store."""
    yield from engines("sleep", naps(UNITS))
    yield from engines("compute", units(12, UNITS))
    yield against("a finished store says that nothing is to do", f"{ROWS:,} rows", [resumed], 2.0)
