"""What tests of sweeps share: a specification of short games, caches that sleep, kill and lie, and drivers to start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CACHES = r'''
import os, signal, sys, time
from lowerbound.caches.controls.full import Full16

class Slow(Full16):
    """Sleeps, so that there is time to kill somebody."""
    def attend(self, queries):
        time.sleep(0.1)
        return super().attend(queries)

class Poison(Full16):
    """Ends whatever process runs it."""
    def attend(self, queries):
        print("poisoned", file=sys.stderr)
        os._exit(9)

class Leaves(Full16):
    """Ends whatever process runs it, as if all were well."""
    def attend(self, queries):
        os._exit(0)

class Quits(Full16):
    """Asks to leave, as if all were well."""
    def attend(self, queries):
        sys.exit(0)

class Surrogate(Full16):
    """Fails with a message that no terminal, no file and no database should take as it is."""
    def attend(self, queries):
        raise ValueError("\ud800\x1b[2Jgone\nb2f1  done")

class Parricide(Full16):
    """Kills the process that started its own."""
    def attend(self, queries):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)

class Spy(Full16):
    """Tells how much of the store beside its module it can read."""
    def attend(self, queries):
        found = 0
        for end in ("", "-wal", "-shm", ".lock"):
            try:
                with open(os.path.join(os.path.dirname(__file__), "s.db" + end), "rb") as file:
                    found += len(file.read())
            except PermissionError:
                pass
        raise ValueError(f"read {found} bytes")

class Forger(Full16):
    """Writes a row of its own to every pipe that it finds."""
    def attend(self, queries):
        for number in range(3, 30):
            try:
                os.write(number, b'{"outcome": "done", "row": {"state_bits": 0}}\n')
            except OSError:
                pass
        time.sleep(60)
'''
HEAD = 'sizes = [{schedule = "1x1 2x2 3x3", d = 8}]\nisolation = "none"\n'


def spec(folder: Path, caches: list[str], seeds: int, name: str = "small") -> Path:
    """A file that asks for these caches at so many seeds, on a tiny head."""
    (folder / "sweepcaches.py").write_text(CACHES, encoding="utf-8")
    path = folder / f"{name}.toml"
    path.write_text(
        f'name = "{name}"\nkind = "play"\ncaches = {caches}\nseeds = {list(range(seeds))}\n{HEAD}', encoding="utf-8"
    )
    return path


def command(folder: Path, *words: str) -> tuple[list[str], dict[str, str]]:
    """A command line and an environment in which the folder's caches can be imported."""
    return [sys.executable, "-m", "lowerbound", *words], {
        **os.environ,
        "PYTHONPATH": f"{folder}:{ROOT}",
        "OPENBLAS_NUM_THREADS": "1",
    }


def run(folder: Path, *words: str, timeout_s: float = 250) -> subprocess.CompletedProcess[str]:
    """A command, run to its end."""
    words_, environment = command(folder, *words)
    return subprocess.run(
        words_, env=environment, cwd=folder, capture_output=True, text=True, timeout=timeout_s, check=False
    )


def heed_ctrl_c() -> None:
    """For a new process: a shell's background jobs, and all that they start, ignore Ctrl-C until told otherwise."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A command, started."""
    words_, environment = command(folder, *words)
    return subprocess.Popen(
        words_,
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )


def wait_for(what: Callable[[], object], seconds: float = 120) -> None:
    """Until it is so, or fail."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
