"""Heads that share keys and values, and prompt tokens: read, checked, inspected, played and compared as they are."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lowerbound.core.models import find_model
from lowerbound.errors import InvalidArgument
from lowerbound.report.trace import trace_text
from lowerbound.var.trace.check import check_layer, verdict_of
from lowerbound.var.trace.file import read_trace, write_trace
from lowerbound.var.trace.inspect import inspect_layer
from lowerbound.var.trace.play import RANGE_BITS, compare_layer, distances, floors, play
from tests.var.trace.made import made, repeated

PAIRS = ((0, 1), (2, 3))


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Four heads of queries, two of keys and values."""
    return made(tmp_path / "few", heads=4, key_heads=2, layers=2)


@pytest.fixture
def twice(tmp_path: Path, few: Path) -> Path:
    """The same rows, with every head of keys and values stored twice."""
    tensors = load_file(few)
    stored = {
        name: np.ascontiguousarray(np.repeat(rows, 2, axis=1)) if name[-2:] in (".k", ".v") else rows
        for name, rows in tensors.items()
    }
    save_file(stored, tmp_path / "twice", metadata=dict(read_trace(few).metadata))
    return tmp_path / "twice"


def test_streams(tmp_path: Path, few: Path, twice: Path) -> None:
    """Definition: heads are one stream if and only if their keys and values are equal in every layer."""
    assert read_trace(few).streams == read_trace(twice).streams == PAIRS
    assert (read_trace(few).n_streams, read_trace(twice).n_streams) == (4, 4)
    apart = load_file(twice)
    apart["layer.1.v"][0, 1, 13, 7] += 1
    save_file(apart, tmp_path / "apart", metadata=dict(read_trace(twice).metadata))
    assert read_trace(tmp_path / "apart").streams == ((0,), (1,), (2, 3))
    assert read_trace(made(tmp_path / "plain", heads=3)).streams == ((0,), (1,), (2,))
    assert read_trace(made(tmp_path / "one", heads=3, key_heads=1)).streams == ((0, 1, 2),)


def test_stored_once_or_twice_is_one_trace(few: Path, twice: Path) -> None:
    """Metamorphic: repeated keys and values change no verdict, no fact, no byte, no error and no distance."""
    one, two = read_trace(few), read_trace(twice)
    for layer in (0, 1):
        assert [check.to_json() for check in check_layer(one, layer)] == [
            check.to_json() for check in check_layer(two, layer)
        ]
        assert inspect_layer(one, layer) == inspect_layer(two, layer)
        asked = [("full", None), ("h2o", Fraction(1, 2)), ("uniform", None)]
        points = compare_layer(one, layer, asked)
        assert points == compare_layer(two, layer, asked)
        assert [point.head for point in points if point.cache == "h2o"] == [0, 2]
    assert verdict_of(check_layer(one, 0)) == "agrees"
    for name in ("full-fp16", "h2o", "snapkv", "pyramidkv", "scalekv", "kivi"):
        assert play(one, name) == play(two, name)


@pytest.mark.slow
def test_bytes_and_floors_count_a_stream_once(few: Path, twice: Path) -> None:
    """Known value: four heads of two streams in two layers hold four states, each of 5 tokens of d = 8, and lengths."""
    for path in (few, twice):
        row = play(read_trace(path), "full")
        assert row.fp16_bytes == 4 * (2 * 5 * 8 * 2)
        assert 8 * row.state_bytes == 4 * (32 + 2 * 5 * 8 * 64 + 64 + RANGE_BITS)
        assert row.worst_error < 1e-12
        points = compare_layer(read_trace(path), 0, [("full", None)])
        assert len(distances(points, floors(read_trace(path), ["0.1"]))) == len(PAIRS)


def test_every_sharing_head_is_answered(few: Path) -> None:
    """Differential: errors of a shared head's cache are those of the same cache, asked by each head alone."""
    trace, asked = read_trace(few), [("window", Fraction(2, 5))]
    both = compare_layer(trace, 0, asked)
    alone = [point for head in range(4) for point in compare_layer(trace, 0, asked, heads=[head])]
    assert [point.head for point in alone] == [0, 1, 2, 3]
    for stream, point in zip(PAIRS, both, strict=True):
        own = [each for each in alone if each.head in stream]
        assert point.worst_error == max(each.worst_error for each in own)
        assert point.mean_error == pytest.approx(np.mean([each.mean_error for each in own]), rel=1e-12)
        assert {each.bits for each in own} == {point.bits}
    whole = play(trace, "window", Fraction(2, 5))
    every = [
        point for layer in (0, 1) for head in range(4) for point in compare_layer(trace, layer, asked, heads=[head])
    ]
    worst = max(every, key=lambda point: point.worst_error)
    assert (whole.worst_error, whole.worst_layer, whole.worst_head) == (worst.worst_error, worst.layer, worst.head)


def test_streams_of_unequal_width(tmp_path: Path) -> None:
    """Differential: where one head shares with another and a third does not, each has the errors that it has alone."""
    path = made(tmp_path / "a", heads=3, change=lambda q, k, v: (q, k[:, [0, 0, 1]], v[:, [0, 0, 1]]))
    trace = read_trace(path)
    assert trace.streams == ((0, 1), (2,))
    row = play(trace, "window", Fraction(1, 5))
    alone = [compare_layer(trace, 0, [("window", Fraction(1, 5))], heads=[head])[0] for head in range(3)]
    assert row.worst_error == max(point.worst_error for point in alone)
    assert row.mean_error == pytest.approx(np.mean([point.mean_error for point in alone]), rel=1e-12)


