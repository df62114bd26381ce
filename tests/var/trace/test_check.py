"""The check of a trace: honest attention is never refuted, whatever its type, and forged outputs are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lowerbound.core.oracle.enclosure import attention_ball
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from lowerbound.var.trace.check import attention_with_allowance, check_layer, verdict_of
from lowerbound.var.trace.file import ROUNDOFF, Trace, read_trace, write_trace
from lowerbound.var.trace.record import record
from tests.var.trace.made import made

MAPS = ScaleSchedule.square((1, 2, 4))
T, D = MAPS.n_tokens, 8


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("model", ["tiny", "tiny-infinity"])
def test_simulator_agrees(tmp_path: Path, model: str, precision: Any) -> None:
    """Law: what the simulator computes is within its type's allowance, in every head."""
    trace = record(tmp_path / "a", model=model, precision=precision).trace
    checks = [check for layer in range(trace.n_layers) for check in check_layer(trace, layer)]
    assert len(checks) == trace.n_layers * trace.n_heads * trace.n_branches
    assert verdict_of(checks) == "agrees"
    assert all(check.undecided == 0 and check.allowed < 1e-3 for check in checks)


def rounded(array: Any, dtype: str) -> Any:
    """To the type and back; brain floats by rounding a float32's upper half to even."""
    if dtype != "bfloat16":
        return array.astype(dtype)
    bits = array.astype(np.float32).view(np.uint32)
    upper = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)
    return upper.view(np.float32)


def computed(dtype: str, multiplier: float = 4.0, seed: int = 0) -> list[Any]:
    """q, k, v, o of two heads, every step of attention rounded to the type, sums in float32 where it has 16 bits."""
    random = np.random.default_rng(seed)
    q, k, v = random.standard_normal((3, 1, 2, T, D))
    q *= multiplier / np.linalg.norm(q, axis=-1, keepdims=True)
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    q, k, v = (rounded(array, dtype) for array in (q, k, v))
    sums = "float64" if dtype == "float64" else "float32"
    o = np.empty_like(v)
    for scale in range(MAPS.n_scales):
        rows = MAPS.rows_of(scale)
        logits = rounded(q[:, :, rows].astype(sums) @ k[:, :, : rows.stop].astype(sums).swapaxes(-1, -2), dtype)
        weights = rounded(np.exp(rounded(logits - logits.max(axis=-1, keepdims=True), dtype)), dtype).astype(sums)
        weights = rounded(weights / weights.sum(axis=-1, keepdims=True), dtype).astype(sums)
        o[:, :, rows] = rounded(weights @ v[:, :, : rows.stop].astype(sums), dtype)
    return [q, k, v, o]


def traced(path: Path, parts: Any, dtype: str) -> Trace:
    return write_trace(path, [parts], MAPS, rule="l2norm", dtype=dtype, branches=("cond",), overwrite=True)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("multiplier", [0.5, 4.0, 100.0])
def test_honest(tmp_path: Path, dtype: str, multiplier: float) -> None:
    """Law: attention with every step rounded to its type is never refuted."""
    for seed in range(5):
        trace = traced(tmp_path / "a", computed(dtype, multiplier, seed), dtype)
        assert "refuted" not in {check.verdict for check in check_layer(trace, 0)}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_one_forged_entry(tmp_path: Path, dtype: str) -> None:
    """Forgery: one entry moved by two and a half allowances refutes its head, and no other."""
    parts = computed(dtype)
    trace = traced(tmp_path / "a", parts, dtype)
    layer = trace.layer(0)
    rows = MAPS.rows_of(2)
    _, allowance = attention_with_allowance(trace, layer.queries[0, 1][rows], layer.keys[0, 1], layer.values[0, 1])
    parts[3] = parts[3].copy()
    parts[3][0, 1, rows.start + 6, 3] += 2.5 * allowance[6, 3]
    checks = check_layer(traced(tmp_path / "a", parts, dtype), 0)
    assert [check.verdict for check in checks] == ["agrees", "refuted"]
    assert verdict_of(checks) == "refuted"


def test_forged_traces(tmp_path: Path) -> None:
    """Forgery: outputs of the other head, of one scale more, of unmasked attention, of keys in another order."""
    q, k, v, o = computed("float32")
    logits = q @ k.swapaxes(-1, -2)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    unmasked = (weights / weights.sum(axis=-1, keepdims=True) @ v).astype(np.float32)
    for forged in ([q, k, v, o[:, ::-1]], [q, k, v, unmasked], [q, k[:, :, ::-1], v, o], [2 * q, k, v, o]):
        assert verdict_of(check_layer(traced(tmp_path / "a", forged, "float32"), 0)) == "refuted"


def test_truth_is_in_the_ball(tmp_path: Path) -> None:
    """Differential: the recomputed outputs lie within the allowance of float64 of Arb's enclosure."""
    trace = traced(tmp_path / "a", computed("float64"), "float64")
    layer = trace.layer(0)
    q, k, v = layer.queries[0, 0][5:7], layer.keys[0, 0], layer.values[0, 0]
    truth, allowance = attention_with_allowance(trace, q, k, v)
    for row in range(2):
        for column, ball in enumerate(attention_ball(q[row].tolist(), k.tolist(), v.tolist(), rule=trace.logits)):
            assert abs(ball - float(truth[row, column])) < float(allowance[row, column])
            assert allowance[row, column] < 1e-11


