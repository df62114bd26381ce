"""The network that makes images: what the scales may know of each other, and what every part must compute."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from lowerbound.core.coins import Coins
from lowerbound.core.models import find_model
from lowerbound.core.pyramid.ranks import tick_of
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument, UnknownName
from lowerbound.var.simulator.block import gelu, normed, softmax_attention, unit
from lowerbound.var.simulator.network import SMALL, Network, ffn_width, random_network, simulated
from lowerbound.var.simulator.pipeline import FullCache, Ids, generate, guidance_at
from lowerbound.var.simulator.rotary import rotation
from lowerbound.var.simulator.sampling import Sampling
from lowerbound.var.simulator.tokens import BitTokens, smoothed
from tests.var.simulator.one_shot import one_shot

NAMES = tuple(model.name for model in SMALL)


@lru_cache(maxsize=4)
def network_of(name: str) -> Network:
    """A small network in float64."""
    return random_network(simulated(name), seed=1, precision="float64")


def random_ids(network: Network, seed: int = 0) -> list[Ids]:
    """Uniform ids of every scale."""
    decisions, alternatives = network.tokens.n_choices
    return [
        Coins(seed, f"test/scale {k}")
        .below(alternatives, network.schedule.map_size(k) * decisions)
        .reshape(-1, decisions)
        for k in range(network.schedule.n_scales)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_scale_by_scale_is_all_at_once(name: str) -> None:
    """Differential: inference over a growing cache against one pass with a block-causal mask, all logits."""
    network = network_of(name)
    ids, sampling = random_ids(network), Sampling()
    made = generate(network, FullCache(), condition=5, sampling=sampling, given=ids)
    conditional, unconditional = one_shot(network, ids, condition=5)
    for scale, logits in enumerate(made.logits):
        rows, t = network.schedule.rows_of(scale), guidance_at(network, sampling, scale)
        expected = (1 + t) * conditional[rows] - t * unconditional[rows]
        assert np.abs(logits - expected).max() < 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_what_the_cache_is_a_function_of(name: str) -> None:
    """Law: rows of the scales before the last are bit for bit a function of r_1 .. r_{K-2}, and of each of them."""
    network = network_of(name)
    n_cached, ids = network.schedule.n_tokens_cached, random_ids(network)

    def cached_rows(given: list[Ids]) -> list[np.ndarray]:
        memory = FullCache()
        generate(network, memory, given=given)
        layers = range(network.model.n_layers)
        return [rows[layer][:, :, :n_cached] for rows in (memory.keys, memory.values) for layer in layers]

    rows, others = cached_rows(ids), random_ids(network, seed=1)
    for replaced in range(network.schedule.n_scales):
        changed = cached_rows([others[k] if k == replaced else ids[k] for k in range(len(ids))])
        if replaced >= network.schedule.n_scales - 2:
            assert all(np.array_equal(a, b) for a, b in zip(rows, changed, strict=True))
        else:
            start = network.schedule.rows_of(replaced + 1).start
            assert all(np.array_equal(a[:, :, :start], b[:, :, :start]) for a, b in zip(rows, changed, strict=True))
            assert all(np.abs(a[:, :, start:] - b[:, :, start:]).max() > 0 for a, b in zip(rows, changed, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_cached(name: str) -> None:
    """Definition: keys are unit rows; queries have norm exp(min(s, ln 100)), the cap acting where s is larger."""
    network = network_of(name)
    memory = FullCache()
    generate(network, memory)
    assert all(np.abs(np.linalg.norm(keys, axis=-1) - 1).max() < 1e-12 for keys in memory.keys.values())
    block, branches = network.blocks[0], network.branches(0)
    queries, _, _ = block.qkv_of(network.inputs(0, branches, None), network.rotate(slice(0, 1)))
    wanted = np.minimum(np.exp(block.log_multipliers), 100)
    assert np.allclose(np.linalg.norm(queries, axis=-1), wanted[:, None])


def test_multipliers_are_capped() -> None:
    """Definition: among the heads of both small networks, some multiplier lies above the cap and acts as 100."""
    logs = np.concatenate([block.log_multipliers for name in NAMES for block in network_of(name).blocks])
    assert logs.min() >= np.log(4)
    assert logs.max() > np.log(100), "choose a seed whose heads meet the cap"


def test_phi_is_shared_by_ticks() -> None:
    """Known value: ten scales share four convolutions as the official code does, ties at 2/9 included."""
    assert [tick_of(scale, 10) for scale in range(10)] == [0, 0, 1, 1, 1, 2, 2, 3, 3, 3]


def test_phi_of_an_impulse() -> None:
    """Known value: half the map and half the kernel, turned around, about the place of the impulse."""
    kernel = np.arange(9.0).reshape(1, 1, 3, 3)
    maps = np.zeros((1, 4, 4))
    maps[0, 0, 1] = 1
    expected = np.full((4, 4), 0.5 * 7)
    expected[0, 1] += 0.5
    expected[0:2, 0:3] += 0.5 * kernel[0, 0, ::-1, ::-1][1:3]
    assert np.array_equal(smoothed(maps, kernel, np.array([7.0]), 0.5)[0], expected)


def test_f_hat_is_the_sum_of_contributions() -> None:
    """Definition: the finished map is what all ids of all scales add, and the last scale's input is all but its own."""
    network = network_of("tiny")
    ids = random_ids(network)
    made = generate(network, FullCache(), given=ids)
    parts = [network.tokens.contribution(some, k) for k, some in enumerate(ids)]
    assert np.allclose(made.f_hat, np.sum(parts, axis=0))
    last = network.schedule.n_scales - 1
    before = np.sum(parts[:-1], axis=0)
    assert np.allclose(network.tokens.reduced(before, last).T.reshape(made.f_hat.shape), before)


