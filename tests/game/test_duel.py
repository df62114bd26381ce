"""Known values of the game on VAR-d16: what every cache of this release must need, and must err."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.registry import play
from lowerbound.certify.floors import floor
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.network import PublicNetwork
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CacheContractBroken, ImpossibleReduction, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import Reduction, plan_reduction
from lowerbound.game.verdict import KEEPS, OUTSIDE_R1
from tests.marks import first_now

M = 424 * 64


@pytest.fixture(scope="module")
def d16() -> Reduction:
    return plan_reduction(Geometry.of(find_model("var-d16")))


@pytest.mark.parametrize(
    ("cache", "budget", "bits", "error"),
    [
        ("full", None, 2 * M * 64 + 32, 0),
        ("full-fp32", None, 2 * M * 32 + 32, 0),
        ("full-fp16", None, 2 * M * 16 + 32, 0),
        ("random", None, 0, Fraction(1, 2)),
        ("exact", None, M + 32, 0),
        ("majority", None, 9045 + 7 + 3 + 32 + 1, Fraction(1, 4)),
        ("hamming", None, 4 * (M // 7) + 4 + 4 + 32, Fraction(1, 8)),
        ("golay", None, 12 * (M // 23) + 4 + 19 + 5 + 32, Fraction("0.1240234375")),
        ("window", "1/4", 2 * 106 * 64 * 16 + 32, Fraction(3, 8)),
        ("window", "1/2", 2 * 212 * 64 * 16 + 32, Fraction(1, 4)),
        ("window", "1", 2 * M * 16 + 32, 0),
        ("h2o", "1/4", 106 * (2 * 64 * 16 + 32) + 32, Fraction(3, 8)),
        ("h2o", "3/4", 318 * (2 * 64 * 16 + 32) + 32, Fraction(1, 8)),
        ("window-scales", "1/2", 2 * 169 * 64 * 16 + 32, Fraction(255, 848)),
        ("window-scales", "1/4", 2 * 169 * 64 * 16 + 32, Fraction(255, 848)),
        ("uniform", "1/16", 2 * M + 4 * 424 * 32 + 32, 0),
        ("uniform", "1/4", 8 * M + 4 * 424 * 32 + 32, 0),
    ],
)
def test_bits_and_error(d16: Reduction, cache: str, budget: str | None, bits: int, error: Fraction) -> None:
    """Known values: the closed form of each cache's memory, and (1 - f)/2 for eviction to a fraction f."""
    row = play(d16, cache, budget=budget, trials=4, isolation=Isolation.NONE)
    assert row.state_bits == bits + 64
    assert row.symbols == M
    assert row.error_low <= float(error) <= row.error_high
    assert row.ledger["length_prefix"] == 64
    assert sum(row.ledger.values()) == row.state_bits
    assert row.peak_bits == max(row.scale_bits) == row.scale_bits[-1]
    assert (row.verdict == KEEPS) == (row.errors == 0)
    assert row.ratio is None or row.ratio >= 1


def test_recompute_has_the_floor_of_its_own_model(d16: Reduction) -> None:
    """Known value: 3060 bits of ids, in model R2, a ninth of the R1 floor and just above that of R2, at error 0."""
    row = play(d16, "recompute", isolation=Isolation.NONE)
    assert row.ledger["payload"] == 3060
    assert row.computation_model == "R2"
    assert row.verdict == OUTSIDE_R1
    assert row.error == 0
    assert row.ratio is not None
    assert 1 < row.ratio < 1.15
    (part,) = row.parts
    assert (part.name, part.symbols, part.errors) == ("ids", 3060, 0)
    free = play(d16, "exact", isolation=Isolation.NONE)
    assert row.state_bits < 0.12 * free.floor_bits


def test_bits_of_ids_are_read_where_the_network_spells_them() -> None:
    """Law: each bit of an id flips its own value bit and, of the bits that spell ids, only those of later scales."""
    for codebook in (16, 11):
        network = PublicNetwork(ScaleSchedule.square([1, 2, 3, 4, 5]), 16, codebook, 3)
        places = network.places_of_ids
        assert places[0].shape == (network.n_ids, network.id_bits) == (14, 4)
        ids = network.draw_ids(PrivateSeed(1), 0)
        spelt = network.symbols(ids)[places]
        scale_of = np.repeat([0, 1, 2], [1, 4, 9])
        for number, bit in ((0, 0), (2, 3), (4, 1), (5, 0), (13, 2)):
            other = ids.copy()
            other[number] ^= 1 << bit
            changed = network.symbols(other)[places] != spelt
            expected = np.zeros_like(changed)
            expected[number, bit] = True
            same = scale_of <= scale_of[number]
            assert np.array_equal(changed[same], expected[same])


def test_the_floor_of_r2_allows_for_errors_and_for_unused_codes() -> None:
    """Known values: with no error in all trials, n log2 V less what the interval allows; with coin flips, 0."""
    for codebook in (16, 11):
        geometry = Geometry("small", ScaleSchedule.square([1, 2, 3, 4, 5]), 16, codebook_size=codebook)
        plan = plan_reduction(geometry).in_model_r2()
        right = [np.zeros(plan.shape, dtype=bool)] * 400
        _, proved = plan.tally(right, Fraction(99, 100))
        assert 14 * math.log2(codebook) - 2 < proved <= 14 * math.log2(codebook)
        coins = [np.random.default_rng(seed).random(plan.shape) < 0.5 for seed in range(400)]
        assert plan.tally(coins, Fraction(99, 100))[1] == 0


