"""Programs on a pseudo-terminal, as a person runs them."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path


def on_a_terminal(*command: str, cwd: Path | None = None, piped: bool = False) -> subprocess.CompletedProcess[str]:
    """A finished command whose standard error, and standard output unless it is `piped`, was a pseudo-terminal.

    What it wrote to the terminal, of 120 columns, is in `stderr`; `stdout` is what it wrote to the pipe, if any.
    """
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdout=subprocess.PIPE if piped else follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(follower)
    told = b""
    try:
        while chunk := os.read(leader, 2**16):
            told += chunk
    except OSError:  # the other end is closed
        pass
    os.close(leader)
    out, _ = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, (out or b"").decode(), told.decode())
