"""A process that is started is ended, however early its starter is interrupted."""

from __future__ import annotations

import signal
import subprocess
import threading
from typing import Any

import pytest

from lowerbound.core.processes import INTERRUPTIONS, started

SLEEP = ["sleep", "1000"]


def ended(process: subprocess.Popen[bytes]) -> None:
    """End a process at once, and wait for it."""
    process.kill()
    process.wait()


def test_a_signal_at_the_start_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgery: a signal that comes after the process began, and before anybody knows it, is raised once it is ended."""
    begun: list[subprocess.Popen[bytes]] = []

    class Interrupted(subprocess.Popen[bytes]):
        def __init__(self, *command: Any, **terms: Any) -> None:
            super().__init__(*command, **terms)
            begun.append(self)
            signal.raise_signal(signal.SIGINT)  # to this thread: another one of the process might take it later
            for _ in range(1000):  # a handler runs between two steps of the interpreter
                pass

    monkeypatch.setattr(subprocess, "Popen", Interrupted)
    before = [signal.getsignal(each) for each in INTERRUPTIONS]
    with pytest.raises(KeyboardInterrupt), started(SLEEP, ended):
        pytest.fail("the signal must come first")
    assert [process.returncode for process in begun] == [-signal.SIGKILL]
    assert [signal.getsignal(each) for each in INTERRUPTIONS] == before


@pytest.mark.parametrize("in_a_thread", [False, True])
def test_a_process_ends_with_its_context(in_a_thread: bool) -> None:
    """Law: the context gives a process that runs, and `end` has ended it when the context is left, in any thread."""
    seen: list[tuple[int | None, int | None]] = []

    def run() -> None:
        with started(SLEEP, ended) as process:
            inside = process.poll()
        seen.append((inside, process.returncode))

    if in_a_thread:
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    else:
        run()
    assert seen == [(None, -signal.SIGKILL)]


def test_what_cannot_be_started_raises_as_popen_does() -> None:
    """Bad input: a command that does not exist raises FileNotFoundError, and nothing is ended."""
    with pytest.raises(FileNotFoundError), started(["./no such program"], lambda _: pytest.fail("nothing to end")):
        pytest.fail("nothing runs")
