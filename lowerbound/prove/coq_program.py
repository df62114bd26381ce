"""Running Coq's programs: what each prints, or the reason why there is none."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from lowerbound.errors import LowerBoundError

LIMIT_S = 1200
PROCESSES = 2
"""How many run at once."""
LOGICAL_NAME = "LowerBound"
"""What Coq calls a folder of sources."""


class CoqMissing(LowerBoundError):
    """A Coq program is not installed, or did not finish in time: what only Coq proves stays open."""

    exit_code = 3


class CoqRejected(LowerBoundError):
    """A file does not compile, rests on more than the axioms of the reals, or Coq says what is not understood."""


def run(*command: str, cwd: Path) -> str:
    """What a Coq program prints, on standard output and then on standard error, where coqchk writes its summary.

    Raises
    ------
    CoqMissing
        If the program is not installed, or does not end within LIMIT_S seconds.
    CoqRejected
        If it ends with an error.
    """
    if shutil.which(command[0]) is None:
        raise CoqMissing(
            f"{command[0]} is not installed (Debian: apt-get install coq libcoq-mathcomp-ssreflect); "
            "what only Coq proves stays open"
        )
    try:
        ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise CoqMissing(f"{command[0]} did not finish within {LIMIT_S} s") from None
    if ended.returncode:
        raise CoqRejected(f"{command[-1]} is rejected: {(ended.stderr or ended.stdout).strip()[:400]}")
    return ended.stdout + ended.stderr
