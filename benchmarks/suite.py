"""The suites of tests, each in its own environment, beside the time that it may take, and their slowest tests by name.

The default suite is what `make test` runs, the slow one what `make slow` adds, and the third-party one runs in an
environment with torch. Each runs once, on two workers. What is marked `long` is not timed here: CI alone runs it, Coq
from nothing (which `start` times) and a browser on the site among it.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

from benchmarks.timing import HOME, Row, surroundings, within

SLOWEST = 20
ALONE = ("--ignore", "tests/thirdparty")


@dataclass(frozen=True)
class Suite:
    """A suite: the folder of its environment, pytest's words, and its limit."""

    name: str
    environment: str
    words: tuple[str, ...]
    limit_s: float

    @property
    def interpreter(self) -> str:
        """The environment's Python."""
        return str(HOME / self.environment / "bin" / "python")


SUITES = (
    Suite("default", ".venv", ("-m", "not slow", *ALONE), 120.0),
    Suite("third-party", ".venv-thirdparty", ("-m", "not slow", "tests/thirdparty"), 60.0),
    Suite("slow", ".venv", ("-m", "slow and not long", *ALONE), 480.0),
)


@cache
def ran(suite: Suite) -> str:
    """What pytest printed in the one run of a suite; a test that fails raises RuntimeError."""
    words = ["-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", f"--durations={SLOWEST}", *suite.words]
    done = subprocess.run(
        [suite.interpreter, *words], cwd=HOME, env=surroundings(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the {suite.name} suite must pass: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def at_hand() -> list[Suite]:
    """The suites whose environment was made."""
    return [suite for suite in SUITES if os.path.exists(suite.interpreter)]


def rows() -> Iterator[Row]:
    """A row for each suite."""
    for suite in at_hand():
        row = within(f"the {suite.name} suite", "", partial(ran, suite), suite.limit_s, runs=1)
        yield replace(row, size=f"{_passed(ran(suite))} tests")


def notes() -> Iterator[str]:
    """The slowest tests of each suite, and the suites that could not be run."""
    for suite in at_hand():
        yield f"{suite.name}, its slowest {SLOWEST}:"
        for taken, test in re.findall(r"^([\d.]+s) +call +(\S.*)$", ran(suite), re.MULTILINE):
            yield f"  {taken:>8}  {test}"
    for suite in SUITES:
        if suite not in at_hand():
            yield f"{suite.name}: not run, because {suite.environment} was not made"


def _passed(told: str) -> str:
    found = re.search(r"(\d+) passed", told)
    return f"{int(found[1]):,}" if found else "no"
