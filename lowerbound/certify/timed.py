"""Checking a document in a process of its own: a time limit ends it wherever it is, in a library of C too."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

from lowerbound.kernel.verdict import Outcome

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
    # In a session of its own Ctrl-C does not reach it, and it is ended in order, below.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    with process:
        try:
            told, _ = process.communicate(data, timeout=seconds)
        except subprocess.TimeoutExpired:
            return _undecided(f"not judged within {seconds:g} s; a larger --time-limit may let it", seconds)
        finally:
            _end(process)
    if process.returncode:
        return _undecided(f"the judge's process ended with status {process.returncode} and no verdict", None)
    found: dict[str, Any] = json.loads(told)
    return found


def main() -> None:
    """Read a document from standard input, and write what `check` finds to standard output."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    from lowerbound.certify.check import check

    sys.stdout.write(json.dumps(check(sys.stdin.buffer.read()).to_json()))


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_S)
    process.kill()


def _undecided(reason: str, seconds: float | None) -> dict[str, Any]:
    nothing: dict[str, Any] = {"kind": None, "bits": None, "claim": {}, "lemmas": [], "proof": None}
    return {"verdict": str(Outcome.UNDECIDED), "reason": reason, **nothing, "seconds": seconds}
