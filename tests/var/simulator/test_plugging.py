"""Foreign caches in networks and traces: they live in a party, and what is measured of them is the same."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from lowerbound.errors import CacheContractBroken, InvalidArgument, LowerBoundError
from lowerbound.game.channel import Isolation
from lowerbound.var.simulator.plugging import _budget
from lowerbound.var.simulator.simulate import Simulation, simulate
from lowerbound.var.trace.file import Trace
from lowerbound.var.trace.play import compare_layer, facts_of, play, without
from lowerbound.var.trace.record import record
from tests.conftest import require
from tests.marks import first_now

HALF = Fraction(1, 2)
CACHES = """
import os
from lowerbound.caches.eviction.h2o import H2O
from lowerbound.caches.layers.pyramidkv import PyramidKV


class Mine(H2O):
    pass


class Layered(PyramidKV):
    pass


class Leaves(H2O):
    def attend(self, queries):
        os._exit(0)


class LeavesLate(H2O):
    def encode(self):
        os.kill(os.getpid(), 9)
"""


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The caches lie in the working directory, whose path this process never has."""
    (tmp_path / "foreign_caches.py").write_text(CACHES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("foreign_caches", None)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return record(tmp_path_factory.mktemp("traces") / "a", model="tiny", image="edges").trace


def timeless(row: Simulation) -> Simulation:
    """The row without its seconds and its cache's name."""
    return replace(row, cache="", seconds=0.0, seconds_full=0.0)


@pytest.mark.parametrize("level", first_now([Isolation.SANDBOX, Isolation.PROCESS]))
def test_the_network_sees_no_difference(level: Isolation) -> None:
    """Differential: bytes, errors, ids and the budget told are those of the same class in this process."""
    require(level)
    for budget, model in ((Fraction(1, 4), "tiny"), (None, "tiny-infinity")):
        apart = simulate(model, "foreign_caches:Mine", budget=budget, isolation=level, free_running=True)
        assert timeless(apart) == timeless(simulate(model, "h2o", budget=budget, free_running=True))
    assert "foreign_caches" not in sys.modules


@pytest.mark.slow
def test_a_trace_sees_no_difference(trace: Trace) -> None:
    """Differential: the whole trace, and head by head, with the caches of another process."""
    assert replace(play(trace, "foreign_caches:Layered"), cache="pyramidkv") == play(trace, "pyramidkv")
    asked = [("foreign_caches:Mine", HALF), ("foreign_caches:Mine", None)]
    points = compare_layer(trace, 1, asked, heads=[0, 2])
    assert [replace(point, cache="h2o") for point in points] == compare_layer(
        trace, 1, [("h2o", HALF), ("h2o", None)], heads=[0, 2]
    )
    assert without(points, asked[:1]) == []
    assert without(points, [("foreign_caches:Mine", Fraction(1, 4))]) == points
    with pytest.raises(InvalidArgument, match="divides one budget among many"):
        compare_layer(trace, 0, [("foreign_caches:Layered", HALF)])
    assert facts_of("foreign_caches:Layered", None).stack == facts_of("pyramidkv", None).stack
    assert "foreign_caches" not in sys.modules


@pytest.mark.parametrize(
    ("cache", "sentence"), first_now([("Leaves", "ended with status 0"), ("LeavesLate", "ended with status -?[0-9]+")])
)
def test_a_cache_that_ends_its_process(trace: Trace, cache: str, sentence: str) -> None:
    """Forgery: it ends its own process alone, and what is asked of it is answered in one sentence."""
    asks: tuple[Callable[[], object], ...] = (
        lambda: simulate("tiny", f"foreign_caches:{cache}"),
        lambda: play(trace, f"foreign_caches:{cache}"),
    )
    for ask in asks:
        with pytest.raises(CacheContractBroken, match=f"must let its process reply, but it {sentence}"):
            ask()
    refusals: dict[tuple[str, Fraction | None], LowerBoundError] = {}
    assert not compare_layer(trace, 0, [(f"foreign_caches:{cache}", HALF)], refusals=refusals)
    (error,) = refusals.values()
    assert str(error).startswith(f"foreign_caches:{cache}@1/2: ")


@pytest.mark.parametrize("told", [b"1/0", b"x", b"\xff", b"1" * 10_000, b"nan"])
def test_a_budget_is_a_number(told: bytes) -> None:
    """Forgery: a party that tells another budget than a number is refused."""
    assert (_budget(b""), _budget(b"1/4")) == (None, "1/4")
    with pytest.raises(CacheContractBroken, match="must tell its budget"):
        _budget(told)