def test_undecided(tmp_path: Path) -> None:
    """Law: brain floats at multiplier 100 say nothing of some rows; that is told, and is no agreement by itself."""
    parts = computed("bfloat16", 100.0)
    checks = check_layer(traced(tmp_path / "a", parts, "bfloat16"), 0)
    assert all(check.undecided > 0.2 for check in checks)
    assert verdict_of(checks) in ("agrees", "undecided")


@pytest.mark.parametrize("unit_keys", [False, True])
@pytest.mark.parametrize(
    ("dtype", "stored"),
    [("float32", "float16"), ("float64", "float16"), ("float64", "float32"), ("float32", "float64")],
)
def test_storage_may_be_coarser_than_the_computation(tmp_path: Path, dtype: str, stored: str, unit_keys: bool) -> None:
    """Law: true attention is not refuted because its file rounds it, keys of l2norm included.

    Known value: the check takes the coarser of both unit roundoffs.
    """
    trace = read_trace(made(tmp_path / "a", "1x1 2x2 3x3 4x4", dtype=dtype, stored=stored, unit_keys=unit_keys))
    assert trace.roundoff == max(ROUNDOFF[dtype], ROUNDOFF[stored])
    assert verdict_of(check_layer(trace, 0)) == "agrees"


@pytest.mark.parametrize("part", "qkvo")
def test_any_part_may_be_the_coarse_one(tmp_path: Path, part: str) -> None:
    """Law: one of q, k, v and o that is stored in float16 is enough for the allowance of float16."""
    fine = load_file(made(tmp_path / "a"))
    strings = dict(read_trace(tmp_path / "a").metadata)
    save_file({**fine, f"layer.0.{part}": fine[f"layer.0.{part}"].astype(np.float16)}, tmp_path / "b", metadata=strings)
    trace = read_trace(tmp_path / "b")
    assert trace.stored == ("float16", "float64")
    assert verdict_of(check_layer(trace, 0)) == "agrees"


def test_a_forgery_in_coarse_storage(tmp_path: Path) -> None:
    """Forgery: an output off by three allowances is refuted, in float16 as in float32; one more for its rounding."""
    for stored in ("float16", "float32"):
        honest = read_trace(made(tmp_path / "honest", stored=stored))
        layer, rows = honest.layer(0), honest.schedule.rows_of(2)
        _, allowance = attention_with_allowance(honest, layer.queries[0, 1][rows], layer.keys[0, 1], layer.values[0, 1])

        def moved(o: Any, step: float = 3 * float(allowance[4, 3])) -> Any:
            o[0, 1, 9, 3] += step
            return o

        trace = read_trace(made(tmp_path / stored, stored=stored, outputs=moved))
        assert [check.verdict for check in check_layer(trace, 0)] == ["agrees", "refuted"]


@pytest.mark.parametrize("exponent", [-900, -20, 900, 1020])
def test_values_of_any_size(tmp_path: Path, exponent: int) -> None:
    """Metamorphic: values and outputs times a power of two have the same verdict and the same share of the allowance.

    Near the largest floats, a square of a value is not finite; the check ended in a traceback there.
    """
    plain = check_layer(read_trace(made(tmp_path / "a")), 0)
    scaled = read_trace(made(tmp_path / "b", change=lambda q, k, v: (q, k, np.ldexp(v, exponent))))
    for one, other in zip(plain, check_layer(scaled, 0), strict=True):
        assert (one.excess, one.undecided, one.verdict) == (other.excess, other.undecided, other.verdict)
        assert other.error == np.ldexp(one.error, exponent)
    forged = made(
        tmp_path / "c", change=lambda q, k, v: (q, k, np.ldexp(v, exponent)), outputs=lambda o: np.flip(o, axis=1)
    )
    assert verdict_of(check_layer(read_trace(forged), 0)) == "refuted"


@pytest.mark.parametrize("size", [2.0**-14, 2.0**-20, 2.0**-24])
def test_values_too_small_for_the_type(tmp_path: Path, size: float) -> None:
    """Law: values near the smallest number of float16 are rounded to it, and attention of theirs is not refuted."""
    trace = read_trace(made(tmp_path / "a", stored="float16", change=lambda q, k, v: (q, k, v * size)))
    assert verdict_of(check_layer(trace, 0)) != "refuted"


@pytest.mark.parametrize("small", ["q", "k"])
def test_keys_and_queries_too_small_for_the_type(tmp_path: Path, small: str) -> None:
    """Law: so are queries and keys, where the others are large enough for their logits to matter."""

    def scaled(q: Any, k: Any, v: Any) -> Any:
        up, down = 2.0**12, 2.0**-20
        return (q * down, k * up, v) if small == "q" else (q * up, k * down, v)

    trace = read_trace(made(tmp_path / "a", stored="float16", change=scaled))
    assert verdict_of(check_layer(trace, 0)) != "refuted"


def test_entries_whose_logits_are_not_finite(tmp_path: Path) -> None:
    """Bad input: queries or keys near the largest floats are refused in one sentence: their logits would be NaN."""
    for name, change in (("q", lambda q, k, v: (q * 1e200, k, v)), ("k", lambda q, k, v: (q * 1e-300, k * 1e200, v))):
        trace = read_trace(made(tmp_path / name, change=change, outputs=np.nan_to_num))
        with pytest.raises(InvalidArgument, match=f"finite logits: entries of at most 1e\\+150 in layer.0.{name}, got"):
            check_layer(trace, 0)
