"""Timing: medians of interleaved runs, so that what slows the machine for a while slows both sides."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One figure beside a peer or a limit: medians in seconds, and the quotient of each pair of runs."""

    what: str
    ours_s: float
    peer: str
    peer_s: float
    ratios: tuple[float, ...]
    promised: float | None = None

    def __str__(self) -> str:
        ratio, low, high = statistics.median(self.ratios), min(self.ratios), max(self.ratios)
        goal = "" if self.promised is None else f"  promised <= {self.promised:g}"
        return (
            f"| {self.what} | {told(self.ours_s)} | {self.peer} | {told(self.peer_s)} "
            f"| {ratio:.2f} ({low:.2f} to {high:.2f}){goal} |"
        )


HEADER = "| what | ours | beside | it takes | ratio: median (range) |\n|---|---:|---|---:|---:|"


def told(seconds: float) -> str:
    """Seconds in a unit that is read at once."""
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def seconds(run: Callable[[], object]) -> float:
    """Of one run."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def beside(
    what: str,
    ours: Callable[[], object],
    peer: str,
    other: Callable[[], object],
    *,
    runs: int = 9,
    promised: float | None = None,
) -> Row:
    """Both in turn, after one run of each that is not counted."""
    ours()
    other()
    pairs = [(seconds(ours), seconds(other)) for _ in range(runs)]
    mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    return Row(what, mine, peer, theirs, tuple(a / b for a, b in pairs), promised)
