"""Standard output and error: foreign text is shown and not obeyed, and a stream that nobody reads is no refutation."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, TextIO, cast

from lowerbound.errors import printable_lines

BROKEN_PIPE_EXIT_CODE = 128 + signal.SIGPIPE
STOPPING = (signal.SIGTERM, signal.SIGHUP)
"""The signals that end a command as Ctrl-C does: in order, so that no process and no file of it is left behind."""


class Shown:
    """A text stream through which nothing reaches a terminal but printable characters and line feeds.

    Contract: `write` passes on `printable_lines` of the text. Where nobody reads the stream any more, standard output
    ends the program with status 141, as SIGPIPE would, and standard error (`lossy`) is silent from then on, whatever the
    reason: a sentence that cannot be told changes no exit code. Everything else is the stream's.
    """

    def __init__(self, stream: TextIO, *, lossy: bool) -> None:
        self.unfiltered = stream
        self._lossy = lossy

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)

    def write(self, text: str) -> int:
        with self._guarded():
            self.unfiltered.write(printable_lines(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        with self._guarded():
            self.unfiltered.flush()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # What is still buffered would fail again when Python ends, and set the exit code to 120.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.unfiltered.fileno())
            if self._lossy:
                return
            if error.errno == errno.EPIPE:
                sys.exit(BROKEN_PIPE_EXIT_CODE)
            raise


@contextmanager
def shown_streams() -> Iterator[None]:
    """A context in which standard output and error are `Shown`, and flushed at its end.

    Contract: a standard stream that was closed is /dev/null, so that no file that is opened later takes its place.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
    before = sys.stdout, sys.stderr
    streams = [Shown(sys.stdout, lossy=False), Shown(sys.stderr, lossy=True)]
    sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in streams)
    try:
        yield
    finally:
        try:
            for stream in streams:
                stream.flush()
        finally:
            sys.stdout, sys.stderr = before


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
