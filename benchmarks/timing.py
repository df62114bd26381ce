"""Timing: medians of interleaved runs, so that what slows the machine for a while slows both sides."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

HOME = Path(__file__).parent.parent
"""The checkout."""


@dataclass(frozen=True)
class Row:
    """One measurement beside a peer or a limit: medians in seconds, and the ratio of each pair of runs."""

    what: str
    size: str
    ours_s: float
    peer: str
    peer_s: float
    ratios: tuple[float, ...]
    promised: float | None = None

    def __str__(self) -> str:
        ratio, low, high = statistics.median(self.ratios), min(self.ratios), max(self.ratios)
        spread = f" ({low:.2f} to {high:.2f})" if len(self.ratios) > 1 else ""
        goal = "-" if self.promised is None else f"<= {self.promised:.3g}"
        return (
            f"| {self.what} | {self.size} | {ratio:.2f}{spread} | {goal} | {told(self.ours_s)} | {told(self.peer_s)} "
            f"| {self.peer} |"
        )


HEADER = (
    "| what | size | ratio: median (range) | promised | ours | the other | peer or limit |\n"
    "|---|---|---:|---:|---:|---:|---|"
)


def told(seconds: float) -> str:
    """A time as text, in milliseconds below one second and in seconds from there on."""
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


SETTLE_S = 0.3
"""The pause before each side's turn: BLAS threads keep spinning after a product, and would slow the other side."""


def seconds(run: Callable[[], object]) -> float:
    """The seconds of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


LOOPS = 10**7
"""How long the loop is by whose time the machine's pace is told."""
REFERENCE_PACE_S = 0.25
"""The pace for which limits in seconds were set, from times of version 0.1.0.

Five of its commands, timed again on a slower machine with the pace beside each, give 0.16 to 0.25 s for the machine on
which they were first timed. The longest of these makes the strictest limits.
"""
_LOOP = f"""
import time
start = time.perf_counter()
for _ in range({LOOPS}):
    pass
print(time.perf_counter() - start)
"""


def pace_s(tries: int = 3) -> float:
    """The seconds of a fixed loop on all processors at once, by the slowest of them: the least of some tries."""

    def loops() -> float:
        words = [sys.executable, "-c", _LOOP]
        running = [
            subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(len(os.sched_getaffinity(0)))
        ]
        return max(float(process.communicate()[0]) for process in running)

    return min(loops() for _ in range(tries))


def stretch(paces_s: Sequence[float]) -> float:
    """By how much a limit in seconds is longer at the quicker of these paces than at REFERENCE_PACE_S, at least 1."""
    return max(1.0, min(paces_s) / REFERENCE_PACE_S)


def beside(
    what: str,
    size: str,
    ours: Callable[[], object],
    peer: str,
    other: Callable[[], object],
    *,
    runs: int = 9,
    promised: float | None = None,
    busy: bool = False,
) -> Row:
    """Time both sides in turn, each after a pause and one uncounted run, so that neither starts cold.

    With `busy`, another process keeps one processor busy meanwhile.
    """

    def settled(run: Callable[[], object]) -> float:
        time.sleep(SETTLE_S)
        run()
        return seconds(run)

    with _neighbor() if busy else nullcontext():
        pairs = [(settled(ours), settled(other)) for _ in range(runs)]
    named = f"{what}, beside a busy process" if busy else what
    return paired(named, size, [a for a, _ in pairs], peer, [b for _, b in pairs], promised=promised)


@contextmanager
def _neighbor() -> Iterator[None]:
    """A context in which another process keeps one processor busy."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as process:
        try:
            yield
        finally:
            process.kill()


def paired(
    what: str, size: str, ours: Sequence[float], peer: str, theirs: Sequence[float], *, promised: float | None = None
) -> Row:
    """The row of pairs of runs that were measured in turn, given their seconds."""
    ratios = tuple(a / b for a, b in zip(ours, theirs, strict=True))
    return Row(what, size, statistics.median(ours), peer, statistics.median(theirs), ratios, promised)


def within(what: str, size: str, run: Callable[[], object], limit_s: float, *, runs: int = 3) -> Row:
    """The row of some runs, compared with a promised limit in seconds."""
    return against(what, size, [partial(seconds, run)] * runs, limit_s)


def against(what: str, size: str, measured: Sequence[Callable[[], float]], limit_s: float) -> Row:
    """The row of measurements that return their seconds, compared with a promised limit at the pace around each."""
    paces_s, taken = [pace_s(1)], []
    for one in measured:
        taken.append(one())
        paces_s.append(pace_s(1))
    limits = [limit_s * stretch(around) for around in pairwise(paces_s)]
    peer = "the limit" if max(limits) == limit_s else f"the limit of {told(limit_s)}, at this pace"
    return paired(what, size, taken, peer, limits, promised=1.0)


def surroundings() -> dict[str, str]:
    """The environment of new processes: Python keeps the modules that it has compiled, as it does by default."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def python(*words: str, answers: Sequence[int] = (0,), **more: str) -> None:
    """Run Python with these words in the checkout, in a new process; `more` is added to its environment.

    Another exit code than those of `answers` raises RuntimeError with what the process said.
    """
    done = subprocess.run(
        [sys.executable, *words], cwd=HOME, env=surroundings() | more, capture_output=True, text=True, check=False
    )
    if done.returncode not in answers:
        raise RuntimeError(f"{' '.join(words)} must end with {' or '.join(map(str, answers))}: {done.stderr}")


def anew(*words: str, answers: Sequence[int] = (0,)) -> None:
    """Run Python with these words in a new process that finds no result of an earlier run."""
    with tempfile.TemporaryDirectory() as folder:
        python(*words, answers=answers, XDG_CACHE_HOME=folder)


def command(*words: str, answers: Sequence[int] = (0,)) -> None:
    """Run `lowerbound` with these words anew."""
    anew("-m", "lowerbound", *words, answers=answers)


def program(text: str) -> None:
    """Run these lines of Python in a new process, whose caches are empty."""
    python("-c", text)