def test_shared_heads_are_told(few: Path, tmp_path: Path) -> None:
    """Definition: the text says which heads share, and how many streams there are."""
    told = trace_text(read_trace(few))
    assert "heads 0 and 1 share keys and values; heads 2 and 3 share keys and values: 2 streams per layer" in told
    assert "heads 0 to 3 share keys" in trace_text(read_trace(made(tmp_path / "b", heads=8, key_heads=2)))
    assert "share" not in trace_text(read_trace(made(tmp_path / "c")))
    mixed = made(tmp_path / "d", heads=4, change=lambda q, k, v: (q, k[:, [0, 1, 0, 0]], v[:, [0, 1, 0, 0]]))
    assert "heads 0, 2 and 3 share keys" in trace_text(read_trace(mixed))


def test_shapes_of_shared_heads(tmp_path: Path) -> None:
    """Bad input: heads of keys that do not divide those of queries, or are not those of values."""
    tensors = load_file(made(tmp_path / "a", heads=4, key_heads=2))
    strings = dict(read_trace(tmp_path / "a").metadata)
    three = {**tensors, **{f"layer.0.{part}": np.zeros((1, 3, 14, 8)) for part in "kv"}}
    other = {**tensors, "layer.0.v": np.zeros((1, 4, 14, 8))}
    for changed, sentence in ((three, "divisor of its 4 heads"), (other, "with the 2 heads of layer.0.k")):
        save_file(changed, tmp_path / "b", metadata=strings)
        with pytest.raises(InvalidArgument, match=sentence):
            read_trace(tmp_path / "b")


def test_a_catalogue_model_with_shared_heads(tmp_path: Path) -> None:
    """Known value: InfinityStar has 32 heads of queries and 8 of keys and values, and caches a prompt."""
    model = find_model("infinitystar-8b-480p-5s")
    path = made(tmp_path / "a", heads=model.n_heads, key_heads=model.n_kv_heads, d=4, context=6)
    trace = read_trace(path)
    assert len(trace.streams) == model.n_kv_heads
    assert trace.n_streams == model.n_kv_heads
    assert verdict_of(check_layer(trace, 0)) == "agrees"


def test_prompt_tokens(tmp_path: Path) -> None:
    """Definition: they are cached before the first map, count in T and in bytes, and are told."""
    trace = read_trace(made(tmp_path / "a", context=3))
    assert (trace.schedule.n_tokens, trace.schedule.n_tokens_cached, trace.schedule.n_context) == (17, 8, 3)
    assert trace.geometry.n_tokens_cached == 8
    assert "17 tokens (8 before the last scale, 3 of them of the prompt)" in trace_text(trace)
    assert verdict_of(check_layer(trace, 0)) == "agrees"
    assert len(inspect_layer(trace, 0)) == 2
    row = play(trace, "full")
    assert row.worst_error < 1e-12
    assert row.fp16_bytes == 2 * (2 * 8 * 8 * 2)
    (point, _) = compare_layer(trace, 0, [("window", Fraction(1, 2))])
    assert point.bits == 32 + 32 * 8 * 4 + 64 + RANGE_BITS


def test_prompt_rows_are_not_checked_and_all_others_are(tmp_path: Path) -> None:
    """Forgery: models mask prompts differently, so their outputs may be anything; those of the first map may not."""
    for row, verdict in ((2, "agrees"), (3, "refuted"), (16, "refuted")):

        def moved(o: np.ndarray, row: int = row) -> np.ndarray:
            o[0, 1, row, 2] += 1e-3
            return o

        trace = read_trace(made(tmp_path / f"{row}", context=3, outputs=moved))
        assert verdict_of(check_layer(trace, 0)) == verdict


@pytest.mark.parametrize(
    ("strings", "sentence"),
    [
        ({"context": "three"}, "context that is an integer"),
        ({"context": "-1"}, "context that is an integer"),
        ({"context": "999999"}, "context that is an integer"),
        ({"context": "4"}, "T = 18, the cells of its maps and 4 prompt tokens, got 17"),
    ],
)
def test_prompts_that_are_refused(tmp_path: Path, strings: dict[str, str], sentence: str) -> None:
    """Bad input: a number of prompt tokens that is none, or not that of the file."""
    with pytest.raises(InvalidArgument, match=sentence):
        read_trace(made(tmp_path / "a", context=3, about=strings))


def test_writing_shared_heads_and_prompts(tmp_path: Path) -> None:
    """Definition: what is written is read: prompts, fewer heads of keys, ids of the maps alone."""
    trace = read_trace(made(tmp_path / "a", heads=4, key_heads=2, context=3))
    layer = trace.layer(0)
    parts = (layer.queries, layer.keys, layer.values, layer.outputs)
    copy = write_trace(
        tmp_path / "b",
        [parts],
        trace.schedule,
        rule=trace.rule,
        dtype="float64",
        branches=("cond",),
        tokens=np.arange(14),
    )
    assert copy.schedule == trace.schedule
    assert copy.streams == trace.streams == PAIRS
    for head, read in enumerate((0, 0, 1, 1)):
        keys, values = copy.head(0, head)
        assert np.array_equal(keys, layer.keys[0, read])
        assert np.array_equal(values, layer.values[0, read])


def test_repeated_heads_of_a_module(tmp_path: Path) -> None:
    """Known value: a model that repeats keys before attention is recorded with pairs of equal heads."""
    assert read_trace(made(tmp_path / "a", heads=4, change=repeated)).streams == PAIRS
