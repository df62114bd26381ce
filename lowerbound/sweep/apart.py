"""Units of foreign caches run in a process of their own, so that its death is their outcome and not the sweep's end.

The process serves one cache, so that none can touch the rows of another. Lines of JSON cross in both directions: a
foreign cache at isolation none may write what it likes into its own row, and still runs no code here.
"""

from __future__ import annotations

import _thread
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Self

from lowerbound.caches.registry import CACHES
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.sweep.plain import LONGEST_REASON, escaped, parsed
from lowerbound.sweep.spec import Unit
from lowerbound.sweep.units import (
    LARGEST_ROW_BYTES,
    Attempt,
    Job,
    Outcome,
    canonical,
    environment,
    key_of,
    run_unit,
    storable,
)

LONGEST_BATCH_S = 1.0
PARTIES = 4
GRACE_S = 120.0
PATIENCE_S = 2.0
"""A unit's process is killed after PARTIES time limits and GRACE_S: no unit whose parties keep theirs lasts longer.
Told to end in the middle of a unit, it has PATIENCE_S to end its own parties."""
_START = "import sys; sys.path[:] = {path!r}; from lowerbound.sweep.apart import main; main()"


def is_foreign(unit: Unit) -> bool:
    """Whether a unit runs code of a cache that is not this package's own."""
    cache = unit.get("cache")
    return cache is not None and cache not in CACHES and cache not in CACHES.values()


def lost(unit: Unit, outcome: Outcome, reason: str, seconds: float = 0.0) -> Attempt:
    """An attempt at a unit whose process could not report."""
    return storable(Attempt(key_of(unit), unit, outcome, None, reason, seconds, environment()))


def check_caches(units: Iterable[Unit]) -> None:
    """Ask every foreign cache of some units once about itself, so that one that cannot be imported ends no unit.

    Contract: raises what the first of them raises, such as InvalidArgument for a module that cannot be imported.
    """
    from lowerbound.caches.registry import target_of
    from lowerbound.game.channel import Isolation
    from lowerbound.game.duel import describe

    for cache, isolation in dict.fromkeys((unit["cache"], unit["isolation"]) for unit in units if is_foreign(unit)):
        describe(target_of(cache), Isolation(isolation))


class Apart:
    """Runs units: those of this package's own caches here, foreign ones in a process that is started when needed.

    Contract: `run` returns the attempt of `run_unit`, or one with the outcome "killed" and the reason if the process
    died, did not end in time, or replied with what is no attempt. As a context, it leaves no process behind.
    """

    def __init__(self) -> None:
        self._cache: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._talk: IO[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, job: Job) -> Attempt:
        """One attempt at a unit."""
        unit = job.unit
        if not is_foreign(unit):
            return run_unit(job)
        start = time.perf_counter()
        process, talk = self._serving(unit["cache"])
        talk.truncate(0)
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            asked = {"unit": unit, "instances": job.instances.opening, "hidden": job.hidden}
            process.stdin.write(canonical(asked).encode() + b"\n")
            process.stdin.flush()
        limit_s = PARTIES * unit["time_limit_s"] + GRACE_S
        line = _line(process, limit_s)
        if line.endswith(b"\n"):
            try:
                return storable(_attempt(unit, parsed(line)))
            except (ValueError, RecursionError) as error:
                reason = f"its process replied with what is no attempt: {error}"
                self.close()
        else:
            late = process.poll() is None and time.perf_counter() - start > limit_s
            self._stop()
            reason = f"did not end within {limit_s:g} s" if late else _death(process.returncode, talk)
            self.close()
        return lost(unit, "killed", reason, time.perf_counter() - start)

    def close(self) -> None:
        """End the process, if there is one."""
        self._stop()
        if self._talk is not None:
            self._talk.close()
        self._cache = self._process = self._talk = None

    def _stop(self) -> None:
        if self._process is not None:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            with suppress(BrokenPipeError):
                self._process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=2 * PATIENCE_S)
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process.stdout.close()

    def _serving(self, cache: str) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        if self._process is None or self._talk is None or self._cache != cache or self._process.poll() is not None:
            self.close()
            # Opened for appending, so that what is printed after a cut starts at the beginning.
            self._cache, self._talk = cache, tempfile.TemporaryFile("a+b")  # noqa: SIM115 - `close` closes it
            # In a session of its own, so that Ctrl-C reaches the driver alone, which then ends it.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START.format(path=[os.path.abspath(entry) for entry in sys.path])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._talk,
                start_new_session=True,
            )
        return self._process, self._talk


