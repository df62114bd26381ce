"""Truth: closed forms of errors, plain loops of the papers' formulas, unbiasedness over public coins, and the laws.

Uniform codes, KIVI, TurboQuant, QJL and the step codec.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest
from scipy.integrate import quad

from lowerbound.caches.quantised.kivi import KIVI
from lowerbound.caches.quantised.qjl import QJL, QJLGaussian
from lowerbound.caches.quantised.restored import GroupQuantiser, RestoredTokens
from lowerbound.caches.quantised.rotated_codebook import lloyd_max
from lowerbound.caches.quantised.sketched_keys import mean_coordinate
from lowerbound.caches.quantised.step_codec import StepCodec, cell_means
from lowerbound.caches.quantised.turboquant import TurboQuantMSE
from lowerbound.caches.quantised.turboquant_prod import TurboQuantProd
from lowerbound.caches.quantised.uniform import UniformQuantiser
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import plan_reduction
from lowerbound.game.verdict import KEEPS
from tests.contracts.laws import CacheLaws
from tests.contracts.playing import SMALL, VAR_256, cached_pairs, public, remembering, states_of, tokens
from tests.marks import first_now

ONE_FOUR_EIGHT = ScaleSchedule.square([1, 4, 8])
NESTED = "test_a_larger_budget_keeps_what_a_smaller_one_kept"
EXACT = "test_the_whole_budget_is_exact"


class QuantisedLaws(CacheLaws):
    """Every token, in b bits a coordinate and more."""

    not_applicable: ClassVar = {NESTED: "every token is kept, in fewer bits or in more"}

    def code_bits(self, place: Public) -> int:
        return max(1, int(16 * self.budget_at(place)))

    def entry_error(self, place: Public, rows: FloatArray) -> float:
        """Half a step of a 16-bit code over the whole range, whose ends are stored exactly."""
        return float(np.ptp(rows[:2])) / (2**16 - 1) / 2 * 1.001


class TestUniformQuantiser(QuantisedLaws):
    cache = UniformQuantiser

    def bits(self, n: int, place: Public) -> int:
        return 2 * n * (place.d * self.code_bits(place) + 2 * 32)


class TestKIVI(QuantisedLaws):
    cache = KIVI

    def bits(self, n: int, place: Public) -> int:
        d, b, g = place.d, self.code_bits(place), min(32, place.d)
        keys, values = g * (n // g), max(0, n - g)
        scales = 32 * keys * d // g + 32 * values * -(-d // g)
        return (keys + values) * d * b + scales + 16 * d * (2 * n - keys - values)


class TurboQuantLaws(QuantisedLaws):
    uses_coins = True
    not_applicable: ClassVar = QuantisedLaws.not_applicable | {EXACT: "codes have at most 8 bits a coordinate"}

    def code_bits(self, place: Public) -> int:
        return min(8, super().code_bits(place))


@pytest.mark.slow
class TestTurboQuantMSE(TurboQuantLaws):
    cache = TurboQuantMSE

    def bits(self, n: int, place: Public) -> int:
        return 2 * n * (self.code_bits(place) * place.d + 16)


class TestTurboQuantProd(TurboQuantLaws):
    cache = TurboQuantProd

    def bits(self, n: int, place: Public) -> int:
        return n * (2 * self.code_bits(place) * place.d + 48)


class QJLLaws(QuantisedLaws):
    uses_coins = True
    not_applicable: ClassVar = QuantisedLaws.not_applicable | {
        EXACT: "the sketch errs as m^-1/2 (its decay is a known value below), and values have 2 bits at every budget"
    }

    def bits(self, n: int, place: Public) -> int:
        d, g, m = place.d, min(32, place.d), max(1, int(16 * self.budget_at(place) * place.d))
        groups, tail = divmod(n, g)
        channels = max(1, d // 16) * math.ceil(math.log2(d))
        return groups * channels + groups * g * (m + max(1, m // 2) + 2 * d + 32 + 32 * -(-d // g)) + 32 * d * tail


class TestQJL(QJLLaws):
    cache = QJL


@pytest.mark.slow
class TestQJLGaussian(QJLLaws):
    cache = QJLGaussian


class TestStepCodec(CacheLaws):
    cache = StepCodec
    not_applicable: ClassVar = {EXACT: "two bits a coordinate, and no budget"}

    def bits(self, n: int, place: Public) -> int:
        return 2 * n * (2 * place.d + 32)


def test_an_old_token_keeps_its_codes() -> None:
    """Law: a token is quantised once: later scales do not change how it is restored."""
    place = public(VAR_256, 64)
    keys, values = cached_pairs(place)
    for cache_class in (KIVI, TurboQuantMSE, TurboQuantProd, QJL, StepCodec):
        cache = cache_class(place)
        cache.append(keys[:200], values[:200], 0)
        cache.encode()
        before = cache.old_keys[:192].copy(), cache.old_values[:168].copy()
        cache.append(keys[200:], values[200:], 1)
        cache.encode()
        assert np.array_equal(cache.old_keys[:192], before[0])
        assert np.array_equal(cache.old_values[:168], before[1])


def test_group_quantiser_against_loops() -> None:
    """Known value: code = round((x - min) / (max - min) (2^b - 1)), group by group, a shorter last group included."""
    quantiser = GroupQuantiser(2, 5)
    data = np.random.default_rng(0).standard_normal((3, 12))
    ends = quantiser.ends(data)
    restored = quantiser.restore(quantiser.codes(data, ends), ends)
    for row, found in zip(data, restored, strict=True):
        for start in (0, 5, 10):
            group = row[start : start + 5]
            low, high = float(np.float16(group.min())), float(np.float16(group.max()))
            plain = [low + (high - low) * min(3, max(0, round((x - low) / (high - low) * 3))) / 3 for x in group]
            assert np.allclose(found[start : start + 5], plain, atol=1e-12)


def test_rows_with_crossed_ends_are_refused() -> None:
    """Bad input: uniform codes, too, lie between a minimum and a maximum."""
    place = public(SMALL, 16)
    state = states_of(UniformQuantiser, place, tokens(place))[0]
    crossed = np.array([1, -1], dtype=np.float32).tobytes()
    with pytest.raises(CorruptState, match="minimum"):
        UniformQuantiser(place).decode(state[:-8] + crossed)


def test_groups_with_crossed_ends_are_refused() -> None:
    """Bad input: no encoder writes a minimum above a maximum."""
    place = public(SMALL, 16)
    state = states_of(KIVI, place, tokens(place))
    start = 4 + (16 * 16 * 2 + 5 * 16 * 2) // 8
    crossed = np.array([1, -1], dtype=np.float16).tobytes()
    with pytest.raises(CorruptState, match="minimum"):
        KIVI(place).decode(state[-1][:start] + crossed + state[-1][start + 4 :])


def test_kivi_against_loops() -> None:
    """Known value: keys a channel over each 16 tokens, values a token over 16 channels, the newest in float16."""
    place = public(SMALL, 16)
    keys, values = cached_pairs(place)
    cache = KIVI(place)
    cache.append(keys, values, 0)
    cache.encode()

    def plain(vector: np.ndarray) -> np.ndarray:
        low, high = float(np.float16(vector.min())), float(np.float16(vector.max()))
        return low + np.clip(np.rint((vector - low) / (high - low) * 3), 0, 3) * (high - low) / 3

    assert np.allclose(cache.old_keys[:16], np.stack([plain(channel) for channel in keys[:16].T], axis=1))
    assert np.allclose(cache.old_values[:5], np.stack([plain(token) for token in values[:5]]))
    assert np.array_equal(cache.old_keys[16:], keys[16:].astype(np.float16))
    assert np.array_equal(cache.old_values[5:], values[5:].astype(np.float16))


def test_kivi_at_16_bits_is_nearly_exact() -> None:
    """Degenerate case: only the float16 ends of a group err."""
    place = public(VAR_256, 64, Fraction(1))
    keys, values = cached_pairs(place)
    cache = remembering(KIVI, place)
    assert np.abs(cache.old_keys - keys).max() < 3e-3
    assert np.abs(cache.old_values - values).max() < 3e-3


def test_centroids_of_the_beta_law() -> None:
    """Known values: Lloyd-Max points of the normal law in the limit, E|u_1| at one bit in every dimension."""
    assert np.allclose(lloyd_max(100_000, 1) * math.sqrt(100_000), [-0.79788, 0.79788], atol=1e-4)
    assert np.allclose(lloyd_max(100_000, 2) * math.sqrt(100_000), [-1.5104, -0.4528, 0.4528, 1.5104], atol=1e-4)
    assert np.array_equal(lloyd_max(64, 0), [0.0])
    for d in (2, 16, 64, 128):
        assert lloyd_max(d, 1)[1] == pytest.approx(mean_coordinate(d), rel=1e-9)


@pytest.mark.parametrize("d", [4, 16, 64])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_centroids_are_means_of_their_cells(d: int, bits: int) -> None:
    """Law: each centroid is the mean of its cell, by quadrature of the density (1 - x^2)^((d - 3) / 2)."""
    centroids = lloyd_max(d, bits)
    edges = [-1.0, *((centroids[1:] + centroids[:-1]) / 2), 1.0]
    assert np.array_equal(centroids, -centroids[::-1])
    for centroid, low, high in zip(centroids, edges[:-1], edges[1:], strict=True):
        mass = quad(lambda x: (1 - x * x) ** ((d - 3) / 2), low, high)[0]
        moment = quad(lambda x: x * (1 - x * x) ** ((d - 3) / 2), low, high)[0]
        assert moment / mass == pytest.approx(centroid, abs=1e-9 / math.sqrt(d) + 1e-12)


def test_turboquant_errors() -> None:
    """Known values: mean squared error 0.361, 0.116, 0.034, 0.009 of a unit vector at 1 to 4 bits."""
    for bits, wanted in ((1, 0.361), (2, 0.116), (3, 0.034), (4, 0.009)):
        place = public(VAR_256, 64, Fraction(bits, 16), rule=L2Norm(10.0))
        keys, _ = cached_pairs(place)
        unit = keys / np.linalg.norm(keys, axis=1, keepdims=True)
        cache = remembering(TurboQuantMSE, place)
        assert float(((cache.old_keys - unit) ** 2).sum(axis=1).mean()) == pytest.approx(wanted, abs=0.004)


@pytest.mark.parametrize(
    ("cache_class", "budget"),
    first_now(
        [
            (TurboQuantProd, Fraction(1, 16)),
            (TurboQuantProd, Fraction(2, 16)),
            (QJL, Fraction(1, 8)),
            (QJLGaussian, Fraction(1, 8)),
        ],
        1,
    ),
)
def test_logits_are_unbiased(cache_class: type[RestoredTokens], budget: Fraction) -> None:
    """Law: over 600 seeds the mean estimate of <q, k> is within 4.5 standard errors (and float16) of the truth."""
    keys, values = cached_pairs(public(ONE_FOUR_EIGHT, 16))
    queries = np.random.default_rng(3).standard_normal((4, 16))
    truth = queries @ keys[:16].T
    estimates = []
    for seed in range(600):
        cache = cache_class(public(ONE_FOUR_EIGHT, 16, budget, seed=seed))
        cache.append(keys[:16], values[:16], 0)
        cache.encode()
        estimates.append(queries @ cache.old_keys.T)
    standard_error = np.std(estimates, axis=0) / math.sqrt(600)
    assert (np.abs(np.mean(estimates, axis=0) - truth) <= 4.5 * standard_error + 5e-3).all()


def test_mse_codes_are_biased() -> None:
    """Counter-example: at one bit the code of least error shrinks every inner product by 2 / pi, on average."""
    place = public(VAR_256, 64, Fraction(1, 16))
    keys, _ = cached_pairs(place)
    cache = remembering(TurboQuantMSE, place)
    slope = float((cache.old_keys * keys).sum() / (keys * keys).sum())
    assert slope == pytest.approx(2 / math.pi, abs=0.02)


def test_qjl_is_the_formula_of_the_paper() -> None:
    """Known value: c/m |k_in| <S q_in, sign S k_in> + c/m_o |k_out| <S_o q_out, sign S_o k_out>, outliers by norm."""
    place = public(ONE_FOUR_EIGHT, 64)
    keys, values = cached_pairs(public(ONE_FOUR_EIGHT, 64), seed=4)[:, :17]
    keys, values = np.concatenate([keys, 2 * keys])[:32], np.concatenate([values, values])[:32]
    for cache_class, c in ((QJLGaussian, math.sqrt(math.pi / 2)), (QJL, 1 / (8 * mean_coordinate(64)))):
        cache = cache_class(Public(ScaleSchedule.square([1, 2, 3, 5, 8]), 64, place.rule))
        cache.append(keys, values, 0)
        cache.encode()
        sketch, m, m_o = cache._sketch, cache.m, cache.m_outlier
        channels = np.argsort(-np.linalg.norm(keys, axis=0))[:4]
        outlier = np.isin(np.arange(64), channels)
        query = np.random.default_rng(6).standard_normal(64)
        for key, restored in zip(keys, cache.old_keys, strict=True):
            k_in, k_out = np.where(outlier, 0, key), np.where(outlier, key, 0)
            q_in, q_out = np.where(outlier, 0, query), np.where(outlier, query, 0)
            inner = math.sqrt(key @ key - k_out @ k_out) * (sketch @ q_in) @ np.sign(sketch @ k_in) / m
            outer = np.linalg.norm(k_out) * (sketch[:m_o] @ q_out) @ np.sign(sketch[:m_o] @ k_out) / m_o
            assert query @ restored == pytest.approx(c * (inner + outer), rel=2e-3, abs=2e-2)


@pytest.mark.slow
def test_qjl_variance_and_its_decay() -> None:
    """Known value: variance (pi/2 |q|^2 |k|^2 - <q, k>^2) / m a part, so that errors fall as m^-1/2."""
    keys, values = cached_pairs(public(ONE_FOUR_EIGHT, 16))
    query = np.random.default_rng(3).standard_normal(16)
    spread = {}
    for budget in (Fraction(1, 8), Fraction(1)):
        estimates = []
        for seed in range(400):
            cache = QJLGaussian(public(ONE_FOUR_EIGHT, 16, budget, seed=seed))
            cache.append(keys[:16], values[:16], 0)
            cache.encode()
            estimates.append(cache.old_keys @ query)
        spread[budget] = np.var(estimates, axis=0)
        outlier = np.arange(16) == np.linalg.norm(keys[:16], axis=0).argmax()
        wanted = np.zeros(16)
        for part, signs in ((~outlier, cache.m), (outlier, cache.m_outlier)):
            k, q = keys[:16] * part, query * part
            wanted += (math.pi / 2 * (q @ q) * (k * k).sum(axis=1) - (k @ q) ** 2) / signs
        assert np.allclose(spread[budget] / wanted, 1, atol=0.4)
        assert float((spread[budget] / wanted).mean()) == pytest.approx(1, abs=0.1)
    assert float((spread[Fraction(1, 8)] / spread[Fraction(1)]).mean()) == pytest.approx(8, rel=0.25)


def test_step_codec_is_a_four_level_code() -> None:
    """Known value: cell means near the Lloyd-Max points of the normal law, mean squared error near 0.1175."""
    assert np.allclose(cell_means(), [-1.51, -0.4528, 0.4528, 1.51], atol=2e-3)
    place = public(VAR_256, 64)
    _, values = cached_pairs(place)
    cache = remembering(StepCodec, place)
    assert float(((cache.old_values - values) ** 2).mean()) == pytest.approx(0.1175, abs=0.01)


@pytest.mark.parametrize(
    ("target", "budget", "lowest", "highest"),
    [
        ("kivi:KIVI", None, 0, 0),
        ("turboquant:TurboQuantMSE", None, 0, 0.01),
        ("turboquant:TurboQuantMSE", "1/16", 0.4, 0.5),
        ("turboquant_prod:TurboQuantProd", "1/16", 0.2, 0.3),
        ("turboquant_prod:TurboQuantProd", None, 0, 0.01),
        ("qjl:QJL", None, 0, 0),
        ("qjl:QJLGaussian", None, 0, 0),
        ("step_codec:StepCodec", None, 0, 0),
    ],
)
def test_in_the_game(target: str, budget: str | None, lowest: float, highest: float) -> None:
    """Measured: on VAR-256 codecs stay above the floor, and 2 or 3 bits per value read every bit, or nearly."""
    reduction = plan_reduction(Geometry.of(find_model("var-d16")))
    row = duel(reduction, f"lowerbound.caches.quantised.{target}", budget=budget, isolation=Isolation.NONE)
    assert (row.verdict == KEEPS) == (row.errors == 0)
    assert lowest <= row.error <= highest
