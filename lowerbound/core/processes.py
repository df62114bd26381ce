"""Starting a process so that no interruption leaves it behind."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

INTERRUPTIONS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def started(
    command: Sequence[str], end: Callable[[subprocess.Popen[bytes]], object], **terms: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A context with a new process, which `end` ends when the context is left.

    Contract: no signal comes between the start of the process and the moment from which on `end` will be called.
    `terms` are those of `subprocess.Popen`.
    """
    with ExitStack() as stack:
        with _held_back():
            process = subprocess.Popen(command, **terms)
            stack.callback(end, process)
        yield process


@contextmanager
def _held_back() -> Iterator[None]:
    """A context in which interruptions wait: what their handlers in Python do, they do at its end."""
    waiting: list[tuple[int, FrameType | None]] = []
    handlers: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():  # no other thread is interrupted, or sets handlers
        handlers = {each: known for each in INTERRUPTIONS if callable(known := signal.getsignal(each))}
    for each in handlers:
        signal.signal(each, lambda number, frame: waiting.append((number, frame)))
    try:
        yield
    finally:
        for each, known in handlers.items():
            signal.signal(each, known)
        for number, frame in waiting:
            handlers[number](number, frame)
