"""Files of weights: what a file says is what the network has, `digits` is one, and damaged ones are refused."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lowerbound.cli.options import OUTSIDE_CATALOGS, place_called
from lowerbound.core.models import find_model
from lowerbound.core.tensors import MOST_HEADER_BYTES, open_tensors, write_tensors
from lowerbound.errors import InvalidArgument, UnknownName
from lowerbound.var import load
from lowerbound.var.simulator.network import SMALL, check_memory, random_network, small_model
from lowerbound.var.simulator.pictures import Convolution, Convolutions
from lowerbound.var.simulator.pipeline import FullCache, generate, guidance_at
from lowerbound.var.simulator.sampling import Sampling
from lowerbound.var.simulator.simulate import simulate
from lowerbound.var.simulator.tokens import VectorTokens
from lowerbound.var.simulator.weights import DIGITS, GEOMETRY, built_in, model_of, source_of
from lowerbound.var.trace.record import record
from tests.var.simulator import weight_files
from tests.var.simulator.one_shot import one_shot
from tests.var.simulator.weight_files import Tensors, tensors, write


def test_digits() -> None:
    """Known values: six maps of 104 tokens, 55 of them cached, 16 streams in R^32, 180 bits of ids; a file of its own
    that says where its data come from."""
    network, file = source_of(DIGITS).network(), built_in()
    model = network.model
    assert model.schedule.shapes == tuple((n, n) for n in (1, 2, 3, 4, 5, 7))
    assert (model.n_tokens, model.n_tokens_cached, model.n_streams, model.head_dim) == (104, 55, 16, 32)
    assert (model.replay_bits, len(network.conditions)) == (180, 11)
    assert network.origin.digest == f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    assert file.stat().st_size < 2_000_000
    metadata = open_tensors(file, "weights").metadata
    assert "MNIST" in metadata["licence"]
    assert "Attribution-Share Alike 3.0" in metadata["licence"]
    assert json.loads(metadata["recipe"])["seed"] == 0
    assert {"torch", "data", "geometry"} <= metadata.keys()


def test_digits_draws_digits() -> None:
    """Law: what is drawn and encoded again is nearly the same picture, far nearer than another class's."""
    network = source_of(DIGITS).network()
    pictures = [
        network.decode(generate(network, FullCache(), condition=n, sampling=Sampling(n)).f_hat) for n in range(4)
    ]
    assert all(picture.shape == (1, 28, 28) and picture.dtype == np.float32 for picture in pictures)
    again = []
    for picture in pictures:
        parts = [network.tokens.contribution(some, k) for k, some in enumerate(network.encode(picture))]
        again.append(network.decode(np.sum(parts, axis=0)))
    apart = np.array([[np.square(one - other).mean() for other in pictures] for one in again])
    assert (np.diag(apart) < 0.25 * (apart + np.diag([1] * 4)).min(axis=1)).all(), apart


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_is_its_network(tmp_path: Path, shared: bool) -> None:
    """Definition: every tensor is where its name says, and the network generates scale by scale as it does at once."""
    numbers = tensors(shared=shared)
    network = load(write(tmp_path / "a.safetensors", numbers, shared_modulation=shared), precision="float64")
    assert network.dtype == np.float64
    assert isinstance(network.tokens, VectorTokens)
    assert network.tokens.ratio == 0.25
    for found, name in (
        (network.conditions, "class_emb.weight"),
        (network.positions, "pos_1LC"),
        (network.word.weight, "word_embed.weight"),
        (network.before_head.bias, "head_nm.ada_lin.1.bias"),
        (network.tokens.codebook, "quantize.embedding.weight"),
        (network.tokens.kernels[2], "quantize.quant_resi.qresi_ls.2.weight"),
        (network.blocks[1].qkv, "blocks.1.attn.mat_qkv.weight"),
        (network.blocks[1].value_bias, "blocks.1.attn.v_bias"),
        (network.blocks[0].log_multipliers, "blocks.0.attn.scale_mul_1H11"),
        (network.blocks[0].narrow.weight, "blocks.0.ffn.fc2.weight"),
    ):
        assert found is not None
        np.testing.assert_array_equal(found, numbers[name].reshape(found.shape).astype(np.float64))
    sampling = Sampling(5)
    made = generate(network, FullCache(), condition=2, sampling=sampling)
    conditional, unconditional = one_shot(network, made.ids, condition=2)
    for scale, logits in enumerate(made.logits):
        rows, t = network.schedule.rows_of(scale), guidance_at(network, sampling, scale)
        assert np.abs(logits - ((1 + t) * conditional[rows] - t * unconditional[rows])).max() < 1e-11


