"""The public weights in the simulator: what the last scale tells, exactly as promised, and Bob who reads it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lowerbound.certify.replay.floor import keys_of, plan_replay
from lowerbound.core.models import find_model
from lowerbound.core.pyramid.resampling import VAR
from lowerbound.errors import ImpossibleReduction, InvalidArgument
from lowerbound.var.replay.codebooks import codebook
from lowerbound.var.replay.prefix_decoding import Decoder, demonstrate, play
from lowerbound.var.replay.public_layer import NumberFormat, PublicLayer, public_layer
from lowerbound.var.simulator.block import unit
from lowerbound.var.simulator.pipeline import all_inputs

D16 = find_model("var-d16")


@pytest.fixture(scope="module")
def layer() -> PublicLayer:
    return public_layer(D16, plan_replay(D16.schedule, VAR, few_rows=True), codebook("binary"))


@pytest.fixture(scope="module")
def loud() -> PublicLayer:
    return public_layer(D16, plan_replay(D16.schedule, VAR, few_rows=True), codebook("binary"), swamp=4.0)


def test_it_is_a_layer_of_the_model(layer: PublicLayer) -> None:
    """Definition: VAR-256's width, heads and maps; phi copies; multipliers at the cap; keys without bias."""
    network = layer.network
    assert (network.model.width, network.model.n_heads, network.schedule) == (1024, 16, D16.schedule)
    maps = np.random.default_rng(1).standard_normal((32, 16, 16))
    full = layer.codebook.codes[np.arange(256)].T.reshape(32, 16, 16)
    assert np.array_equal(network.tokens.contribution(np.arange(256)[:, None], 9), full)
    assert maps.shape == full.shape
    assert np.exp(network.blocks[0].log_multipliers) == pytest.approx(np.full(16, 100.0))


def test_keys_are_public_and_the_softmax_selects(layer: PublicLayer) -> None:
    """Known value: keys are the addresses to 1e-15 whatever the ids; the leak is under tau, the range under 2."""
    book = keys_of(D16, layer.plan)
    tau = (680 - 1) * math.exp(-100 * (1 - float(book.coherence)))
    for seed in (1, 2):
        ids = layer.draw_ids(seed)
        seen = layer.seen(ids)
        assert seen.leak <= 2 * tau + 1e-15
        assert 1.99 < seen.value_range <= 2
        branch = layer.network.branches(0)[:1]
        (block,), (modulation,) = layer.network.blocks, layer.network.modulations(branch)
        _, keys, _ = block.qkv_of(block.attention_input(all_inputs(layer.network, branch, ids), modulation))
        assert np.abs(unit(keys[0, 0, layer.rows]) - book.keys.unit[:255]).max() < 1e-14


def test_bob_reads_all_ids_below_the_threshold_and_none_is_promised_above(layer: PublicLayer) -> None:
    """Known value: under the aligned noise no id is wrong at 3.6e-3, and the first ones are at 4e-3, in scale 8."""
    below, above = play(layer, [3.6e-3, 4e-3], "aligned", trials=2, seed=3)
    assert below.wrong == (0,) * 8
    assert sum(above.wrong[:7]) == 0
    assert 0 < above.wrong[7] < 30


def test_random_noise_hurts_less(layer: PublicLayer) -> None:
    """Law: random signs of the same size leave all ids right at 4e-3, where aligned ones do not."""
    (found,) = play(layer, [4e-3], "random", seed=3)
    assert sum(found.wrong) == 0


def test_r_last_but_one_does_not_matter(layer: PublicLayer) -> None:
    """Metamorphic: other ids of scale N - 1 change the last scale's own rows, and no output by more than the leak."""
    ids = layer.draw_ids(4)
    others = [*ids[:-1], layer.draw_ids(5)[-1]]
    assert np.abs(layer.seen(ids).outputs - layer.seen(others).outputs).max() < 1e-14


