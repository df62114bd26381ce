"""Caches on a trace: their bytes and errors, and the floor of the worst case beside them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lowerbound.certify.certified import strongest
from lowerbound.errors import InvalidArgument, LowerBoundError, UnknownName
from lowerbound.var.simulator.network import simulated
from lowerbound.var.trace.file import Trace, read_trace, write_trace
from lowerbound.var.trace.play import (
    RANGE_BITS,
    Asked,
    Point,
    compare_layer,
    distances,
    floors,
    play,
    without,
)
from lowerbound.var.trace.record import record
from tests.marks import first_now
from tests.var.trace.made import made

HALF = Fraction(1, 2)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return record(tmp_path_factory.mktemp("traces") / "a", model="tiny", image="edges").trace


def test_full_cache(trace: Trace) -> None:
    """Known value: full precision errs by rounding alone; 64 bits a number, and a head's count, length and two ends."""
    row = play(trace, "full")
    assert row.worst_error < 1e-12
    heads, cached = 3 * 4 * 2, 30
    assert 8 * row.state_bytes == heads * (2 * cached * trace.d * 64 + 32 + 64 + RANGE_BITS)
    assert row.fp16_bytes == heads * 2 * cached * trace.d * 2


def test_guarantee(trace: Trace) -> None:
    """Law: a cache that is proved to be within 1/100 for values in [0, 1] is, on heads of the largest multipliers."""
    points = compare_layer(trace, 1, [("guaranteed-e8", None)], heads=[1, 2])
    assert len(points) == 4
    assert all(1e-3 < point.worst_error <= 0.01 for point in points)


def test_together_or_alone(trace: Trace) -> None:
    """Differential: the whole stack's worst and mean errors are those of its heads, played one by one."""
    whole = play(trace, "uniform", Fraction(1, 4))
    points = [point for layer in range(3) for point in compare_layer(trace, layer, [("uniform", Fraction(1, 4))])]
    assert len(points) == 24
    worst = max(points, key=lambda point: point.worst_error)
    assert worst.worst_error == whole.worst_error
    assert (worst.layer, worst.head, worst.branch) == (whole.worst_layer, whole.worst_head, whole.worst_branch)
    assert np.mean([point.mean_error for point in points]) == pytest.approx(whole.mean_error)


def test_affine_values(trace: Trace, tmp_path: Path) -> None:
    """Metamorphic: values times 5 minus 3, and outputs with them, are as far off over their range."""
    layer = trace.layer(0)
    parts = (layer.queries, layer.keys, 5 * layer.values - 3, 5 * layer.outputs - 3)
    moved = write_trace(
        tmp_path / "a", [parts], trace.schedule, rule="l2norm", dtype="float32", branches=trace.branches
    )
    asked = [("h2o", HALF), ("uniform", HALF)]
    for plain, found in zip(compare_layer(trace, 0, asked), compare_layer(moved, 0, asked), strict=True):
        assert found.bits == plain.bits
        assert found.worst_error == pytest.approx(plain.worst_error, rel=1e-6)


def test_more_bits_less_error(trace: Trace) -> None:
    """Law: of one quantiser, more bits a number are more bits of state, and smaller errors on every head."""
    budgets = [Fraction(k, 16) for k in (1, 4, 8)]
    points = compare_layer(trace, 1, [("uniform", budget) for budget in budgets], heads=[0, 2])
    assert {(point.head, point.branch) for point in points} == {(h, b) for h in (0, 2) for b in ("cond", "uncond")}
    for head in (0, 2):
        rows = [point for point in points if (point.head, point.branch) == (head, "cond")]
        assert [row.bits for row in rows] == sorted(row.bits for row in rows)
        assert [row.mean_error for row in rows] == sorted((row.mean_error for row in rows), reverse=True)


@pytest.mark.slow
def test_floors(trace: Trace) -> None:
    """Differential: the floor of the trace is that of the model it was recorded from, and below what suffices."""
    (floor,) = floors(trace, ["0.1"])
    known = strongest(simulated("tiny"), eta="0.1", delta=0)
    assert known is not None
    assert (floor.bits, floor.theorem, floor.proof) == (known.bits, known.theorem.name, known.proof)
    assert known.bits < floor.achieved_bits < trace.geometry.cache_bits
    for eta in ("0", "1/2", "0.7"):
        with pytest.raises(InvalidArgument, match="strictly between 0 and 1/2"):
            floors(trace, [eta])


@pytest.mark.parametrize(
    ("name", "budget"), first_now([("kivi", "1/8"), ("pyramidkv", "1/2"), ("h2o", "1/2"), ("full", None)], 2)
)
def test_a_row_tells_the_budget_in_force(trace: Trace, name: str, budget: str | None) -> None:
    """Definition: without a budget a cache plays its class's default, and the row says so; other rows tell theirs."""
    assert play(trace, name).budget == budget
    assert play(trace, name, Fraction(3, 4)).budget == (None if budget is None else "3/4")


