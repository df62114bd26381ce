"""What `trace keys` tells of a head, against plain NumPy, and the recorded head that games and certificates take."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument, LowerBoundError
from lowerbound.game.recorded import plan_recorded
from lowerbound.var.trace.file import Trace, read_trace, write_trace
from lowerbound.var.trace.keys import MULTIPLIERS, by_map, keys_of_layer, recorded_head
from lowerbound.var.trace.record import record
from tests.core.keys.test_recorded import plain_own_weights
from tests.var.trace.made import made, repeated


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Trace:
    return record(tmp_path_factory.mktemp("keys") / "tiny.safetensors", model="tiny", seed=4).trace


def test_own_weights_of_every_head(tiny: Trace) -> None:
    """Differential: counts, least and median of every head at every lambda, against plain softmax in NumPy."""
    cached, starts = tiny.schedule.n_tokens_cached, [tiny.schedule.rows_of(k).start for k in range(5)]
    for number in range(tiny.n_layers):
        layer = tiny.layer(number)
        facts = keys_of_layer(tiny, number)
        assert [(one.branch, one.head) for one in facts] == [(b, h) for b in tiny.branches for h in range(4)]
        for one in facts:
            branch = tiny.branches.index(one.branch)
            rows = layer.keys[branch, one.head]
            assert one.learned == pytest.approx(np.linalg.norm(layer.queries[branch, one.head], axis=1).max())
            for told in (one.at_learned, *one.readings):
                weights = plain_own_weights(rows, cached, told.multiplier)
                assert (told.least, told.median) == pytest.approx((weights.min(), np.median(weights)))
                heavy = weights > 0.5
                assert told.addressable == heavy.sum() == sum(told.maps)
                assert list(told.maps) == np.add.reduceat(heavy, starts[:4]).tolist()
            assert [told.multiplier for told in one.readings] == list(MULTIPLIERS)


def test_sharper_queries_address_more(tiny: Trace) -> None:
    """Law: own weights grow with lambda, so that tokens once addressable stay so."""
    for one in keys_of_layer(tiny, 1):
        readings = sorted([one.at_learned, *one.readings], key=lambda told: told.multiplier)
        for flatter, sharper in pairwise(readings):
            assert flatter.addressable <= sharper.addressable
            assert flatter.least <= sharper.least + 1e-12


def test_cosines_are_of_cached_keys_with_all(tmp_path: Path) -> None:
    """Known value: one cached key, with which the keys of the last map have the cosines 1, 0, 0 and -1."""
    keys = np.eye(4)[[0, 0, 1, 2, 0]] * np.array([1, 1, 1, 1, -1])[:, None]
    parts = [np.asarray(part, dtype=np.float64)[None, None] for part in (7 * keys, keys, keys)]
    schedule = ScaleSchedule.square((1, 2))
    path = tmp_path / "a.safetensors"
    trace = write_trace(
        path, [(*parts, np.zeros((1, 1, 5, 4)))], schedule, rule="l2norm", dtype="float64", branches=("cond",)
    )
    (facts,) = keys_of_layer(trace, 0)
    assert (facts.coherence, facts.mean_cosine, facts.learned, facts.cached) == (1, 0, 7, 1)
    sharpest = facts.readings[-1]
    assert sharpest.addressable == 0  # exactly one half, and that is not more
    assert sharpest.least == pytest.approx(0.5)


def test_the_recorded_head_is_that_of_the_file(tiny: Trace) -> None:
    """Definition: the keys that head, layer and branch name, exactly, and a geometry that says which they are."""
    head = recorded_head(tiny, 2, 1, "uncond")
    rows = tiny.layer(2).keys[1, 1]
    for row, exact in zip(rows.tolist(), head.keys.rows.tolist(), strict=True):
        place = int(np.argmax(np.abs(row)))
        assert [entry * row[place] for entry in exact] == pytest.approx([exact[place] * entry for entry in row])
    assert head.geometry.name == "trace of tiny, layer 2, head 1, uncond"
    assert recorded_head(tiny, 2, 1).branch == "cond"
    assert head.facts == next(one for one in keys_of_layer(tiny, 2) if (one.head, one.branch) == (1, "uncond"))


def test_heads_that_share_keys_are_addressed_alike(tmp_path: Path) -> None:
    """Law: two heads of q that read one head of k have the same keys, whether these are stored once or twice."""
    once = read_trace(made(tmp_path / "a", heads=4, key_heads=2, unit_keys=True))
    twice = read_trace(made(tmp_path / "b", heads=4, unit_keys=True, change=repeated))
    for trace in (once, twice):
        rows = [recorded_head(trace, 0, head).keys.rows.tolist() for head in range(4)]
        assert rows[0] == rows[1] != rows[2] == rows[3]


def test_maps_are_counted_with_their_prompt() -> None:
    """Definition: prompt tokens count with the first map, and tokens of the last map nowhere."""
    schedule = ScaleSchedule.square((1, 2, 2))
    assert by_map(schedule, [0, 1, 4, 3]) == (1, 3)
    assert by_map(
        ScaleSchedule.square(
            (1, 2, 2),
        ),
        [],
    ) == (0, 0)
    assert by_map(ScaleSchedule(((1, 1), (2, 2)), 3), [0, 2, 3]) == (3,)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ((3, 0), r"layer must lie in \[0, 2\]"),
        ((-1, 0), r"layer must lie in \[0, 2\]"),
        ((0, 4), r"head must lie in \[0, 3\]"),
        ((0, -1), r"head must lie in \[0, 3\]"),
        ((0, 0, "condi"), "branch 'condi' is not known"),
    ],
)
def test_heads_that_are_not_there_are_refused(tiny: Trace, place: tuple[int, int], sentence: str) -> None:
    """Bad input: one sentence names what the trace has."""
    with pytest.raises(LowerBoundError, match=sentence):
        recorded_head(tiny, *place)


def test_traces_without_addresses_are_refused(tmp_path: Path) -> None:
    """Bad input: a rule under which norms count, and a trace of one map, which caches nothing."""
    scaled = read_trace(made(tmp_path / "a"))
    for refused in (lambda: keys_of_layer(scaled, 0), lambda: recorded_head(scaled, 0, 0)):
        with pytest.raises(InvalidArgument, match="logit_rule l2norm"):
            refused()
    with pytest.raises(ImpossibleReduction, match="at least one token"):
        recorded_head(read_trace(made(tmp_path / "b", "2x2", unit_keys=True)), 0, 0)


@pytest.mark.long
def test_a_whole_model(tmp_path: Path) -> None:
    """Law: on VAR-d16's shape, the exact plan asks for the tokens that floats call heavy enough."""
    trace = record(tmp_path / "var.safetensors", model="var-d16", image="edges").trace
    head = recorded_head(trace, 3, 2)
    plan = plan_recorded(head.geometry, head.keys, multiplier=20)
    weights = plain_own_weights(head.rows, trace.schedule.n_tokens_cached, 20)
    assert list(plan.readable) == np.flatnonzero(weights > 0.51).tolist()
    assert 0 < len(plan.readable) < 424