def test_patches_of_bits() -> None:
    """Definition: with patches, a token's bits are channels of 2 x 2 places, and the two ways are inverse."""
    tokens = BitTokens(ScaleSchedule.square([1, 2, 3]), n_bits=8, patch=2, dtype=np.dtype(np.float64))
    bits = np.arange(72).reshape(9, 8) % 3 % 2
    maps = tokens.codes(bits, 2)
    assert maps.shape == (2, 6, 6)
    assert np.allclose(np.abs(maps), 2**-0.5)
    assert np.isclose(maps[1, 0, 1], (2 * bits[0, 4 + 1] - 1) * 2**-0.5)
    assert np.allclose(tokens.reduced(maps, 2), (2 * bits - 1) * 2**-0.5)


def test_rotation_keeps_places() -> None:
    """Law: logits of rotated rows depend on the offset on the last map's grid alone; norms stay."""
    schedule, d = ScaleSchedule.parse("1x1 2x4 4x8"), 8
    cosines, sines = rotation(schedule, d)
    assert np.allclose(cosines**2 + sines**2, 1)
    coarse, fine = schedule.token(1, 1, 2), schedule.token(2, 2, 4)
    assert np.array_equal(cosines[coarse], cosines[fine])
    assert np.array_equal(sines[coarse], sines[fine])
    assert np.array_equal(sines[schedule.token(2, 3, 0)][d // 4 :], np.zeros(d // 4))
    assert np.isclose(sines[schedule.token(2, 3, 0)][0], np.sin(3))


def test_parts_by_their_definition() -> None:
    """Differential: norm, GELU and softmax against the formulas in plain float64."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 3, 64)) * 3
    assert np.allclose(
        normed(x), (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-6), atol=1e-14
    )
    formula = 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    assert np.allclose(gelu(x.copy()), formula, atol=1e-14)
    assert np.array_equal(unit(np.zeros((1, 4))), np.zeros((1, 4)))
    queries, keys, values = (100 * rng.standard_normal((3, 5, 4))).reshape(3, 5, 4)
    weights = np.exp((queries @ keys.T) - (queries @ keys.T).max(1, keepdims=True))
    expected = weights @ values / weights.sum(1, keepdims=True)
    assert np.allclose(softmax_attention(queries, keys, values), expected, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_precision_is_the_networks(name: str) -> None:
    """Metamorphic: in float32 everything is float32, and as near to float64 as that allows, ids given."""
    single = random_network(simulated(name), seed=1)
    made = generate(single, FullCache(), given=random_ids(single))
    assert {array.dtype for array in (*made.logits, made.f_hat)} == {np.dtype(np.float32)}
    assert single.dtype == np.float32


def test_a_generation_repeats() -> None:
    """Definition: equal seeds give equal ids; another seed of draws, or another condition, gives others."""
    network = network_of("tiny")
    first, again, other, elsewhere = (
        np.concatenate(generate(network, FullCache(), condition=c, sampling=Sampling(seed=s)).ids)
        for c, s in ((0, 3), (0, 3), (0, 4), (1, 3))
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, elsewhere)


def test_sizes_of_the_catalogue() -> None:
    """Known values: which models share their modulation, and odd widths of Infinity's feed-forward nets."""
    models = [find_model(name) for name in ("var-d30", "var-d36-512", "infinity-2b-1m", "infinity-8b-1m")]
    assert [model.shared_modulation for model in models] == [False, True, True, True]
    assert [model.code_channels for model in models] == [32, 32, 32, 14]
    assert [model.phi_kernels for model in models] == [4, 4, 0, 0]
    assert ffn_width(find_model("var-d16")) == 4096
    assert ffn_width(find_model("infinity-layer32-0.06m")) == 8192


@pytest.mark.parametrize(
    ("name", "error", "sentence"),
    [
        ("star-d16", InvalidArgument, "must be of the VAR or Infinity family to be simulated, got star-d16 of STAR"),
        ("infinity-20b-1m", InvalidArgument, "must have a known codebook"),
        ("tinny", UnknownName, "model 'tinny' is not known"),
    ],
)
def test_models_that_are_not_simulated(name: str, error: type[Exception], sentence: str) -> None:
    """Bad input: the reason, and what is nearest."""
    with pytest.raises(error, match=sentence):
        simulated(name)


def test_unusable_ids_and_conditions() -> None:
    """Bad input: ids that no scale has, maps that no pyramid has, a class that is not there."""
    network = network_of("tiny")
    ids = random_ids(network)
    with pytest.raises(InvalidArgument, match="one array for each of 5 scales"):
        generate(network, FullCache(), given=ids[:-1])
    with pytest.raises(InvalidArgument, match=r"ids of scale 1 must have shape \(4, 1\)"):
        generate(network, FullCache(), given=[ids[0], ids[0], *ids[2:]])
    with pytest.raises(InvalidArgument, match=r"ids of scale 2 must lie in \[0, 255\]"):
        generate(network, FullCache(), given=[*ids[:2], ids[2] + 256, *ids[3:]])
    with pytest.raises(InvalidArgument, match=r"condition must lie in \[0, 999\]"):
        generate(network, FullCache(), condition=1000)
    with pytest.raises(InvalidArgument, match="precision must be float32 or float64"):
        random_network(simulated("tiny"), precision="float16")  # type: ignore[arg-type]
    with pytest.raises(ImpossibleReduction, match="none of them larger than the last"):
        BitTokens(ScaleSchedule.parse("4x4 2x2"), n_bits=8, patch=1, dtype=np.dtype(np.float64))
    with pytest.raises(InvalidArgument, match="multiple of 4"):
        rotation(network.schedule, 6)
