"""From the word to the answer: whole commands in new processes, what they import included, beside the second promised.

A command was run once before, uncounted. It finds what that run searched for, and judges it anew; a verification finds
Coq's results, and asks and counts everything else anew. One that finds none is compared with Coq alone, which compiles
and audits the same files on as many processors.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.timing import Row, anew, command, paired, python, seconds, within

RUNS = 5
LIMITS = (
    (("--help",), 0.1),
    (("floor", "--help"), 0.1),
    (("models",), 0.3),
    (("floor",), 0.6),
    (("attack", "h2o"), 0.6),
    (("possible", "--ratio", "10"), 0.8),
    (("certify",), 0.8),
    (("verify",), 4.0),
)
"""Commands as they are typed, and the limit of each in seconds."""
COQ = "from pathlib import Path; from lowerbound.prove.coq import CoqFolder; CoqFolder(Path('proofs/coq')).compiled()"
FIRST_FLOOR_S = 5.0
LONGER_THAN_COQ = 1.2
"""A first verification may take so many times as long as Coq: on two processors, Coq leaves room for the rest."""


def typed(*words: str) -> None:
    """Run `lowerbound` with these words in a new process; IMPOSSIBLE and BROKEN are answers too."""
    python("-m", "lowerbound", *words, answers=(0, 1))


def rows() -> Iterator[Row]:
    """Rows for the import of the package, each command of LIMITS, and a verification without earlier results."""
    start = partial(python, "-c", "import lowerbound")
    yield within("import lowerbound", "a new process", start, 0.1, runs=RUNS)
    for words, limit_s in LIMITS:
        typed(*words)
        yield within(" ".join(words), "a new process", partial(typed, *words), limit_s, runs=RUNS)
    first_run = partial(command, "floor")
    yield within("floor, with no earlier result", "a new process", first_run, FIRST_FLOOR_S, runs=RUNS)
    first, alone = (seconds(partial(anew, *words)) for words in (("-m", "lowerbound", "verify"), ("-c", COQ)))
    what = "verify, with no earlier result"
    yield paired(what, "the whole book", [first], "Coq alone", [alone], promised=LONGER_THAN_COQ)
