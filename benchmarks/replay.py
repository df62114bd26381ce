"""How long model R2 takes to settle: rank tables and eta_0 of VAR-256, certificates and their judgement, fibres."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.timing import Row, within
from benchmarks.var import ranks
from lowerbound.core.models import find_model
from lowerbound.kernel.judge import judge_document
from lowerbound.kernel.verdict import Outcome
from lowerbound.var.fibres import certify_fibre
from lowerbound.var.replay import replay

LIMIT_S = 10.0
JUDGED_S = {"var-d16": 1.0, "var-d36-512": 10.0, "var-d30-1024": 10.0, "infinity-2b-1m": 10.0}


def rows() -> Iterator[Row]:
    """Every model found and judged, VAR-d16 with its rank tables; the fibre."""
    for name, judged_s in JUDGED_S.items():
        model = find_model(name)
        found = replay(model)
        document = found.certified.document()
        if judge_document(document)[1].outcome is not Outcome.VERIFIED:
            raise RuntimeError(f"the certificate of {name} must be verified, and is not")
        yield within("eta_0 and its certificate", name, partial(replay, model), LIMIT_S)
        yield within("the kernel judges it", name, partial(judge_document, document), judged_s)
    model = find_model("var-d16")
    yield within("rank tables, eta_0 and its certificate", "var-d16", lambda: (ranks(), replay(model)), LIMIT_S)
    yield within("the lattice that f_hat cannot see, judged", "var-d16", lambda: certify_fibre(model), LIMIT_S)
