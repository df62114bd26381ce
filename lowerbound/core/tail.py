"""The end of what another process writes: read as it comes, and all but the last bytes forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import IO

KEPT_BYTES = 2**12
CHUNK_BYTES = 2**16
LONGEST_LINE = 300
PATIENCE_S = 1.0
"""Seconds to wait for the end of the stream, once the process that wrote it has ended."""


class Tail:
    """The last bytes of a stream, which a thread reads to its end, so that the writer never waits.

    Contract: never holds more than KEPT_BYTES and one chunk, however much is written. `close` comes after the writer's
    end; it waits for the end of the stream, but not longer than PATIENCE_S: a process left behind may keep it open.
    """

    def __init__(self) -> None:
        self._kept = b""
        self._thread: threading.Thread | None = None

    def follow(self, stream: IO[bytes] | None) -> None:
        """Read this stream from now on, and close it at its end."""
        assert stream is not None
        self._thread = threading.Thread(target=self._drain, args=(stream,), daemon=True)
        self._thread.start()

    def _drain(self, stream: IO[bytes]) -> None:
        read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        with stream:
            while chunk := read(CHUNK_BYTES):
                self._kept = (self._kept + chunk)[-KEPT_BYTES:]

    def last_line(self) -> str:
        """The last line that is not blank, at most 300 characters of it; the empty text if there is none."""
        self.close()
        lines = self._kept.decode(errors="replace").strip().splitlines()
        return lines[-1][:LONGEST_LINE] if lines else ""

    def close(self) -> None:
        """Wait until all of the stream is read."""
        if self._thread is not None:
            self._thread.join(PATIENCE_S)
