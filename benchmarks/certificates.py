"""How long a floor takes to certify and to check, and a cache to break: whole commands in new processes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path

from benchmarks.timing import Row, command, within
from lowerbound.adversary.search import attack

RUNS = 5
LIMITS = (("var-d16", 5.0, 1.0), ("infinity-2b-1m", 30.0, 10.0))
"""Model, limit in seconds for making a certificate, limit for the kernel; those of Infinity are our own choice."""
BREAK_S = 1.0
EVICTING = ("window", "streaming", "h2o", "snapkv", "tova", "fastvar", "pyramidkv", "prefixkv", "scalekv", "hack")
"""Caches that keep only some tokens; each is attacked at a quarter of its budget."""


def _break(cache: str) -> None:
    found = attack(cache, budget=Fraction(1, 4), eta=Fraction(1, 10))
    if type(found).__name__ != "Broken":
        raise RuntimeError(f"{cache} must break at a quarter of its budget, and did not")


def rows() -> Iterator[Row]:
    """Rows for certifying and judging floors of two models, and for breaking ten caches."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "c.json")
        for model, made_s, checked_s in LIMITS:
            for theorem in ("C'", "E"):
                make = partial(command, "certify", model, "--theorem", theorem, "-o", path)
                yield within(f"certify theorem {theorem}, its design searched", model, make, made_s, runs=RUNS)
                yield within(f"check theorem {theorem}", model, partial(command, "check", path), checked_s, runs=RUNS)
    for cache in EVICTING:
        yield within(f"break {cache} in this process", "1/4, relative 1/10", partial(_break, cache), BREAK_S, runs=RUNS)