def test_two_budgets_are_two_rows(trace: Trace) -> None:
    """Law: every row of rate and distortion is one cache: its bits are those of some head, with and without budgets."""
    asked = [("h2o", None), ("h2o", Fraction(1)), ("full", HALF), ("full", None)]
    points = compare_layer(trace, 0, asked, heads=[0])
    told = {(point.cache, point.budget): point.bits for point in points}
    assert set(told) == {("h2o", "1/2"), ("h2o", "1"), ("full", None)}
    assert told["h2o", "1/2"] < told["h2o", "1"] < told["full", None]
    assert all(told[point.cache, point.budget] == point.bits for point in points)


@pytest.mark.slow
def test_distances(trace: Trace) -> None:
    """Definition: the smallest state whose worst answer is within eta, over the floor; none where none is."""
    points = [
        Point(0, 0, "cond", "uniform", "1/2", bits=20_000, mean_error=0.0, worst_error=0.01),
        Point(0, 0, "cond", "uniform", "1/4", bits=10_000, mean_error=0.0, worst_error=0.02),
        Point(0, 0, "cond", "h2o", "1/2", bits=5_000, mean_error=0.0, worst_error=0.5),
        Point(0, 1, "cond", "h2o", "1/2", bits=5_000, mean_error=0.0, worst_error=0.5),
    ]
    told = floors(trace, ["0.1"])
    first, second = distances(points, told)
    assert (first.played_bits, first.cache, first.floor_bits) == (10_000, "uniform@1/4", told[0].bits)
    assert told[0].bits is not None
    assert first.ratio == 10_000 / told[0].bits
    assert (second.head, second.played_bits, second.cache, second.ratio) == (1, None, None, None)


def test_one_cache_that_cannot_store_a_trace_spoils_no_other(tmp_path: Path) -> None:
    """Law: with keys beyond float16, caches of float16 are refused by name, and others have the points that they have
    alone, in every layer."""
    big = read_trace(made(tmp_path / "a", layers=2, change=lambda q, k, v: (q * 1e-3, k * 1e5, v)))
    asked = [("full-fp16", None), ("uniform", HALF), ("h2o", None), ("full", None)]
    with pytest.raises(InvalidArgument, match=r"^full-fp16: values must be finite in float16, got"):
        compare_layer(big, 0, asked)
    with pytest.raises(InvalidArgument, match=r"^h2o@1/2: values must be finite in float16, got"):
        play(big, "h2o", HALF)
    refusals: dict[Asked, LowerBoundError] = {}
    points = [point for layer in (0, 1) for point in compare_layer(big, layer, asked, refusals=refusals)]
    assert [str(error).partition(":")[0] for error in refusals.values()] == ["full-fp16", "h2o"]
    others = [("uniform", HALF), ("full", None)]
    assert points == [point for layer in (0, 1) for point in compare_layer(big, layer, others)]


def test_a_refused_cache_has_no_point_at_all(tmp_path: Path) -> None:
    """Law: a cache that meets its first unstorable head in a later layer loses the points of earlier ones."""
    later = iter([1.0, 1e5])

    def grown(q: Any, k: Any, v: Any) -> Any:
        return q, k * next(later), v

    mixed = read_trace(made(tmp_path / "a", layers=2, change=grown))
    asked, refusals = [("h2o", None), ("full", None)], dict[Asked, LowerBoundError]()
    points = [point for layer in (0, 1) for point in compare_layer(mixed, layer, asked, refusals=refusals)]
    assert {point.cache for point in points} == {"h2o", "full"}
    assert {point.cache for point in without(points, refusals)} == {"full"}
    assert len(without(points, refusals)) == 4


def test_values_near_the_largest_floats(tmp_path: Path) -> None:
    """Metamorphic: values times a power of two, their range beyond all floats, are played as before."""
    plain = read_trace(made(tmp_path / "a", change=lambda q, k, v: (q, k, np.clip(v, -1, 1))))
    huge = read_trace(made(tmp_path / "b", change=lambda q, k, v: (q, k, np.ldexp(np.clip(v, -1, 1) * 0.999, 1024))))
    small = read_trace(made(tmp_path / "c", change=lambda q, k, v: (q, k, np.clip(v, -1, 1) * 0.999)))
    assert play(huge, "h2o") == play(small, "h2o")
    assert play(plain, "full").worst_error < 1e-12


def test_refusals(trace: Trace) -> None:
    """Refusal: an unknown cache, a budget of no token, and, head by head, a cache that has no state of one head."""
    with pytest.raises(UnknownName, match="did you mean h2o"):
        play(trace, "h20")
    with pytest.raises(InvalidArgument, match="nearest valid choice is 1/30"):
        play(trace, "h2o", Fraction(1, 100))
    with pytest.raises(InvalidArgument, match="divides one budget among many"):
        compare_layer(trace, 0, [("pyramidkv", HALF)])