def test_half_precision_is_read(tmp_path: Path) -> None:
    """Definition: weights that are stored in float16 are those numbers, in the precision asked for."""
    numbers = {name: array.astype(np.float16) for name, array in tensors().items()}
    network = load(write(tmp_path / "a.safetensors", numbers))
    assert network.dtype == np.float32
    np.testing.assert_array_equal(network.head.weight, numbers["head.weight"].astype(np.float32))


def without(name: str) -> Callable[[Tensors], None]:
    """Remove a tensor."""

    def damage(numbers: Tensors) -> None:
        del numbers[name]

    return damage


def with_(name: str, array: np.ndarray) -> Callable[[Tensors], None]:
    """Set a tensor."""

    def damage(numbers: Tensors) -> None:
        numbers[name] = array

    return damage


NAN = np.full((16, 8), np.nan, dtype=np.float32)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (with_("head.weight", np.zeros((8, 16))), r"must have head.weight of shape \(16, 8\), got \(8, 16\)"),
        (with_("pos_1LC", np.zeros((1, 13, 8))), r"must have pos_1LC of shape \(1, 14, 8\), got \(1, 13, 8\)"),
        (with_("head.weight", np.zeros((16, 8), dtype=np.int32)), "must have head.weight of type F16, BF16, F32, F64"),
        (with_("head.weight", NAN), "must have finite numbers in head.weight, got 'NaN or infinity'"),
        (with_("head.weight", np.full((16, 8), 1e39)), "must have finite numbers in head.weight"),
        (without("blocks.1.ffn.fc1.bias"), "must have the tensor blocks.1.ffn.fc1.bias"),
        (without("picture.decode.1.weight"), "must have the tensor picture.decode.1.weight"),
        (with_("blocks.2.attn.q_bias", np.zeros(8)), "no tensor that its geometry does not have, got 'blocks.2.attn.q"),
        (with_("blocks.0.attn.zero_k_bias", np.ones(8)), "must have zeros in blocks.0.attn.zero_k_bias"),
    ],
)
def test_damaged_tensors_are_named(tmp_path: Path, damage: Callable[[Tensors], None], sentence: str) -> None:
    """Bad input: one sentence that names the tensor."""
    numbers = tensors()
    damage(numbers)
    file = tmp_path / "a.safetensors"
    save_file(numbers, file, metadata={"geometry": json.dumps(weight_files.GEOMETRY)})
    with pytest.raises(InvalidArgument, match=sentence):
        load(file)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": "a\x1b[31m"}, "printable characters"),
        ({"sides": [3]}, "2 to 64 sides"),
        ({"sides": [1, 2.5]}, "2 to 64 sides"),
        ({"sides": [1, 10**9]}, "2 to 64 sides"),
        ({"sides": [1, 3, 2]}, "of which none is larger than the last"),
        ({"layers": True}, "layers of type int"),
        ({"layers": 10**6}, r"layers in \[1, 256\]"),
        ({"heads": 0}, "heads must be an integer >= 1"),
        ({"heads": 10**9}, r"heads in \[0, 131072\]"),
        ({"phi_ratio": "1/0"}, "fraction"),
        ({"phi_ratio": "3/2"}, r"phi_ratio must lie in \[0, 1\]"),
        ({"encoder": [[1, 5, 2], [6, 4, 1]]}, "take what the one before gives"),
        ({"encoder": [[1, 5, 2]]}, "meet the code's 4 channels"),
        ({"decoder": [[4, 5]]}, r"\[inputs, outputs, factor\]"),
        ({"decoder": [[4, 5, 10**9]]}, r"\[inputs, outputs, factor\]"),
        ({"unknown": 1}, "with the keys name, sides"),
    ],
)
def test_impossible_geometries(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    """Bad input: a geometry of which no network exists is refused before any weight is read."""
    file = write(tmp_path / "a.safetensors", {"x": np.zeros(1)}, **changes)
    with pytest.raises(InvalidArgument, match=sentence):
        source_of(str(file)).network()


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    """Bad input: a truncated file, a huge header, one without a geometry, one of another family, and none at all."""
    whole = write(tmp_path / "whole.safetensors", tensors()).read_bytes()
    file = tmp_path / "a.safetensors"
    for content, sentence in (
        (whole[:7], "be a safetensors file of 9 to"),
        (whole[:100], "with a header of at most"),
        (whole[:-1], "be a safetensors file"),
        (struct.pack("<Q", MOST_HEADER_BYTES + 1) + b" " * (MOST_HEADER_BYTES + 9), "with a header of at most"),
        (struct.pack("<Q", 2) + b"[]", "be a safetensors file"),
    ):
        file.write_bytes(content)
        with pytest.raises(InvalidArgument, match=sentence):
            load(file)
    for metadata, sentence in (
        ({}, "have either geometry or model"),
        ({"geometry": "{}", "model": "var-d16"}, "have either geometry or model"),
        ({"geometry": "[" * 5000}, "a geometry in JSON"),
        ({"geometry": "[1]"}, "with the keys"),
        ({"model": "star-d16"}, "a model of the VAR family"),
        ({"model": "infinity-2b-1m"}, "be of the VAR family"),
        ({"geometry": "{}", "more": "x" * 10_001}, "at most 10000 characters"),
    ):
        write_tensors(file, {"x": np.zeros(1)}, metadata)
        with pytest.raises(InvalidArgument, match=sentence):
            load(file)
    with pytest.raises(InvalidArgument, match="which is missing"):
        load(tmp_path / "none.safetensors")
    with pytest.raises(InvalidArgument, match="precision must be float32 or float64"):
        load(tmp_path / "whole.safetensors", precision="float16")  # type: ignore[arg-type]


def test_official_files_are_mapped(tmp_path: Path) -> None:
    """Definition: `model` in the metadata gives the file that model's shapes; masks and the autoencoder are skipped."""
    file = tmp_path / "a.safetensors"
    names = {"lvl_1L": np.zeros((1, 680)), "encoder.conv_in.weight": np.zeros(3), "quant_conv.bias": np.zeros(3)}
    write_tensors(file, {**names, "pos_start": np.zeros((1, 1, 1024))}, {"model": "var-d16"})
    with pytest.raises(InvalidArgument, match=r"must have the tensor pos_1LC, as its geometry says, got '1 other'"):
        source_of(str(file))


def test_pictures_need_their_convolutions(tmp_path: Path) -> None:
    """Bad input: without a decoder or an encoder pictures are refused, and numbers are not; pictures of another shape,
    values outside [0, 1] and classes that are not there are refused too."""
    numbers = {name: array for name, array in tensors().items() if not name.startswith("picture.")}
    blind = load(write(tmp_path / "a.safetensors", numbers, encoder=[], decoder=[]))
    made = generate(blind, FullCache())
    with pytest.raises(InvalidArgument, match="must have a decoder to draw pictures, got toy without one"):
        blind.decode(made.f_hat)
    with pytest.raises(InvalidArgument, match="must have an encoder to take pictures, got toy without one"):
        blind.encode(np.zeros((1, 6, 6)))
    network = load(write(tmp_path / "b.safetensors", tensors()))
    assert network.decode(made.f_hat).shape == (1, 6, 6)
    assert [len(ids) for ids in network.encode(np.zeros((1, 6, 6)))] == [1, 4, 9]
    for picture, sentence in (
        (np.zeros((6, 6)), r"have the shape \(1, 6, 6\), got \(6, 6\)"),
        (np.full((1, 6, 6), 255.0), r"have values in \[0, 1\]"),
        (np.full((1, 6, 6), np.nan), r"have values in \[0, 1\]"),
    ):
        with pytest.raises(InvalidArgument, match=sentence):
            network.encode(picture)
    with pytest.raises(InvalidArgument, match=r"f_hat must have the shape \(4, 3, 3\)"):
        network.decode(made.f_hat[1:])
    with pytest.raises(InvalidArgument, match=r"condition must lie in \[0, 2\], got 3"):
        generate(network, FullCache(), condition=3)


def test_convolutions_by_their_definition() -> None:
    """Definition: sums over 3 x 3 places, zeros beyond the border, every second place, cells repeated first."""
    draw = np.random.default_rng(0)
    weight, bias, maps = draw.standard_normal((2, 3, 3, 3)), draw.standard_normal(2), draw.standard_normal((3, 4, 4))
    framed = np.zeros((3, 6, 6))
    framed[:, 1:5, 1:5] = maps
    expected = np.array(
        [
            [[bias[o] + (weight[o] * framed[:, i : i + 3, j : j + 3]).sum() for j in (0, 2)] for i in (0, 2)]
            for o in (0, 1)
        ]
    )
    assert np.allclose(Convolution(weight, bias, stride=2)(maps), expected)
    large = np.kron(maps, np.ones((2, 2)))
    assert np.allclose(Convolution(weight, bias, enlarge=2)(maps), Convolution(weight, bias)(large))
    assert Convolutions((Convolution(weight, bias, stride=2), Convolution(weight, bias, stride=3))).shrinks == 6


def test_names_of_networks(tmp_path: Path) -> None:
    """Definition: digits, small models and files are networks by name; places of the command line know them too."""
    assert (DIGITS, *(model.name for model in SMALL)) == OUTSIDE_CATALOGS
    file = write(tmp_path / "a.safetensors", tensors())
    for name in (*OUTSIDE_CATALOGS, str(file), "var-d16"):
        assert place_called(name).geometry == model_of(name).geometry == source_of(name).model.geometry
    assert model_of("star-d16") is find_model("star-d16")
    with pytest.raises(UnknownName):
        source_of("digit")
    random = source_of("tiny").network(seed=4, n_layers=1)
    assert len(random.blocks) == 1
    assert random.origin.digest == "random weights, seed 4"
    assert not random.origin.is_file
    one, whole = source_of(str(file)).network(n_layers=1), load(file)
    assert len(one.blocks) == 1
    assert one.origin == whole.origin
    assert whole.origin.is_file


def test_weights_that_no_memory_holds() -> None:
    """Bad input: more weights than this machine's memory holds are refused before any is read."""
    with pytest.raises(InvalidArgument, match="model must have weights that fit in"):
        check_memory(find_model("var-d16"), 2**50, np.dtype(np.float64))


def test_small_models_are_simulated() -> None:
    """Definition: a model of one's own geometry has it, with any number of kernels of phi; impossible ones say why."""
    model = small_model(
        "mine", (1, 3), heads=2, d=8, codebook_size=8, layers=1, channels=4, phi_kernels=0, shared_modulation=True
    )
    network = random_network(model)
    assert network.shared is not None
    assert generate(network, FullCache()).f_hat.shape == (4, 3, 3)
    right: dict[str, Any] = {"heads": 2, "d": 8, "codebook_size": 8}
    wrong: dict[str, Any]
    for wrong, sentence in (
        ({"heads": 0}, "heads must be an integer >= 1"),
        ({"codebook_size": 1}, "codebook_size must be an integer >= 2"),
        ({"phi_kernels": -1}, "phi_kernels must be an integer >= 0"),
    ):
        with pytest.raises(InvalidArgument, match=sentence):
            small_model("mine", (1, 3), **{**right, **wrong})


def test_a_cache_in_a_trained_network(tmp_path: Path) -> None:
    """Differential: full precision changes nothing; the row and the trace say which weights ran, by name or by file."""
    row = simulate(DIGITS, "full", precision="float64", free_running=True)
    assert row.logit_error < 1e-13
    assert row.ids_differ == 0
    assert row.full_cache_bytes == 112_640
    assert simulate(str(built_in()), "h2o").to_json()["weights"] == row.weights
    trace = record(tmp_path / "a.safetensors", model=DIGITS, seed=2, condition=9).trace
    assert trace.weights == row.weights
    assert trace.metadata["weights"] == trace.model_name == DIGITS
    assert trace.codebook_size == trace.geometry.codebook_size == 64
    drawn = record(tmp_path / "b.safetensors", model="tiny", seed=2).trace
    assert drawn.weights == "random weights, seed 2"


def test_written_files_are_read_by_the_library(tmp_path: Path) -> None:
    """Differential: what is written here, the library of the format reads; equal contents give equal bytes."""
    numbers, file = tensors(), tmp_path / "a.safetensors"
    write_tensors(file, numbers, {"b": "é", "a": "1"})
    read = load_file(file)
    assert read.keys() == numbers.keys()
    for name, array in numbers.items():
        np.testing.assert_array_equal(read[name], array)
    other = tmp_path / "b.safetensors"
    write_tensors(other, dict(reversed(numbers.items())), {"a": "1", "b": "é"})
    assert file.read_bytes() == other.read_bytes()
    with pytest.raises(InvalidArgument, match="tensor x must be of type float16, float32 or float64"):
        write_tensors(other, {"x": np.zeros(2, dtype=np.int64)}, {})


def test_the_geometry_of_a_file_is_what_is_documented() -> None:
    """Law: docs/weights.md lists every key of a geometry."""
    page = (Path(__file__).parents[3] / "docs" / "weights.md").read_text(encoding="utf-8")
    for key in GEOMETRY:
        assert f"`{key}`" in page, key
