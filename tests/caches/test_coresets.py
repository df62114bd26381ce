"""Truth: two coresets keep their proved errors, as small as they say they are, and the laws of caches."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowerbound.caches.guaranteed.covered import CoveredKeys
from lowerbound.caches.guaranteed.sampled import SampledTokens
from lowerbound.ceiling.coresets import cover_radius, sample_size
from lowerbound.certify.dimension import room
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.grid import Grid
from lowerbound.core.oracle.attention import attention
from lowerbound.core.rows import unit_rows
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from tests.contracts.laws import CacheLaws, rounding
from tests.contracts.playing import at_last_scale, at_once, public, states_of
from tests.marks import first_now

FLOAT32 = 2.0**-23


class TestSampledTokens(CacheLaws):
    cache = SampledTokens

    def bits(self, n: int, place: Public) -> int:
        return 64 * place.d * min(n, SampledTokens.promised_size(place))

    def entry_error(self, place: Public, rows: FloatArray) -> float:
        return FLOAT32 * float(np.abs(rows).max())


class TestCoveredKeys(CacheLaws):
    cache = CoveredKeys
    not_applicable: ClassVar = {
        "test_the_length_does_not_depend_on_the_values": "tokens whose keys are near each other share a row",
    }

    def bits(self, n: int, place: Public) -> int:
        count_bits = math.ceil(math.log2(place.schedule.n_tokens + 1))
        return count_bits + n * (count_bits + 64 * place.d)

    def entry_error(self, place: Public, rows: FloatArray) -> float:
        return FLOAT32 * float(np.abs(rows).max())


def promising(eta: Fraction, multiplier: float, d: int, side: int = 32, seed: int = 0) -> Public:
    """Two maps of side^2 tokens, and one token that asks."""
    place = public(ScaleSchedule(((side, side), (side, side), (1, 1))), d, rule=L2Norm(multiplier), seed=seed)
    return replace(place, grid=Grid.binary("additive", eta, Fraction(0)))


def rows_of(place: Public, seed: int) -> FloatArray:
    """Unit keys and queries, and values of which half are 0 or 1."""
    coins = np.random.default_rng(seed)
    rows = coins.normal(size=(3, place.schedule.n_tokens, place.d))
    rows[1] = coins.random(rows[1].shape)
    rows[1, :, ::2] = rows[1, :, ::2] < 0.5
    rows[0], rows[2] = unit_rows(rows[0]), unit_rows(rows[2])
    return rows


def test_sizes() -> None:
    """Known value: ln(200) (1/2 + 1/50 + 1/15) / (1/100) = 310.9 at lambda = 0, e^2 of that at 1; ln(11/9) / lambda."""
    eta, delta = Fraction(1, 10), Fraction(1, 100)
    at_zero = math.log(200) * (1 / 2 + 1 / 50 + 1 / 15) * 100
    assert sample_size(0, eta, delta) == math.ceil(at_zero) == 311
    assert sample_size(1, eta, delta) == math.ceil(at_zero * math.e**2)
    assert float(cover_radius(4, eta)) == pytest.approx(math.log(11 / 9) / 4, rel=1e-12)
    assert cover_radius(0, eta) == cover_radius(Fraction(1, 100), eta) == 2
    for wrong in ((-1, eta, delta), (1, 0, delta), (1, Fraction(1, 2), delta), (1, eta, 0), (1, eta, 1)):
        with pytest.raises(InvalidArgument, match="must"):
            sample_size(*wrong)


@given(
    st.integers(2, 4),
    st.floats(0.5, 60),
    st.sampled_from([Fraction(1, 10), Fraction(1, 100)]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=15)
def test_covered_keys_never_err_by_more(d: int, multiplier: float, eta: Fraction, seed: int) -> None:
    """Law: whatever tokens and queries, own tokens included, the error is at most eta."""
    place = promising(eta, multiplier, d, side=10)
    rows = rows_of(place, seed)
    cache, _ = at_last_scale(CoveredKeys, place, rows)
    wrong = np.abs(cache.attend(rows[2]) - attention(rows[2], rows[0], rows[1], rule=place.rule))
    assert wrong.max() <= float(eta) + rounding(place, rows)


def test_covered_keys_reach_their_error() -> None:
    """Known value: tanh is attained: opposite balls, of values 0 and 1, whose tokens but one are at their rims."""
    eta, multiplier = Fraction(1, 10), 50.0
    place = promising(eta, multiplier, 2)
    turn = 2 * math.asin(CoveredKeys(place).radius / 2) * (1 - 1e-9)
    angles = np.repeat([math.pi / 2, math.pi / 2 - turn, -math.pi / 2, -math.pi / 2 - turn], [1, 500, 1, 500])
    keys = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    values = np.repeat([[0.0, 0.0], [1.0, 1.0]], 501, axis=0)
    cache = at_once(CoveredKeys, place, keys, values)
    assert len(cache.keys) == 2
    across = np.linspace(-2 * turn, 2 * turn, 400)
    queries = np.stack([np.cos(across), np.sin(across)], axis=1)
    error = np.abs(cache.attend(queries) - attention(queries, keys, values, rule=place.rule)).max()
    assert 0.99 * float(eta) <= error <= float(eta)


@pytest.mark.parametrize(("d", "multiplier"), first_now([(3, 2.0), (8, 0.16), (64, 0.14), (64, 0.05), (3, 0.5)], 3))
def test_balls_are_as_few_as_keys_fit(d: int, multiplier: float) -> None:
    """Law: at most as many balls open as keys of inner product 1 - r^2 / 2 are certified to fit into R^d."""
    place = promising(Fraction(1, 10), multiplier, d)
    rows = rows_of(place, 0)
    cache, _ = at_last_scale(CoveredKeys, place, rows)
    mu = 1 - Fraction(CoveredKeys(place).radius) ** 2 / 2
    most = room(d, max(Fraction(-1), mu)).at_most
    assert most is not None
    assert len(cache._counts) <= most < place.schedule.n_tokens_cached


def test_samples_keep_their_error() -> None:
    """Measured: of 10 draws and 24,000 outputs at most 1 % err by more than eta, with own tokens and without."""
    eta = Fraction(1, 10)
    wrong = asked = 0
    for seed in range(10):
        place = promising(eta, 0.5, 8, seed=seed)
        assert SampledTokens.promised_size(place) < place.schedule.n_tokens_cached
        rows = rows_of(place, seed=0)
        cache, _ = at_last_scale(SampledTokens, place, rows)
        queries = rows[2, :300]
        errors = np.abs(cache.attend(queries) - attention(queries, rows[0], rows[1], rule=place.rule))
        wrong, asked = wrong + int((errors > float(eta)).sum()), asked + errors.size
    assert wrong <= asked / 100


def test_coins_draw_the_sample() -> None:
    """Law: the same coins keep the same places, scale by scale or at once; others keep others; each as often."""
    place = promising(Fraction(1, 10), 0.5, 4)
    rows = rows_of(place, 0)
    by_scale = states_of(SampledTokens, place, rows)[-1]
    n = place.schedule.n_tokens_cached
    assert by_scale == at_once(SampledTokens, place, rows[0, :n], rows[1, :n]).encode()
    assert by_scale != states_of(SampledTokens, replace(place, seed=1), rows)[-1]
    kept = np.zeros(n)
    for seed in range(200):
        kept[SampledTokens(replace(place, seed=seed)).places(n)] += 1
    share = SampledTokens.promised_size(place) / n
    assert abs(kept.mean() / 200 - share) < 1e-12
    assert np.abs(kept / 200 - share).max() < 5 * math.sqrt(share * (1 - share) / 200)
