"""The file of a trace: what is written is read, and any other file is refused in one sentence."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.tensors import MOST_HEADER_BYTES
from lowerbound.errors import InvalidArgument
from lowerbound.var.trace.file import K_STAGE, ROUNDOFF, read_trace, write_trace

MAPS = ScaleSchedule.square((1, 2))
BRANCHES, HEADS, D = 2, 3, 4


def parts(seed: int = 0, dtype: str = "float32") -> tuple[Any, ...]:
    """q, k, v, o of one layer: unit keys, outputs that are not those of attention."""
    q, k, v, o = np.random.default_rng(seed).standard_normal((4, BRANCHES, HEADS, MAPS.n_tokens, D))
    k /= np.linalg.norm(k, axis=-1, keepdims=True)
    return tuple(part.astype(dtype) for part in (q, k, v, o))


def written(path: Path, **changes: Any) -> Path:
    terms: dict[str, Any] = {"rule": "l2norm", "dtype": "float32", "branches": ("cond", "uncond")}
    write_trace(path, [parts(0), parts(1)], MAPS, **{**terms, **changes})
    return path


def test_round_trip(tmp_path: Path) -> None:
    """Definition: every array, every string and the maps come back as they were written; a head's K, V are its rows."""
    path = written(tmp_path / "a", tokens=np.arange(5), f_hat=np.zeros((1, 2, 2)), about={"model": "m"})
    trace = read_trace(path)
    assert (trace.n_layers, trace.n_branches, trace.n_heads, trace.d) == (2, BRANCHES, HEADS, D)
    assert (trace.schedule, trace.rule, trace.dtype, trace.model_name) == (MAPS, "l2norm", "float32", "m")
    assert trace.branches == ("cond", "uncond")
    for layer in (0, 1):
        found = trace.layer(layer)
        for read, wrote in zip((found.queries, found.keys, found.values, found.outputs), parts(layer), strict=True):
            np.testing.assert_array_equal(read, wrote)
    keys, values = trace.head(1, 2, branch=1)
    np.testing.assert_array_equal(keys, parts(1)[1][1, 2])
    np.testing.assert_array_equal(values, parts(1)[2][1, 2])


def test_same_data(tmp_path: Path) -> None:
    """Law: equal arguments give equal data after the header, and nothing else is left in the directory."""
    first, second = (written(tmp_path / name).read_bytes() for name in "ab")
    assert len(first) == len(second)
    header = 8 + int.from_bytes(first[:8], "little")
    assert first[header:] == second[header:]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_nothing_is_lost(tmp_path: Path) -> None:
    """Law: an existing file stays as it was, unless its writer says so; a refused trace leaves no file."""
    path = tmp_path / "a"
    path.write_text("mine")
    with pytest.raises(InvalidArgument, match="--force"):
        written(path)
    assert path.read_text() == "mine"
    q, k, v, o = parts()
    v[0, 0, 0, 0] = np.nan
    with pytest.raises(InvalidArgument, match="finite"):
        write_trace(path, [(q, k, v, o)], MAPS, rule="l2norm", dtype="float32", branches="ab", overwrite=True)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InvalidArgument, match="directory that exists"):
        written(tmp_path / "no" / "a")


@pytest.mark.parametrize(("rule", "factor"), [("l2norm", 1), ("1/sqrt(d)", 0.5), ("0.25/sqrt(d)", 0.125)])
def test_rules(tmp_path: Path, rule: str, factor: float) -> None:
    """Definition: the factor of the inner product, here for d = 4."""
    assert read_trace(written(tmp_path / "a", rule=rule)).logits.factor(D) == factor


