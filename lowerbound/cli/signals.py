"""Signals: every command ends in order, whichever of them stops it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGHUP)
"""The signals that end a command as Ctrl-C does: in order, so that no process and no file of it is left behind."""


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """A context in which SIGTERM and SIGHUP raise KeyboardInterrupt, and the program ends with 128 + the signal.

    Contract: a signal that is ignored from the start, as nohup does with SIGHUP, stays ignored. An exit code that a
    command chooses for its interruption stands.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = {each: signal.getsignal(each) for each in STOPPING}
    try:
        with suppress(ValueError):  # only the main thread can set this
            for each, known in before.items():
                if known is not signal.SIG_IGN:
                    signal.signal(each, stop)
        yield
    except SystemExit as end:
        if received and end.code == 128 + signal.SIGINT:
            end.code = 128 + received[0]
        raise
    finally:
        with suppress(ValueError):
            for each, known in before.items():
                signal.signal(each, known)