def test_recompute_cannot_be_played_on_free_values(d16: Reduction) -> None:
    """Law: outside its model the recompute cache refuses: free values are not the network's."""
    network = PublicNetwork(d16.schedule, 64, 4096, d16.seed)
    with pytest.raises(CacheContractBroken, match="cannot produce"):
        network.infer_ids(
            0,
            np.ones((1, 64), dtype=np.int64) - network.values(0, np.zeros(0, dtype=np.int64)),
            np.zeros(0, dtype=np.int64),
        )


def test_the_network_is_a_function_of_earlier_ids() -> None:
    """Law: inference inverts the network, and no scale depends on ids of its own or later scales."""
    network = PublicNetwork(ScaleSchedule.square([1, 2, 3, 4, 5]), 16, 8912, 3)
    ids = network.draw_ids(PrivateSeed(3), 0)
    assert len(ids) == 1 + 4 + 9
    assert ids.max() < 8912
    found = np.zeros(0, dtype=np.int64)
    for scale in range(4):
        values = network.values(scale, ids)
        found = np.concatenate([found, network.infer_ids(scale, values, found)])
    assert np.array_equal(found, ids)
    changed = ids.copy()
    changed[5:] += 1
    assert np.array_equal(network.values(2, changed), network.values(2, ids))
    assert not np.array_equal(network.values(3, changed), network.values(3, ids))
    with pytest.raises(ImpossibleReduction, match="never shrink"):
        PublicNetwork(ScaleSchedule.square([2, 1, 4]), 16, 16, 0)
    with pytest.raises(ImpossibleReduction, match="head dimension"):
        PublicNetwork(ScaleSchedule.square([1, 2, 4]), 3, 16, 0)


def test_rows_do_not_depend_on_isolation(small: Reduction) -> None:
    """Law: the same seed gives the same row at every level, but for the level's name and the clock."""
    rows = []
    for level in (Isolation.NONE, Isolation.PROCESS):
        row = play(small, "golay", trials=3, isolation=level).to_json()
        rows.append({k: v for k, v in row.items() if k not in ("isolation", "alice_seconds", "bob_seconds")})
    assert rows[0] == rows[1]


def test_trials_are_independent(small: Reduction) -> None:
    """Law: trial k is the same instance however many trials are played."""
    few = play(small, "window", trials=2, isolation=Isolation.NONE)
    many = play(small, "window", trials=6, isolation=Isolation.NONE)
    assert few.errors <= many.errors
    assert few.error_high - few.error_low > many.error_high - many.error_low


def test_longer_alphabets(small_geometry: Geometry) -> None:
    """Known value: with L levels the exact code needs log2 L bits per symbol, packed by radix blocks."""
    plan = plan_reduction(small_geometry, eta="0.01", guarantee="additive", n_levels=None)
    assert isinstance(plan.rule, L2Norm)
    assert plan.grid.n_levels == 50
    row = play(plan, "exact", isolation=Isolation.NONE)
    assert row.error == 0
    assert row.ledger["payload"] == 336 // 3 * 17
    assert row.floor_bits > 5 * 336
    assert play(plan, "full-fp16", isolation=Isolation.NONE).error == 0
    with pytest.raises(InvalidArgument, match="must be played with 2 value levels"):
        play(plan, "golay", isolation=Isolation.NONE)
    coarse = play(plan, "uniform", budget="1/16", isolation=Isolation.NONE)
    assert coarse.error > 0.5


@pytest.mark.parametrize(
    "name",
    first_now(["infinity-2b-0.06m", "switti-ar-512", "sar3d-text-d16", "llamagen-b-256", "hart-0.7b-1024"], 3),
)
def test_other_geometries_play(name: str) -> None:
    """Law: context tokens, other rules, non-square maps and odd dimensions are played to the last symbol."""
    plan = plan_reduction(Geometry.of(find_model(name)))
    assert play(plan, "full-fp16", isolation=Isolation.NONE).error == 0


def test_floor_of_the_reference_model() -> None:
    """Known values: VAR-d16 at delta = 0.1."""
    result = floor("var-d16", failure_prob="0.1").to_json()
    head = result["per_head"]
    assert round(head["paper_bits"], 2) == 14409.34
    assert head["cache_bits"] == 868352
    assert head["values_levels"] == 50
    assert round(head["values_bits"], 2) == 125188.94
    assert result["replay_bits"] == 3060
    assert result["total"]["cache_bytes"] == 55574528
    assert "R1" in result["computation_model"]
    assert floor(find_model("var-d16"), failure_prob=0).paper_bits == M
    assert floor(find_model("var-d16"), failure_prob="1/2").paper_bits == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"eta": "1/2"}, "eta must lie in"),
        ({"eta": "-1"}, "eta must lie in"),
        ({"failure_prob": "0.6"}, "delta must lie in"),
        ({"failure_prob": 0.1}, "delta must be an int"),
    ],
)
def test_floor_refuses(options: dict[str, Any], sentence: str) -> None:
    """Bad input: one sentence."""
    with pytest.raises(InvalidArgument, match=sentence):
        floor(find_model("var-d16"), **options)


@pytest.mark.parametrize(
    "options", [{"trials": 0}, {"trials": True}, {"time_limit_s": 0}, {"budget": "2"}, {"budget": 0.5}]
)
def test_duel_refuses(small: Reduction, options: dict[str, Any]) -> None:
    """Bad input: one sentence."""
    with pytest.raises(InvalidArgument, match="must"):
        play(small, "window", isolation=Isolation.NONE, **options)
