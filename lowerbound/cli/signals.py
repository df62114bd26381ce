"""Signals: every command ends in order, whichever of them stops it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer, main_thread
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGHUP)
"""The signals that end a command as Ctrl-C does: in order, so that no process and no file of it is left behind."""

AGAIN_S = 0.05
"""After how many seconds an interruption that was dropped is raised again."""


@contextmanager
def stopped_in_order() -> Iterator[None]:
    """A context in which SIGTERM and SIGHUP raise KeyboardInterrupt, and the program ends with 128 + the signal.

    Contract: a signal that is ignored from the start, as nohup does with SIGHUP, stays ignored. An exit code that a
    command chooses for its interruption stands. An interruption that falls into the end of an object's life, where
    Python drops what is raised, is raised again.
    """
    received: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    def again(dropped: sys.UnraisableHookArgs) -> None:
        if dropped.exc_type is KeyboardInterrupt:
            # Not at once, for then it would be raised here, where it is dropped too.
            number = received[-1] if received else signal.SIGINT
            Timer(AGAIN_S, signal.pthread_kill, (main_thread().ident, number)).start()
        else:
            tell(dropped)

    tell, sys.unraisablehook = sys.unraisablehook, again
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
        sys.unraisablehook = tell
        with suppress(ValueError):
            for each, known in before.items():
                signal.signal(each, known)