def test_brain_floats(tmp_path: Path) -> None:
    """Known value: 0x3F80 is 1 and 0xC040 is -3, whatever NumPy knows of the type."""
    halves = np.full((1, 1, 1, 2), 0, dtype="<u2")
    halves[..., 0], halves[..., 1] = 0x3F80, 0xC040
    names = [f"layer.0.{part}" for part in "qkvo"]
    header: dict[str, Any] = {
        name: {"dtype": "BF16", "shape": [1, 1, 1, 2], "data_offsets": [16 + 4 * i, 20 + 4 * i]}
        for i, name in enumerate(names)
    }
    header["patch_hw"] = {"dtype": "I64", "shape": [1, 2], "data_offsets": [0, 16]}
    header["__metadata__"] = {"logit_rule": "1/sqrt(d)", "k_stage": K_STAGE, "branches": "cond", "dtype": "bfloat16"}
    text = json.dumps(header).encode()
    data = np.array([[1, 1]], dtype="<i8").tobytes() + 4 * halves.tobytes()
    path = tmp_path / "a"
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    assert read_trace(path).layer(0).values.tolist() == [[[[1.0, -3.0]]]]


def good() -> tuple[dict[str, Any], dict[str, str]]:
    tensors = {f"layer.0.{name}": part for name, part in zip("qkvo", parts(), strict=True)}
    strings = {"logit_rule": "l2norm", "k_stage": K_STAGE, "branches": "cond,uncond", "dtype": "float32"}
    return {**tensors, "patch_hw": np.array(MAPS.shapes, dtype=np.int64)}, strings


Change = Callable[[dict[str, Any], dict[str, str]], object]
Refused = Callable[[str, int], None]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t, s: t.pop("patch_hw"), "either patch_hw or patch_thw"),
        (lambda t, s: t.update(patch_thw=np.ones((2, 3), np.int64)), "either patch_hw or patch_thw"),
        (lambda t, s: t.update(patch_hw=np.array([[1, 1], [2, 3]])), "T = 7, the cells of its maps, got 5"),
        (lambda t, s: t.update(patch_hw=np.array([[1, 1], [-2, -2]])), "sides >= 1"),
        (lambda t, s: t.update(patch_hw=np.array([[1, 1], [2**62, 4]])), "sides >= 1"),
        (lambda t, s: t.update(patch_hw=np.ones((2, 2))), "type I64"),
        (lambda t, s: t.update(patch_hw=np.zeros((0, 2), np.int64)), "shape (scales, 2)"),
        (lambda t, s: t.pop("layer.0.v"), "have layer.0.v"),
        (lambda t, s: t.update({"layer.2.q": t["layer.0.q"]}), "have layer.1.k"),
        (lambda t, s: t.update({"layer.x.q": t["layer.0.q"]}), "have layer.1.k"),
        (lambda t, s: t.update(weights=t["layer.0.q"]), "no tensors that the layout does not name"),
        (lambda t, s: t.update({"layer.0.v": t["layer.0.v"][:, :1]}), "the shape of layer.0.q"),
        (lambda t, s: t.update({"layer.0.v": t["layer.0.v"].astype(np.int32)}), "of type F16, BF16, F32, F64"),
        (lambda t, s: t.update({f"layer.0.{p}": t[f"layer.0.{p}"][0] for p in "qkvo"}), "of shape (branches, heads"),
        (lambda t, s: t.update(tokens=np.zeros(5, np.int64)), "shape (1, 5)"),
        (lambda t, s: t.update(f_hat=np.zeros(5)), "have f_hat"),
        (lambda t, s: s.pop("dtype"), "metadata dtype"),
        (lambda t, s: s.update(logit_rule="2/sqrt(d)"), "logit_rule l2norm, 1/sqrt(d) or 0.25/sqrt(d)"),
        (lambda t, s: s.update(dtype="int8"), "have dtype float16"),
        (lambda t, s: s.update(k_stage="pre_norm"), "keys as they are cached"),
        (lambda t, s: s.update(branches="cond"), "name 2 branches"),
        (lambda t, s: s.update(branches="cond,[red]"), "by words"),
        (lambda t, s: s.update(codebook_size="1"), "a codebook_size that is an integer in [2,"),
        (lambda t, s: s.update(codebook_size="64.0"), "a codebook_size that is an integer in [2,"),
        (lambda t, s: s.update(codebook_size="9" * 20), "a codebook_size that is an integer in [2,"),
        (lambda t, s: s.update(model="\x1b[31m"), "printable"),
        (lambda t, s: s.update(model="m" * 2000), "at most 1000"),
    ],
)
def test_refused(tmp_path: Path, change: Change, sentence: str, refused: Refused) -> None:
    """Forgery: a file that breaks one rule of the layout is refused, with the rule, before an array is read."""
    tensors, strings = good()
    change(tensors, strings)
    save_file(tensors, tmp_path / "a", metadata=strings)
    with pytest.raises(InvalidArgument) as raised:
        read_trace(tmp_path / "a")
    assert sentence in str(raised.value)
    refused("trace, the layout", 1)


