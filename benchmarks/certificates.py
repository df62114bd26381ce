"""How long a floor takes to certify and to check, and a cache to break: whole commands in fresh processes."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

RUNS = 5
EVICTING = ("window", "streaming", "h2o", "snapkv", "tova", "fastvar", "pyramidkv", "prefixkv", "scalekv", "hack")
"""Caches that keep some tokens; each at a quarter of its budget."""


def seconds(words: Sequence[str]) -> float:
    """The median of five runs of a command, after one that is not counted."""
    taken = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "lowerbound", *words], check=True, capture_output=True)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def attack_seconds(cache: str) -> float:
    """How long the search for a break takes in one process, as it tells itself."""
    from fractions import Fraction

    from lowerbound.attack.adversary import attack

    start = time.perf_counter()
    found = attack(cache, budget=Fraction(1, 4), eta=Fraction(1, 10))
    taken = time.perf_counter() - start
    if type(found).__name__ != "Broken":
        raise RuntimeError(f"{cache} must break at a quarter of its budget, and did not")
    return taken


def run() -> None:
    """Print a table: what, seconds, promised, quotient."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for model, theorem, promised in (
            ("var-d16", "C'", 5.0),
            ("var-d16", "E", 5.0),
            ("infinity-2b-1m", "C'", None),
            ("infinity-2b-1m", "E", None),
        ):
            path = str(Path(folder) / "c.json")
            made = seconds(("certify", model, "--theorem", theorem, "-o", path))
            rows.append((f"certify {model}, theorem {theorem}, design search included", made, promised))
            limit = 1.0 if model == "var-d16" else 10.0
            rows.append((f"check {model}, theorem {theorem}", seconds(("check", path)), limit))
    rows += [(f"break {cache} at 1/4, relative eta 1/10", attack_seconds(cache), 1.0) for cache in EVICTING]
    for what, taken, promised in rows:
        limit = "" if promised is None else f"{promised:>8.1f} s{taken / promised:>8.2f}"
        print(f"{what:66}{taken:>8.2f} s{limit}")
