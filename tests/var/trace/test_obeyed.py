"""Truth here: structure that was planted in one head is found, with its class and floor; noise obeys nothing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.core.coins import Coins
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.priors.prior import FloatArray, Prior
from lowerbound.core.priors.table import PRIORS
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from lowerbound.game.structured import plan_structured
from lowerbound.var.trace.obeyed import Obedience, obeyed

MAPS = ScaleSchedule.square([1, 2, 3, 4, 6, 8])
D = 16
N = MAPS.n_tokens_cached
ETA = Fraction(1, 100)


def told(keys: FloatArray, values: FloatArray, **terms: Any) -> dict[str, Obedience]:
    return {entry.prior: entry for entry in obeyed(MAPS, keys, values, tolerance=ETA, **terms)}


def noisy(values: FloatArray) -> FloatArray:
    """Within a quarter of the tolerance, on a scale and with an offset of its own."""
    off = np.random.default_rng(5).uniform(-1, 1, values.shape) * float(ETA) / 4
    scaled: FloatArray = 3 * (values + off) - 7
    return scaled


def member(kind: type[Prior]) -> tuple[Prior, FloatArray]:
    prior = kind.of(MAPS, D)
    word = np.concatenate([Coins(0, group.name).below(group.n_levels, group.count) for group in prior.groups])
    return prior, prior.values(word)


def free_keys() -> FloatArray:
    return np.random.default_rng(1).standard_normal((N, D))


@pytest.mark.parametrize(
    ("name", "planted"),
    [("rank", "rank"), ("columns", "n_live"), ("blocks", "n_blocks")],
)
def test_planted_values_are_found(name: str, planted: str) -> None:
    """Definition: a member of the class with noise obeys it at its parameter, and its floor is that of the class."""
    prior, values = member(PRIORS[name])
    entry = told(free_keys(), noisy(values))[name]
    assert entry.obeyed
    assert entry.parameter == getattr(prior, planted)
    assert prior.margin > ETA
    assert entry.floor_bits == prior.size_bits


def test_planted_details_are_found() -> None:
    """Definition: maps that repeat the one before, but for one cell of a channel, obey with a detail a map."""
    prior, values = member(PRIORS["pyramid"])
    entry = told(free_keys(), noisy(values))["pyramid"]
    assert entry.obeyed
    assert 1 <= entry.parameter <= MAPS.n_scales - 2
    assert entry.floor_bits == prior.size_bits


def test_planted_letters_are_found() -> None:
    """Definition: rows that are half plus a row of the basis have one coefficient, whatever their scale."""
    prior = PRIORS["sparse"].of(MAPS, D)
    values = prior.values(Coins(0, "rows").below(prior.groups[0].n_levels, N))
    values = np.concatenate([values[: N // 2], 1 - values[: N - N // 2]])
    entry = told(free_keys(), noisy(values))["sparse"]
    assert (entry.parameter, entry.obeyed) == (1, True)


def test_planted_centres_are_found() -> None:
    """Definition: keys within a hundredth of five centres need five; free keys need one each."""
    centres = np.random.default_rng(2).standard_normal((5, D))
    keys = centres[np.arange(N) % 5] + np.random.default_rng(3).uniform(-1, 1, (N, D)) * 1e-3
    values = np.random.default_rng(4).random((N, D))
    assert told(keys, values)["clusters"].parameter == 5
    assert told(free_keys(), values)["clusters"].parameter == N


def test_noise_obeys_nothing() -> None:
    """Degenerate case: free values and keys have no structure at a hundredth, but for chance in details."""
    found = told(free_keys(), np.random.default_rng(6).random((N, D)))
    assert set(found) == {"rank", "sparse", "columns", "blocks", "pyramid", "clusters"}
    for entry in found.values():
        assert not entry.obeyed or entry.prior == "pyramid", entry
        assert "never proved" in entry.status
    assert found["pyramid"].parameter >= found["pyramid"].vacuous - MAPS.n_scales


def test_constant_values_obey_everything() -> None:
    """Degenerate case: constant values have rank 0, no coefficient, no live column, and one row a map."""
    found = told(free_keys(), np.full((N, D), 3.5))
    assert [found[name].parameter for name in ("rank", "sparse", "columns")] == [0, 0, 0]
    assert found["blocks"].parameter == MAPS.n_scales - 1


def test_attention_is_looked_at() -> None:
    """Known value: queries that ask for the last map alone see 36 tokens, one map, one token each, and are local."""
    family = plan_structured(Geometry("g", MAPS, 32), PRIORS["locality"])
    keys = family.keys.unit
    runs = list(family.prior.runs())
    values = np.random.default_rng(7).random(keys.shape)
    rule = L2Norm(float(family.multiplier))
    found = {e.prior: e for e in obeyed(MAPS, keys, values, queries=family.queries[runs[-1]], rule=rule)}
    assert found["token-window"].parameter == 36
    assert found["scale-window"].parameter == 1
    assert found["sparse-attention"].parameter == 1
    assert (found["locality"].parameter, found["locality"].floor_bits) == (0, N * 32)
    away = {e.prior: e for e in obeyed(MAPS, keys, values, queries=family.queries[runs[-1][::-1]], rule=rule)}
    assert not away["locality"].obeyed
    assert found["token-window"].floor_bits == 36 * 32


def test_a_head_of_var_takes_seconds() -> None:
    """Cost: one head of VAR-256 with free values is told of without a floor missing where the class can be read."""
    schedule = find_model("var-d16").visible_schedule
    rows = np.random.default_rng(8).standard_normal((2, schedule.n_tokens_cached, 64))
    found = obeyed(schedule, rows[0], rows[1], tolerance="0.001")
    assert all(entry.floor_bits is None or entry.floor_bits > 0 for entry in found)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"tolerance": "1/2"}, "strictly between 0 and 1/2"),
        ({"keys": np.zeros((3, D))}, "have one shape"),
        ({"values": np.full((N, D), np.nan)}, "be finite"),
        ({"queries": np.zeros((2, D)), "rule": L2Norm(4.0)}, "be those of the last map"),
    ],
)
def test_what_is_no_head_is_refused(change: dict[str, Any], sentence: str) -> None:
    """Bad input: one sentence."""
    given: dict[str, Any] = {"keys": free_keys(), "values": np.ones((N, D)), **change}
    with pytest.raises(InvalidArgument, match=sentence):
        obeyed(MAPS, given.pop("keys"), given.pop("values"), **given)
