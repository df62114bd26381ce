"""Caches that end, stop or garble the process that they run in, instead of answering."""

from __future__ import annotations

import os
import signal
import time
from typing import ClassVar

from lowerbound.caches.controls.full import Full64
from lowerbound.core.cache import FloatArray


class Leaves(Full64):
    """Ends its process with status 0."""

    def attend(self, queries: FloatArray) -> FloatArray:
        os._exit(0)


class LeavesOnce(Full64):
    """Ends its process where it is asked for many tokens, and keeps only zeros."""

    def attend(self, queries: FloatArray) -> FloatArray:
        if len(queries) > 6:
            os._exit(3)
        return 0 * queries


class Quits(Full64):
    """Leaves the interpreter politely."""

    def attend(self, queries: FloatArray) -> FloatArray:
        raise SystemExit(0)


class KillsItself(Full64):
    """Sends a signal to its own process."""

    def attend(self, queries: FloatArray) -> FloatArray:
        os.kill(os.getpid(), signal.SIGKILL)
        os.abort()  # where the first process of a namespace takes no signal of its own
        return queries


class Interrupts(Full64):
    """Raises what only a keyboard raises."""

    def attend(self, queries: FloatArray) -> FloatArray:
        raise KeyboardInterrupt("of its own")


class Sleeps(Full64):
    """Never answers."""

    def attend(self, queries: FloatArray) -> FloatArray:
        while True:
            time.sleep(0.01)


class ClosesOutput(Full64):
    """Closes standard output, and every other file of its process."""

    def attend(self, queries: FloatArray) -> FloatArray:
        os.closerange(1, 64)
        return super().attend(queries)


class Garbles(Full64):
    """Writes garbage to every file of its process."""

    def attend(self, queries: FloatArray) -> FloatArray:
        for descriptor in range(1, 16):
            try:
                os.write(descriptor, b"\xff" * 100)
            except OSError:
                continue
        return super().attend(queries)


class Chats(Full64):
    """Prints, and answers rightly."""

    said: ClassVar[str] = "a line of no meaning"

    def attend(self, queries: FloatArray) -> FloatArray:
        print(self.said)
        return super().attend(queries)
