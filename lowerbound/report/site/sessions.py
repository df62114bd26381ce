"""Transcripts in pages: a `lowerbound` command, followed by its output."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

TRANSCRIPT = re.compile(r"^```console\n\$ lowerbound ([^\n]*)\n(.*?)\n?```$", re.DOTALL | re.MULTILINE)
"""Groups: the command without its first word, and what it prints."""


def printed(command: str, directory: Path) -> str:
    """The standard output of a command run in a directory, without colors and without blanks at the end of lines."""
    run = subprocess.run(
        [sys.executable, "-m", "lowerbound", *shlex.split(command)],
        cwd=directory,
        env={**os.environ, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return "\n".join(line.rstrip() for line in run.stdout.rstrip().splitlines())


def refreshed(page: str, directory: Path) -> str:
    """The page with the output in every transcript replaced by what its command prints now."""

    def again(found: re.Match[str]) -> str:
        return f"```console\n$ lowerbound {found[1]}\n{printed(found[1], directory)}\n```"

    return TRANSCRIPT.sub(again, page)
