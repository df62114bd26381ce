"""How long the structure table of VAR-d16 takes: every class counted, its scheme played by two processes."""

from __future__ import annotations

import time

MODEL = "var-d16"
PROMISED_S = 60.0


def run() -> None:
    """Print one row a prior and the whole: seconds, promised, quotient."""
    from lowerbound.certify.structures import structure_rows
    from lowerbound.core.models import find_model
    from lowerbound.core.priors.table import PRIORS
    from lowerbound.game.hard_family import Geometry

    place = Geometry.of(find_model(MODEL))
    start = time.perf_counter()
    for name in PRIORS:
        before = time.perf_counter()
        (row,) = structure_rows(place, [name])
        print(
            f"{name:24}{row.scheme_bits:>10,} bits, {row.ratio:.3f} of its class {time.perf_counter() - before:>8.2f} s"
        )
    taken = time.perf_counter() - start
    print(f"{MODEL + ': the whole table':66}{taken:>8.2f} s{PROMISED_S:>8.1f} s{taken / PROMISED_S:>8.2f}")