def test_f_hat_does_not_determine_the_ids(layer: PublicLayer) -> None:
    """Model R3: constant maps of two scales change places: f_hat is the same, the last scale's outputs are not."""
    ids = layer.draw_ids(6)
    ids[2][:], ids[4][:] = 7, 1234
    swapped = [part.copy() for part in ids]
    swapped[2][:], swapped[4][:] = 1234, 7
    f_hats = [sum(layer.network.tokens.contribution(part, k) for k, part in enumerate(both)) for both in (ids, swapped)]
    assert np.abs(f_hats[0] - f_hats[1]).max() < 1e-13
    assert np.abs(layer.seen(ids).outputs - layer.seen(swapped).outputs).max() > 0.1


def test_the_contents_are_read_exactly(layer: PublicLayer) -> None:
    """Law: what Bob unnormalises of clean values is the content itself, in every scale."""
    ids, decoder = layer.draw_ids(7), Decoder(layer)
    f_hat = layer.network.tokens.empty()
    parts = decoder._split(layer.seen(ids).outputs)
    for k, values in enumerate(parts):
        f_hat = f_hat + layer.network.tokens.contribution(ids[k], k)
        whole = layer.network.tokens.reduced(f_hat, k + 1)
        rows = layer.rows[sum(part.shape[0] * part.shape[1] for part in parts[:k]) :][
            : values.shape[0] * values.shape[1]
        ]
        meant = whole[rows - layer.plan.schedule.prefix_tokens(k + 1)]
        assert np.abs(decoder.contents(k, values).reshape(meant.shape) - meant).max() < 1e-10


@pytest.mark.parametrize(
    ("rounding", "least", "most"),
    [("float32", 0, 0), ("float16", 0, 0), ("bfloat16", 0, 0), ("int8", 0, 0), ("int4", 0.4, 0.7)],
)
def test_low_precision(loud: PublicLayer, rounding: NumberFormat, least: float, most: float) -> None:
    """Known value: with public parts of four times the content all ids survive fp16, bf16 and int8, not int4."""
    (found,) = play(loud, [0.0], "none", rounding=rounding)
    assert least <= found.error <= most


@pytest.mark.slow
def test_a_rounded_layer_gets_no_promise() -> None:
    """Definition: what was promised holds in float64 alone, and without noise there is one round, of none."""
    told = demonstrate(
        D16, etas=[0.1], around=(), codebook="binary", noise="none", rounding="int7", swamp=None, trials=1, seed=0
    )
    (found,) = told["rounds"]
    assert (found["eta"], found["error"], found["promised"], told["refuted"]) == (0, 0, False, False)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gaussian", "sphere", "uniform"])
def test_random_codebooks(name: str) -> None:
    """Law: every id is right below gap / 2 times the threshold, whatever the codebook."""
    layer = public_layer(D16, plan_replay(D16.schedule, VAR), codebook(name))
    promised = layer.codebook.gap / 2 * float(layer.plan.threshold)
    below, above = play(layer, [0.99 * promised, 20 * promised], "aligned", trials=2, seed=1)
    assert sum(below.wrong) == 0 < sum(above.wrong)


@pytest.mark.slow
def test_two_heads_read_what_one_cannot() -> None:
    """Known value: VAR-512 with the rows that amplify least: right just below its threshold, wrong above it."""
    told = demonstrate(
        find_model("var-d36-512"),
        etas=None,
        around=(0.99, 1.5),
        codebook="binary",
        noise="aligned",
        rounding="float64",
        swamp=None,
        trials=1,
        seed=0,
    )
    assert told["rows_read"] == 892
    assert [sum(one["wrong_by_scale"]) > 0 for one in told["rounds"]] == [False, True]


def test_what_cannot_be_built() -> None:
    """Definition: too many heads for the width, other families, a swamp that does not swamp."""
    plan = plan_replay(D16.schedule, VAR, n_heads=9)
    with pytest.raises(ImpossibleReduction, match="need a width of"):
        public_layer(D16, plan, codebook("binary"))
    common: dict[str, Any] = {"etas": None, "around": (1.0,), "codebook": "binary"}
    common |= {"noise": "none", "rounding": "float64"}
    with pytest.raises(InvalidArgument, match="belong to the family VAR"):
        demonstrate(find_model("infinity-2b-0.06m"), swamp=None, trials=1, seed=0, **common)
    with pytest.raises(InvalidArgument, match="swamp must be over 1"):
        demonstrate(D16, swamp=1.0, trials=1, seed=0, **common)