_HERE = Apart()
"""A worker's own: its process stays from batch to batch, and ends when the worker does."""


def run_batch(jobs: Sequence[Job]) -> list[Attempt]:
    """Attempts at the first units, one after the other.

    Contract: at least one; none is begun later than LONGEST_BATCH_S after the first, so that finished rows do not wait
    for slow ones.
    """
    start = time.perf_counter()
    attempts: list[Attempt] = []
    for job in jobs:
        if attempts and time.perf_counter() - start > LONGEST_BATCH_S:
            break
        attempts.append(_HERE.run(job))
    return attempts


def _line(process: subprocess.Popen[bytes], limit_s: float) -> bytes:
    """What the process writes up to the end of a line, or until it has died, said too much, or the time is over."""
    assert process.stdout is not None
    pipe, deadline, told = process.stdout.fileno(), time.perf_counter() + limit_s, bytearray()
    while not told.endswith(b"\n") and len(told) <= 2 * LARGEST_ROW_BYTES:
        ready, _, _ = select.select([pipe], [], [], 0.5)
        chunk = os.read(pipe, 2**20) if ready else b""
        # A process may die and leave the pipe open in a child of its own.
        if (ready and not chunk) or (not ready and process.poll() is not None) or time.perf_counter() > deadline:
            break
        told += chunk
    return bytes(told)


def _attempt(unit: Unit, table: dict[str, Any]) -> Attempt:
    match table:
        case {
            "outcome": "done" | "refused" | "failed" as outcome,
            "row": dict() | None as row,
            "reason": str() as reason,
            "seconds": float() as seconds,
            "environment": dict() as where,
        } if (outcome == "done") == (row is not None):
            return Attempt(key_of(unit), unit, outcome, row, reason, seconds, where)
    raise ValueError("a part is missing, or has another type")


def _death(status: int, talk: IO[bytes]) -> str:
    talk.seek(max(0, talk.seek(0, os.SEEK_END) - LONGEST_REASON))
    last = talk.read().decode(errors="replace").strip().splitlines()[-1:]
    how = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    return escaped(f"the process of its cache {how} before the unit did" + "".join(f": {line}" for line in last))[
        :LONGEST_REASON
    ]


_TOLD = ("outcome", "row", "reason", "seconds", "environment")


def main() -> None:
    """Read units from standard input, a line each, and write what became of each to standard output.

    A cache's prints go to standard error. When standard input ends, because the driver wants it or is dead, so does the
    process, with the parties that it has started. Where memory runs out, it is killed, and not the driver.
    """
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    # Shells' background jobs and dask's workers ignore interrupts, and what they start inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reply = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    jobs: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_listen, args=(jobs,), daemon=True).start()
    with suppress(KeyboardInterrupt):
        while True:
            asked = json.loads(jobs.get())
            seed = PrivateSeed.parse(asked["instances"])
            told = vars(run_unit(Job(asked["unit"], seed, tuple(asked["hidden"]))))
            reply.write(canonical({name: told[name] for name in _TOLD}).encode() + b"\n")
            reply.flush()


def _listen(jobs: SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        jobs.put(line)
    _thread.interrupt_main()
    time.sleep(PATIENCE_S)
    os._exit(1)
