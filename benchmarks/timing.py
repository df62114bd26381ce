"""Timing: medians of interleaved runs, so that what slows the machine for a while slows both sides."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure beside a peer or a limit: medians in seconds, and the quotient of each pair of runs."""

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
    """Seconds in a unit that is read at once."""
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


SETTLE_S = 0.3
"""A pause before the other side's turn: threads of a linear algebra that has just worked spin on, and would slow it."""


def seconds(run: Callable[[], object]) -> float:
    """Of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def beside(
    what: str,
    size: str,
    ours: Callable[[], object],
    peer: str,
    other: Callable[[], object],
    *,
    runs: int = 9,
    promised: float | None = None,
) -> Row:
    """Both in turn, each after a pause and one more run that is not counted, so that neither starts cold."""

    def settled(run: Callable[[], object]) -> float:
        time.sleep(SETTLE_S)
        run()
        return seconds(run)

    pairs = [(settled(ours), settled(other)) for _ in range(runs)]
    return paired(what, size, [a for a, _ in pairs], peer, [b for _, b in pairs], promised=promised)


def paired(
    what: str, size: str, ours: Sequence[float], peer: str, theirs: Sequence[float], *, promised: float | None = None
) -> Row:
    """Seconds of pairs of runs that were measured in turn."""
    ratios = tuple(a / b for a, b in zip(ours, theirs, strict=True))
    return Row(what, size, statistics.median(ours), peer, statistics.median(theirs), ratios, promised)


def within(what: str, size: str, run: Callable[[], object], limit_s: float, *, runs: int = 3) -> Row:
    """Runs beside so many seconds that are promised."""
    return against(what, size, [seconds(run) for _ in range(runs)], limit_s)


def against(what: str, size: str, taken: Sequence[float], limit_s: float) -> Row:
    """Seconds that were measured, beside so many that are promised."""
    return paired(what, size, taken, "the limit", [limit_s] * len(taken), promised=1.0)


def command(*words: str) -> None:
    """`lowerbound` with these words, as a new process."""
    subprocess.run([sys.executable, "-m", "lowerbound", *words], check=True, capture_output=True)


def program(text: str) -> None:
    """These lines of Python in a new process, which remembers nothing."""
    subprocess.run([sys.executable, "-c", text], check=True, capture_output=True)
