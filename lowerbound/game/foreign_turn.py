"""Games with foreign code take turns: while one is played, no process of another one is alive to relay for it."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK = Path("~/.cache/lowerbound/foreign.lock")
_HERE = threading.Lock()


@contextmanager
def foreign_turn() -> Iterator[None]:
    """A context in which no other game with foreign code is played by this user on this machine.

    Contract: waits for its turn, without a limit. Where the lock's file cannot be made, turns are taken within this
    process alone.
    """
    with _HERE:
        try:
            path = LOCK.expanduser()
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except (OSError, RuntimeError):
            yield
            return
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