def test_what_is_told_of_weights(tmp_path: Path) -> None:
    """Definition: the size of the codebook and the digest of the weights, where a file tells them; others stay good."""
    tensors, strings = good()
    save_file(tensors, tmp_path / "old", metadata=strings)
    old = read_trace(tmp_path / "old")
    assert (old.codebook_size, old.geometry.codebook_size, old.weights) == (None, None, "unknown")
    save_file(tensors, tmp_path / "new", metadata={**strings, "codebook_size": "64", "digest": "sha256:00"})
    new = read_trace(tmp_path / "new")
    assert (new.codebook_size, new.geometry.codebook_size, new.weights) == (64, 64, "sha256:00")


def test_refused_numbers(tmp_path: Path) -> None:
    """Forgery: NaN, infinity, and keys that are no unit rows, are found when the layer is read."""
    for part, number in (("q", np.nan), ("o", np.inf), ("k", 2.0)):
        tensors, strings = good()
        tensors[f"layer.0.{part}"][1, 1, 1, 1] = number
        save_file(tensors, tmp_path / "a", metadata=strings)
        with pytest.raises(InvalidArgument, match="unit rows" if part == "k" else "finite"):
            read_trace(tmp_path / "a").layer(0)


def test_refused_files(tmp_path: Path) -> None:
    """Forgery: no file, a directory, an empty one, a header that is longer than the file or than any may be."""
    path = tmp_path / "a"
    for content in (
        b"",
        b"\x00" * 7,
        b"\xff" * 64,
        struct.pack("<Q", MOST_HEADER_BYTES + 1) + b" " * 99,
        b"PK\x03\x04",
    ):
        path.write_bytes(content)
        with pytest.raises(InvalidArgument, match="be a safetensors file"):
            read_trace(path)
    for none in (tmp_path, tmp_path / "none"):
        with pytest.raises(InvalidArgument, match="must be a file"):
            read_trace(none)


def test_damaged_files(tmp_path: Path, refused: Refused) -> None:
    """Law: a file with a few changed bytes, or cut short, is read or refused; nothing else is raised."""
    whole = written(tmp_path / "a").read_bytes()
    random = np.random.default_rng(0)
    header = 8 + int.from_bytes(whole[:8], "little")
    path, damages = tmp_path / "b", 0
    for trial in range(400):
        damaged = bytearray(whole)
        for place in random.integers(header, size=1 + trial % 3):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged[: random.integers(len(damaged))] if trial % 10 == 0 else damaged)
        try:
            trace = read_trace(path)
            for layer in range(trace.n_layers):
                trace.layer(layer)
        except InvalidArgument:
            damages += 1
    assert damages > 200
    refused("trace, bytes", damages)


def test_roundoffs() -> None:
    """Known value: half the spacing of 1 in each type that NumPy has; brain floats have 8 bits."""
    for dtype in ("float16", "float32", "float64"):
        assert ROUNDOFF[dtype] == np.finfo(dtype).eps / 2
    assert ROUNDOFF["bfloat16"] == 2**-8
