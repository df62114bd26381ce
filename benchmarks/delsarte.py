"""How long a count of keys takes to certify: the linear program, its rational dual, and the kernel's verdict."""

from __future__ import annotations

import time
from fractions import Fraction

from lowerbound.certify.dimension import room

DIMENSIONS = (4, 8, 16, 24, 32, 48, 64)
COHERENCES = ("1/16", "1/8", "1/4", "1/3", "1/2", "7/8")
PROMISED_S = 10.0


def run() -> None:
    """Print one row a dimension: the slowest coherence, how many are certified, promised, quotient."""
    print("| dimension | coherences certified | slowest | takes | promised | ratio |")
    print("|---:|---|---|---:|---:|---:|")
    for d in DIMENSIONS:
        taken, certified = {}, 0
        for coherence in COHERENCES:
            start = time.perf_counter()
            certified += room(d, Fraction(coherence)).at_most is not None
            taken[coherence] = time.perf_counter() - start
        slowest = max(taken, key=taken.__getitem__)
        print(
            f"| {d} | {certified} of {len(COHERENCES)} | {slowest} | {taken[slowest]:.2f} s | {PROMISED_S:g} s "
            f"| {taken[slowest] / PROMISED_S:.3f} |",
            flush=True,
        )
