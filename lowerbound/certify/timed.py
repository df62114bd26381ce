"""Checking a document in a process of its own: a time limit ends it wherever it is, in a library of C too."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from types import FrameType
from typing import Any

from lowerbound.certify.checked import Checked
from lowerbound.core.processes import started
from lowerbound.kernel.verdict import Outcome, Verdict

START = "from lowerbound.certify.timed import main; main()"
PATIENCE_S = 2.0
"""Seconds that the process gets to end its own processes, those in which it plays a cache again."""


def check_within(data: bytes, seconds: float) -> dict[str, Any]:
    """`check` as plain JSON values, UNDECIDED if it takes longer than this many seconds.

    Contract: never raises for bad bytes. When it returns or is interrupted, the process is gone, with all that it
    started; one that dies, as for want of memory, has decided nothing.
    """
    path = [os.path.abspath(entry) for entry in sys.path if os.path.exists(entry or ".")]
    command = [sys.executable, "-I", "-B", "-c", f"import sys; sys.path[:] = {path!r}; {START}"]
    begun = time.perf_counter()
    # In a session of its own Ctrl-C does not reach it, and it is ended in order (`_end`).
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with started(command, _end, **streams, start_new_session=True) as process:
        try:
            told, _ = process.communicate(data, timeout=seconds)
        except subprocess.TimeoutExpired:
            return _undecided(f"not judged within {seconds:g} s; a larger --time-limit may let it", seconds)
    if process.returncode:
        return _undecided(
            f"the judge's process ended with status {process.returncode} and no verdict", time.perf_counter() - begun
        )
    found: dict[str, Any] = json.loads(told)
    return found


def main() -> None:
    """Read a document from standard input, and write what `check` finds to standard output."""

    from lowerbound.kernel.judge import judge_document  # by this process alone, and not by the one that waits for it

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    data, start = sys.stdin.buffer.read(), time.perf_counter()
    statement, verdict = judge_document(data)
    if verdict.outcome in (Outcome.REJECTED, Outcome.UNDECIDED):  # at once, without the libraries that the rest needs
        found = Checked.of(statement, verdict, time.perf_counter() - start)
    else:
        from lowerbound.certify.check import compared

        found = compared(data, statement, verdict, start)
    sys.stdout.write(json.dumps(found.to_json()))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
    process.kill()
    with process:  # which closes its streams, and waits for it
        pass


def _undecided(reason: str, seconds: float) -> dict[str, Any]:
    return Checked.of({}, Verdict(Outcome.UNDECIDED, reason), seconds).to_json()
