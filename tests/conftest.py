"""Fixtures shared by all tests: small geometries, and which isolation levels this machine gives."""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: as in a party's process, and workers share cores

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import settings

from lowerbound.core.geometry import Geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import Reduction, plan_reduction
from lowerbound.game.sandbox import sandbox_problem
from tests.marks import first_now, tries

gc.disable()  # twelve thousand tests are collected, and none is garbage: looking for it costs a twentieth of a run
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a script's `make test &` inherits it, and games with it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("fixed", derandomize=True, deadline=None, max_examples=tries(60))
settings.load_profile("fixed")


def pytest_itemcollected(item: pytest.Item) -> None:
    """What is long is slow too: `-m "not slow"` leaves out both, and `-m "slow and not long"` is what lies between."""
    if item.get_closest_marker("long") is not None:
        item.add_marker("slow")


@pytest.fixture(autouse=True)
def known_instances(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds are fixed: a game of this process plays on the instances of seed 0, except in tests marked `secret`."""
    if request.node.get_closest_marker("secret") is None:
        monkeypatch.setattr(PrivateSeed, "fresh", lambda: PrivateSeed(0))


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What commands print is as wide as where there is neither a terminal nor $COLUMNS, whoever runs the tests."""
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.fixture(scope="session")
def small_geometry() -> Geometry:
    """21 cached tokens and 64 of Bob's own, in R^16."""
    return Geometry("small", ScaleSchedule.square([1, 2, 4, 8]), 16, codebook_size=16)


@pytest.fixture(scope="session")
def small(small_geometry: Geometry) -> Reduction:
    """336 fair bits."""
    return plan_reduction(small_geometry)


@pytest.fixture(params=first_now([Isolation.NONE, Isolation.SANDBOX, Isolation.PROCESS], 2))
def isolation(request: pytest.FixtureRequest) -> Isolation:
    """Every isolation level, the middle one in CI alone; a user's machine may lack the sandbox, but CI never."""
    level: Isolation = request.param
    require(level)
    return level


def require(level: Isolation) -> None:
    """Skip, loudly, a test whose isolation level this machine lacks; in CI that is a failure."""
    problem = sandbox_problem() if level is Isolation.SANDBOX else None
    if problem is not None:
        assert "CI" not in os.environ, f"CI must give a sandbox: {problem}"
        pytest.skip(f"needs bubblewrap: {problem}")


@pytest.fixture
def needs_coq() -> None:
    """Skip, loudly, a test on a machine without Coq; in CI that is a failure."""
    if shutil.which("coqc") is None:
        assert "CI" not in os.environ, "CI must give Coq: apt-get install coq libcoq-mathcomp-ssreflect"
        pytest.skip("needs coqc: apt-get install coq libcoq-mathcomp-ssreflect brings it on Debian")


@pytest.fixture
def run_command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the installed command as a user would, in an empty directory."""

    def run(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "lowerbound", *words],
            cwd=tmp_path,
            env={**os.environ, "NO_COLOR": "1", **(environment or {})},
            capture_output=True,
            text=True,
            timeout=250,
            check=False,
        )

    return run


@pytest.fixture
def refused(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Count tamperings that this test tries and sees refused, by what was tampered with; the run's end tells the sums.

    A count stands only if its test passes.
    """

    def count(of_what: str, n: int) -> None:
        request.node.user_properties.append(("refused", [of_what, n]))

    return count


def pytest_unconfigure(config: pytest.Config) -> None:
    """Say in the last lines how many tamperings were refused, and how many tests were skipped for want of which tool.

    The reasons of such a skip begin "needs TOOL:".
    """
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if not isinstance(reporter, TerminalReporter) or hasattr(config, "workerinput"):
        return
    reasons = (str(report.longrepr[2]) for report in reporter.stats.get("skipped", []))
    told = [p for report in reporter.stats.get("passed", []) for p in report.user_properties if p[0] == "refused"]
    if told:
        refusals = Counter[str]()
        for _, (of_what, n) in told:
            refusals[of_what] += n
        each = ", ".join(f"{of_what} {n}" for of_what, n in refusals.most_common())
        reporter.write_line(f"tamperings tried and refused: {refusals.total()} ({each})")
    wanting = Counter(found[1] for reason in reasons if (found := re.match(r"(?:Skipped: )?needs ([\w.-]+):", reason)))
    if wanting:
        reporter.write_line("skipped for want of: " + ", ".join(f"{tool} ({n})" for tool, n in wanting.most_common()))


def pytest_collection_finish() -> None:
    """From here on, garbage is looked for among what tests make."""
    gc.freeze()
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Workers take files in the order of `pytest_collection_modifyitems`, not those of many tests first."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker compiles the Coq folder first, while the other does what does not ask Coq; then files of long tests,
    so that no worker is left alone with one at the end."""
    n_long = Counter(item.path for item in items if item.get_closest_marker("long"))
    items.sort(key=lambda item: ("test_coq" not in item.nodeid, -n_long[item.path]))
