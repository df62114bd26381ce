"""How long the answers for model R2 take: rank tables, eta_0 and its certificate, their judgment, the fibres of f_hat.

Every figure is the time of a new process, its start included, because a process keeps what it has once found.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.timing import Row, program, within
from lowerbound.certify.replay.games import replay
from lowerbound.core.models import find_model

LIMIT_S = 10.0
JUDGED_S = {"var-d16": 1.0, "var-d36-512": 10.0, "var-d30-1024": 10.0, "infinity-2b-1m": 10.0}
MODEL = "from lowerbound.core.models import find_model; model = find_model({name!r}); "
FIND = MODEL + "from lowerbound.certify.replay.games import replay; replay(model)"
JUDGE = """
from pathlib import Path
from lowerbound.kernel.judge import judge_document
assert judge_document(Path({path!r}).read_bytes())[1].outcome.name == "VERIFIED"
"""
RANKS = "from benchmarks.var import ranks; ranks(); "
FIBRE = MODEL + "from lowerbound.certify.replay.fibres import certify_fibre; certify_fibre(model)"


def rows() -> Iterator[Row]:
    """Rows for finding and judging the certificate of every model, for VAR-d16's rank tables, and for its fibre."""
    with tempfile.TemporaryDirectory() as folder:
        for name, judged_s in JUDGED_S.items():
            path = Path(folder) / f"{name}.json"
            path.write_bytes(replay(find_model(name)).certified.document())
            yield within("eta_0 and its certificate", name, partial(program, FIND.format(name=name)), LIMIT_S)
            yield within("the kernel judges it", name, partial(program, JUDGE.format(path=str(path))), judged_s)
    both = RANKS + FIND.format(name="var-d16")
    yield within("rank tables, eta_0 and its certificate", "var-d16", partial(program, both), LIMIT_S)
    fibre = FIBRE.format(name="var-d16")
    yield within("the lattice that f_hat cannot see, judged", "var-d16", partial(program, fibre), LIMIT_S)
