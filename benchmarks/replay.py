"""How long model R2 takes to settle: rank tables and eta_0 of VAR-256, certificates and their judgement, fibres."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from benchmarks.var import ranks_seconds

T = TypeVar("T")

PROMISED_S = 10.0
CHECK_PROMISED_S = {"var-d16": 1.0, "var-d36-512": 10.0, "var-d30-1024": 10.0, "infinity-2b-1m": 10.0}


def timed(action: Callable[[], T]) -> tuple[T, float]:
    """What an action returns, and its seconds."""
    start = time.perf_counter()
    done = action()
    return done, time.perf_counter() - start


def run() -> None:
    """Print a table: what, seconds, promised, quotient."""
    from lowerbound.core.models import find_model
    from lowerbound.kernel.judge import judge_document
    from lowerbound.kernel.verdict import Outcome
    from lowerbound.var.fibres import certify_fibre
    from lowerbound.var.replay import replay

    rows: list[tuple[str, float, float | None]] = []
    for name, promised in CHECK_PROMISED_S.items():
        model = find_model(name)
        found, taken = timed(partial(replay, model))
        if name == "var-d16":
            taken += ranks_seconds()
            rows.append((f"{name}: rank tables, eta_0 and its certificate", taken, PROMISED_S))
        else:
            rows.append((f"{name}: eta_0 and its certificate", taken, None))
        (_, verdict), taken = timed(partial(judge_document, found.certified.document()))
        if verdict.outcome is not Outcome.VERIFIED:
            raise RuntimeError(f"the certificate of {name} must be verified, and is not: {verdict.reason}")
        rows.append((f"{name}: the kernel judges it", taken, promised))
    _, taken = timed(lambda: certify_fibre(find_model("var-d16")))
    rows.append(("var-d16: the lattice that f_hat cannot see, and its judgement", taken, None))
    for what, taken, promised in rows:
        limit = "" if promised is None else f"{promised:>8.1f} s{taken / promised:>8.2f}"
        print(f"{what:66}{taken:>8.2f} s{limit}")
