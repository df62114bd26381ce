"""Question: how do time and memory grow with tokens, dimension, caches and lemmas; what would a video or a fleet cost?

Claims that could be refuted: the seconds of a game are c0 + c1 T d + c2 T^2 + c3 T^2 d, and its memory m0 + m1 T d.
Fitted to small games, these predict games with 32,761 and with 160,801 cached tokens in R^128 to within a factor of 2
(a video has 160,371); both games are then really played, without an error. So is a language model's context of 131,072
tokens in R^128, where Bob asks with one token of his own; such games take at most twice as long as those whose last map
is as wide as the cache, from 4,096 tokens on. Messages grow in proportion to T and to d.
The cost of many caches and of many lemmas grows at most in proportion to their number. The cost of ten thousand pairs
of a model and a cache is extrapolated, and marked so. Cost: ten minutes.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import nnls

from experiments.scaling import slope
from experiments.table import Outcome, save
from lowerbound.caches.registry import play
from lowerbound.caches.tournament import tournament
from lowerbound.core.decoder import paged
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import models
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation, strongest
from lowerbound.game.reduction import plan_reduction
from lowerbound.prove.book import load_book
from lowerbound.prove.verify import verify

INSTANCES = PrivateSeed(0)
"""A seed that everybody knows, so that the rows are the same again: no cache here looks for it."""

SPEC: dict[str, Any] = {
    "sides": [16, 23, 32, 45, 64, 90, 128],
    "d": 64,
    "dimensions": [16, 32, 64, 128],
    "side": 45,
    "largest": [[181, 128], [401, 128]],
    "decoded": [1024, 4096, 16384],
    "longest_decoded": [131072, 128],
    "decoding_at_most": 2.0,
    "decoding_from": 4096,
    "factor": 2.0,
    "caches": ["full", "full-fp16", "window", "uniform", "h2o", "kivi", "snapkv", "exact"],
    "counts": [4, 8, 16, 32],
    "lemmas": [8, 16, 32, 64],
    "backends": ["kernel", "computation"],
    "video": [160371, 128],
    "fleet": 10_000,
    "slack": 0.25,
    "time_limit_s": 3600,
}
LINE_POINTS = 40


def peak_bytes() -> int:
    """The peak memory of this program in bytes; getrusage would include its parent's peak before exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def game(side: int, d: int, repeats: int = 3) -> dict[str, Any]:
    """The fastest of a few games with side x side cached tokens and as many own ones, and the memory that they add."""
    return played("game", ScaleSchedule(((side, side), (side, side))), d, repeats)


def decoding(tokens: int, d: int, repeats: int = 3) -> dict[str, Any]:
    """The same for a language model's schedule, with one own token."""
    return played("decoding", paged(tokens), d, repeats)


def played(kind: str, schedule: ScaleSchedule, d: int, repeats: int) -> dict[str, Any]:
    """The fastest of a few games on a head, and the memory that they add."""
    plan = plan_reduction(Geometry(kind, schedule, d), seed=0)
    small = plan_reduction(Geometry("small", ScaleSchedule(((2, 2), (2, 2))), d), seed=0)
    play(small, "full-fp16", isolation=Isolation.NONE, instances=INSTANCES)
    before = peak_bytes()
    best, bits = math.inf, 0
    for _ in range(repeats):
        start = time.perf_counter()
        row = play(plan, "full-fp16", isolation=Isolation.NONE, instances=INSTANCES, time_limit_s=SPEC["time_limit_s"])
        best, bits = min(best, time.perf_counter() - start), row.state_bits
    added = peak_bytes() - before
    return {
        "kind": kind,
        "tokens": schedule.n_tokens_cached,
        "d": d,
        "seconds": best,
        "bits": bits,
        "memory_bytes": added,
        "errors": row.errors,
    }


def several(count: int) -> dict[str, Any]:
    """The seconds of `count` games on a small model, each in processes of its own."""
    plan = plan_reduction(Geometry("many", ScaleSchedule(((16, 16), (16, 16))), SPEC["d"]), seed=0)
    games = [(SPEC["caches"][n % len(SPEC["caches"])], None) for n in range(count)]
    start = time.perf_counter()
    for name, outcome in tournament(
        plan, games, trials=1, isolation=strongest(), time_limit_s=120, on_wait=lambda _: None
    ):
        if isinstance(outcome, Exception):
            raise RuntimeError(f"{name}: {outcome}")
    return {"kind": "caches", "count": count, "seconds": time.perf_counter() - start}


def lemmas(count: int) -> dict[str, Any]:
    """The seconds to verify the first `count` lemmas of the book with the backends of the specification."""
    book = load_book(Path(__file__).parent.parent / "proofs")
    names = [lemma.id for lemma in book.lemmas][:count]
    start = time.perf_counter()
    verify(book, only=names, backends=SPEC["backends"])
    return {"kind": "lemmas", "count": len(names), "seconds": time.perf_counter() - start}


