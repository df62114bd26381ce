"""How long a floor takes to certify and to check, and a cache to break: whole commands in new processes.

Every design is searched for anew: nothing of an earlier run is found. At 131,072 tokens in R^128 every theorem has a
certificate, or a sentence that says why it has none. How checking grows with the tokens is fitted to processor time in
this process, least of five runs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from math import log
from pathlib import Path

from benchmarks.timing import Row, command, within
from lowerbound.adversary.search import attack
from lowerbound.certify.certified import certified
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.decoder import own_decoder
from lowerbound.kernel.judge import judge_document

RUNS = 5
LIMITS = (("var-d16", 5.0, 1.0), ("infinity-2b-1m", 30.0, 10.0))
"""Model, limit in seconds for making a certificate, limit for the kernel; those of Infinity are our own choice."""
BREAK_S = 1.0
LONG, WIDE = 131072, 128
LONG_S = 10.0
"""Seconds for a certificate at the longest context, and for its check."""
GROWTH = (8192, 16384, 32768, 65536, 131072)
STEEPEST = 1.2
"""The power of the tokens that checking may grow with."""
EVICTING = ("window", "streaming", "h2o", "snapkv", "tova", "fastvar", "pyramidkv", "prefixkv", "scalekv", "hack")
"""Caches that keep only some tokens; each is attacked at a quarter of its budget."""


def _break(cache: str) -> None:
    found = attack(cache, budget=Fraction(1, 4), eta=Fraction(1, 10))
    if type(found).__name__ != "Broken":
        raise RuntimeError(f"{cache} must break at a quarter of its budget, and did not")


def _asked(theorem: str, path: Path) -> None:
    """Certify the longest context; a refusal is an answer, of exit code 2."""
    words = ("certify", "--tokens", str(LONG), "--d", str(WIDE), "--theorem", theorem, "-o", str(path))
    path.unlink(missing_ok=True)
    command(*words, "--guarantee", THEOREMS[theorem].guarantee, answers=(0, 2))


def long_rows() -> Iterator[Row]:
    """Rows for every theorem at the longest context."""
    with tempfile.TemporaryDirectory() as folder:
        path, size = Path(folder) / "c.json", f"{LONG} x {WIDE}"
        for theorem in THEOREMS:
            yield within(f"certify theorem {theorem}", size, partial(_asked, theorem, path), LONG_S)
            if path.exists():
                yield within(f"check theorem {theorem}", size, partial(command, "check", str(path)), LONG_S)


def growth(theorem: str) -> tuple[float, list[float]] | None:
    """The fitted power of T that checking takes, and its processor seconds at each T; None without certificates."""
    taken = []
    for n in GROWTH:
        found = certified(own_decoder(WIDE).at(n), eta="1/100", delta=0, theorem=theorem)
        if found is None:
            return None
        data, runs = found.document(), []
        for _ in range(5):
            start = time.process_time()
            judge_document(data)
            runs.append(time.process_time() - start)
        taken.append(min(runs))
    points = [(log(n), log(max(seconds, 1e-4))) for n, seconds in zip(GROWTH, taken, strict=True)]
    return statistics.linear_regression(*zip(*points, strict=True)).slope, taken


def notes() -> Iterator[str]:
    """Lines on how checking grows with the number of tokens."""
    for theorem in THEOREMS:
        found = growth(theorem)
        if found is None:
            yield f"theorem {theorem:2}: no certificate at {LONG:,} tokens"
        else:
            power, taken = found
            word = "at most" if power <= STEEPEST else "MORE THAN"
            seconds = ", ".join(f"{1e3 * each:.1f}" for each in taken)
            yield f"theorem {theorem:2}: checking takes T^{power:.2f}, {word} T^{STEEPEST}; {seconds} ms"
    yield f"at T = {', '.join(f'{n:,}' for n in GROWTH)}, d = {WIDE}, one own token, eta 1/100, delta 0"


def rows() -> Iterator[Row]:
    """Rows for certifying and judging floors of two models and of a long context, and for breaking ten caches."""
    yield from long_rows()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "c.json")
        for model, made_s, checked_s in LIMITS:
            for theorem in ("C'", "E"):
                make = partial(command, "certify", model, "--theorem", theorem, "-o", path)
                yield within(f"certify theorem {theorem}, its design searched", model, make, made_s, runs=RUNS)
                yield within(f"check theorem {theorem}", model, partial(command, "check", path), checked_s, runs=RUNS)
    for cache in EVICTING:
        yield within(f"break {cache} in this process", "1/4, relative 1/10", partial(_break, cache), BREAK_S, runs=RUNS)