def alone(work: Callable[..., dict[str, Any]], *arguments: Any) -> dict[str, Any]:
    """The result of work in a new process, so that its peak memory is its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def fit(rows: Sequence[dict[str, Any]], name: str, terms: Callable[[float, float], list[float]]) -> list[float]:
    """The coefficients >= 0 of the best fit: least squares of relative errors for seconds, of absolute ones for bytes.

    A small game needs less memory than the process has already had, so that only large games determine the memory.
    """
    columns = np.array([terms(row["tokens"], row["d"]) for row in rows])
    values = np.array([row[name] for row in rows], dtype=np.float64)
    weights = 1 / values if name == "seconds" else np.ones(len(rows))
    return [float(c) for c in nnls(columns * weights[:, None], values * weights)[0]]


def time_terms(tokens: float, d: float) -> list[float]:
    """The terms of seconds: a start, messages, and an exponential and a product for every pair of query and key."""
    return [1.0, tokens * d, tokens * tokens, tokens * tokens * d]


def memory_terms(tokens: float, d: float) -> list[float]:
    """The terms of memory: a start, and the rows of keys and values."""
    return [1.0, tokens * d]


def told(coefficients: Sequence[float], terms: Sequence[float]) -> float:
    """The value of a fit."""
    return sum(c * term for c, term in zip(coefficients, terms, strict=True))


def exponent(rows: Sequence[dict[str, Any]], x: str, y: str) -> tuple[float, float]:
    """The slope of log y against log x, and half of its 95 % interval."""
    return slope([math.log(row[x]) for row in rows], [math.log(row[y]) for row in rows])


def run() -> Outcome:
    """Measure small games, fit, predict, play the largest games, and extrapolate."""
    by_t = [alone(game, side, SPEC["d"]) for side in SPEC["sides"]]
    by_d = [alone(game, SPEC["side"], d) for d in SPEC["dimensions"]]
    decoded = [alone(decoding, count, SPEC["d"]) for count in SPEC["decoded"]]
    context = alone(decoding, *SPEC["longest_decoded"], 1)
    many = [several(count) for count in SPEC["counts"]]
    checks = [alone(lemmas, count) for count in SPEC["lemmas"]]
    measured = [*by_t, *by_d]
    seconds = fit(measured, "seconds", time_terms)
    memory = fit(measured, "memory_bytes", memory_terms)
    largest = []
    for side, d in SPEC["largest"]:
        place = side * side, d
        foretold = {"seconds": told(seconds, time_terms(*place)), "memory_bytes": told(memory, memory_terms(*place))}
        largest.append({**alone(game, side, d, 1), "kind": "largest", "foretold": foretold})
    wrong = [
        f"{name} of {row['tokens']:,} tokens are {row[name]:.3g}, foretold {foretold:.3g}"
        for row in largest
        for name, foretold in row["foretold"].items()
        if not 1 / SPEC["factor"] <= row[name] / foretold <= SPEC["factor"]
    ]
    wrong += [
        f"{row['errors']} errors among {row['tokens']:,} tokens"
        for row in [*measured, *decoded, context, *largest]
        if row["errors"]
    ]
    wide = {row["tokens"]: row["seconds"] for row in by_t}
    ratios = {row["tokens"]: row["seconds"] / wide[row["tokens"]] for row in decoded}
    wrong += [
        f"one own token makes a game of {tokens:,} tokens {ratio:.2f} times as long"
        for tokens, ratio in ratios.items()
        if tokens >= SPEC["decoding_from"] and ratio > SPEC["decoding_at_most"]
    ]
    most = 1 + SPEC["slack"]
    lengths = {"T": exponent(by_t, "tokens", "bits"), "d": exponent(by_d, "d", "bits")}
    wrong += [f"messages grow as {x}^{a:.2f}" for x, (a, _) in lengths.items() if not 2 - most <= a <= most]
    grown = {"caches": exponent(many, "count", "seconds"), "lemmas": exponent(checks, "count", "seconds")}
    wrong += [f"{what} cost their number to the {a:.2f}" for what, (a, b) in grown.items() if a - b > most]
    video, d = SPEC["video"]
    catalogue = [told(seconds, time_terms(model.n_tokens_cached, model.head_dim)) for model in models()]
    start_s = many[-1]["seconds"] * (os.cpu_count() or 1) / many[-1]["count"]
    reach = [float(tokens) for tokens in np.geomspace(by_t[0]["tokens"], video, LINE_POINTS)]
    future = {
        "kind": "extrapolated",
        "lines": {
            str(width): {
                "tokens": reach,
                "seconds": [told(seconds, time_terms(tokens, width)) for tokens in reach],
                "memory_bytes": [told(memory, memory_terms(tokens, width)) for tokens in reach],
            }
            for width in (SPEC["d"], d)
        },
        "widths": {str(row["d"]): told(seconds, time_terms(row["tokens"], row["d"])) for row in by_d},
        "video_tokens": video,
        "video_seconds": told(seconds, time_terms(video, d)),
        "video_bytes": told(memory, memory_terms(video, d)),
        "fleet_games": SPEC["fleet"],
        "fleet_seconds": SPEC["fleet"] * (start_s + sum(catalogue) / len(catalogue)),
    }
    told_largest = "; ".join(
        f"{row['tokens']:,} cached tokens in R^{row['d']}: {row['seconds']:.0f} s and "
        f"{row['memory_bytes'] / 2**30:.2f} GiB, foretold {row['foretold']['seconds']:.0f} s and "
        f"{row['foretold']['memory_bytes'] / 2**30:.2f} GiB"
        for row in largest
    )
    sentence = (
        f"from games of up to {by_t[-1]['tokens']:,} tokens in R^{SPEC['d']} larger ones were foretold, and then "
        f"played without an error on one thread: {told_largest}. With one own token, {context['tokens']:,} tokens in "
        f"R^{context['d']} took {context['seconds']:.0f} s and {context['memory_bytes'] / 2**30:.2f} GiB, and "
        f"{', '.join(f'{tokens:,}' for tokens in ratios)} tokens "
        f"{', '.join(f'{ratio:.2f}' for ratio in ratios.values())} times as long as with as many own ones. "
        f"Extrapolated, not run: a video's {video:,} tokens in R^{d} "
        f"{future['video_seconds'] / 60:.0f} minutes a head; {SPEC['fleet']:,} games over the catalogue "
        f"{future['fleet_seconds'] / 3600:.1f} hours of one processor, divided by the processors of a cluster"
    )
    rows = [*by_t, *by_d, *largest, *decoded, context, *many, *checks, future]
    return save("growth", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
