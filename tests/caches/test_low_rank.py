"""Truth: linear algebra (full rank is exact, the SVD is best), the geometry of l1 balls, and the laws.

GEAR, LoRC, the sparse auto-encoder and its two projections.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from lowerbound.caches.low_rank.gear import GEAR, GEARKCVT, GEARL
from lowerbound.caches.low_rank.l11 import bilevel_l11, euclidean_l11, project_l1
from lowerbound.caches.low_rank.lorc import LoRCOracle, LoRCPublic
from lowerbound.caches.low_rank.sparse_ae import SparseAEBilevel, SparseAEEuclidean
from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import plan_reduction
from lowerbound.game.verdict import KEEPS
from tests.contracts.laws import CacheLaws
from tests.contracts.playing import SMALL, VAR_256, at_once, cached_pairs, public, remembering

GEARS: list[type[RestoredTokens]] = [GEAR, GEARL, GEARKCVT]
CLASSES = [*GEARS, LoRCPublic, LoRCOracle, SparseAEBilevel, SparseAEEuclidean]
HALF_ULP = 2.0**-11
"""Relative error of float16."""


def row_length(rows: FloatArray) -> float:
    """The greatest length of a key or value."""
    return float(np.linalg.norm(rows[:2], axis=2).max())


class LowRankLaws(CacheLaws):
    """Every token, as coefficients in some basis."""

    not_applicable: ClassVar = {
        "test_a_larger_budget_keeps_what_a_smaller_one_kept": "every token is kept, to a lower rank or to a higher one"
    }


class GEARLaws(LowRankLaws):
    """A block of n_b tokens: backbone, low rank, and outliers where there are some; tokens wait in float16."""

    uses_coins = True
    code_bits: ClassVar[int] = 2
    block: ClassVar[int] = 64
    group: ClassVar[int] = 64
    outliers: ClassVar[bool] = True

    def bits(self, n: int, place: Public) -> int:
        d, n_b = place.d, min(self.block, place.d)
        rank = min(n_b, max(1, int(self.budget_at(place) * d)))
        blocks, tail = divmod(n, n_b)
        one = 2 * n_b * d * self.code_bits + 32 * (d + n_b * -(-d // self.group)) + 2 * rank * (n_b + d) * 16
        if self.outliers:
            one += 2 * min(n_b // 2, max(1, n_b // 100)) * d * (16 + math.ceil(math.log2(n_b)))
            one += 2 * min(d // 2, max(1, d // 100)) * n_b * (16 + math.ceil(math.log2(d)))
        return blocks * one + 32 * d * tail

    def entry_error(self, place: Public, rows: FloatArray) -> float:
        """P Q^T with orthonormal P: two roundings of sum |P_ir| |Q_jr| <= |Q_j|, the length of a lane of the residual.

        A lane has d <= 64 entries, each within half a 2-bit step of the backbone, whose ends are stored exactly or,
        where they are means of held out entries, nearly.
        """
        lane = float(np.ptp(rows[:2])) / 6 * 1.01 * math.sqrt(place.d)
        return 2.01 * HALF_ULP * lane


class TestGEAR(GEARLaws):
    cache = GEAR


@pytest.mark.slow
class TestGEARL(GEARLaws):
    cache = GEARL
    outliers = False


@pytest.mark.slow
class TestGEARKCVT(GEARLaws):
    cache = GEARKCVT
    code_bits, block, group = 4, 20, 10**6


@pytest.mark.slow
class TestLoRCPublic(LowRankLaws):
    cache = LoRCPublic
    uses_coins = True

    def bits(self, n: int, place: Public) -> int:
        return 2 * n * max(1, int(self.budget_at(place) * place.d)) * 16

    def entry_error(self, place: Public, rows: FloatArray) -> float:
        """Rounded coefficients in an orthonormal basis: |B c^ - B c| = |c^ - c|."""
        return 1.001 * HALF_ULP * row_length(rows)


class TestLoRCOracle(LowRankLaws):
    cache = LoRCOracle

    def bits(self, n: int, place: Public) -> int:
        return 2 * min(max(1, int(self.budget_at(place) * place.d)), n) * (n + place.d) * 16

    def entry_error(self, place: Public, rows: FloatArray) -> float:
        """At each scale coefficients and basis are rounded: 2 half ulps of |row of U S| |column of V| <= |row|."""
        return 2.01 * HALF_ULP * row_length(rows) * place.schedule.n_scales


class SparseAELaws(LowRankLaws):
    """Latent channels of a public encoder."""

    cache: ClassVar[type[SparseAEBilevel | SparseAEEuclidean]]
    uses_coins = True

    def bits(self, n: int, place: Public) -> int:
        channels: int = self.cache(place).encoder.shape[1]
        return 2 * n * channels * 16

    def entry_error(self, place: Public, rows: FloatArray) -> float:
        """|(c^ - c) W^-1| <= half an ulp of |c| |W^-1|."""
        cache = self.cache(place)
        code = float(np.linalg.norm(rows[:2] @ cache.encoder, axis=2).max())
        return 1.001 * HALF_ULP * code * float(np.linalg.norm(cache.decoder, 2))


class TestSparseAEBilevel(SparseAELaws):
    cache = SparseAEBilevel


@pytest.mark.slow
class TestSparseAEEuclidean(SparseAELaws):
    cache = SparseAEEuclidean


@pytest.mark.parametrize("cache_class", CLASSES)
@pytest.mark.parametrize(("schedule", "d"), [(SMALL, 16), (VAR_256, 64)], ids=["small", "var-256"])
def test_full_rank_is_exact(cache_class: type[RestoredTokens], schedule: ScaleSchedule, d: int) -> None:
    """Degenerate case: rank d, or a ball that holds the dense encoder, lose what float16 loses and no more."""
    place = public(schedule, d, Fraction(1))
    keys, values = cached_pairs(place)
    cache = remembering(cache_class, place)
    tolerance = 0.2 if "Sparse" in cache_class.__name__ else 0.02
    assert np.abs(cache.old_keys - keys).max() < tolerance
    assert np.abs(cache.old_values - values).max() < tolerance


def test_gear_backbone_against_loops() -> None:
    """Known value: extreme entries held out at the vector's mean, 2-bit codes between float16 ends."""
    place = public(ScaleSchedule.square([1, 4, 8]), 16)
    keys, values = np.random.default_rng(1).standard_normal((2, 16, 16)) + 5

    def plain(vector: np.ndarray) -> np.ndarray:
        held = [int(vector.argmin()), int(vector.argmax())]
        dense = vector.copy()
        dense[held] = vector.mean()
        low, high = float(np.float16(dense.min())), float(np.float16(dense.max()))
        restored = low + np.clip(np.rint((dense - low) / (high - low) * 3), 0, 3) * (high - low) / 3
        restored[held] = vector[held].astype(np.float16)
        return restored

    cache = at_once(GEAR, place, keys, values)
    mended = (cache._left @ cache._right.swapaxes(2, 3))[0]
    assert np.allclose(cache.old_keys - mended[0], np.stack([plain(channel) for channel in keys.T], axis=1))
    assert np.allclose(cache.old_values - mended[1], np.stack([plain(token) for token in values]))


def test_gear_mends_what_is_of_low_rank() -> None:
    """Known value: three power rounds come within 4 % of the best rank-r approximation of a decaying error."""
    place = public(VAR_256, 64)
    decay = 2.0 ** -np.arange(0, 8, 0.125)
    keys, values = np.random.default_rng(1).standard_normal((2, 64, 64))
    keys, values = keys * decay, values * decay[:, None]
    cache = at_once(GEAR, place, keys, values)
    mended = (cache._left @ cache._right.swapaxes(2, 3))[0]
    for exact, restored, correction in ((keys, cache.old_keys, mended[0]), (values, cache.old_values, mended[1])):
        sizes = np.linalg.svd(exact - (restored - correction), compute_uv=False)
        best = math.sqrt(float((sizes[4:] ** 2).sum()))
        assert best * 0.999 <= float(np.linalg.norm(exact - restored)) <= 1.04 * best


def test_gear_errors() -> None:
    """Known values: relative error about 0.38 at 2 bits and 0.076 at 4 bits on normal data (looser: one head)."""
    place = public(VAR_256, 64)
    keys, values = np.random.default_rng(1).standard_normal((2, 320, 64))
    size = float(np.linalg.norm(values))
    error = {c: float(np.linalg.norm(at_once(c, place, keys, values).old_values - values)) / size for c in GEARS}
    assert error[GEAR] == pytest.approx(0.38, abs=0.08)
    assert error[GEARKCVT] == pytest.approx(0.076, abs=0.02)
    assert error[GEAR] < error[GEARL]


def test_public_basis_is_a_projection() -> None:
    """Law: what is restored is the orthogonal projection on r public directions, r / d of the energy on average."""
    place = public(VAR_256, 64, Fraction(1, 2))
    _, values = cached_pairs(place)
    cache = remembering(LoRCPublic, place)
    assert np.linalg.matrix_rank(cache.old_values, tol=0.1) == 32
    lost = values - cache.old_values
    assert float(np.abs((lost * cache.old_values).sum(axis=1)).max()) < 0.1
    assert float((cache.old_values**2).sum() / (values**2).sum()) == pytest.approx(0.5, abs=0.03)


def test_oracle_basis_is_the_svd() -> None:
    """Known value (Eckart-Young): in one scale, the error is the tail of the singular values; low rank is exact."""
    place = public(VAR_256, 64, Fraction(1, 4))
    keys, values = cached_pairs(place)
    cache = at_once(LoRCOracle, place, keys, values)
    sizes = np.linalg.svd(values, compute_uv=False)
    assert float(np.linalg.norm(cache.old_values - values)) == pytest.approx(
        math.sqrt(float((sizes[16:] ** 2).sum())), rel=1e-3
    )
    low = keys[:, :16] @ np.random.default_rng(0).standard_normal((16, 64))
    cache = LoRCOracle(place)
    for scale in range(9):
        part = place.schedule.rows_of(scale)
        cache.append(low[part], low[part], scale)
        cache.encode()
    assert float(np.linalg.norm(cache.old_values - low) / np.linalg.norm(low)) < 5e-3


def test_the_two_projections_of_the_worked_example() -> None:
    """Known values: 20 x 12 Gaussian, radius 5: bi-level zeroes 9 columns at 15.02, Euclidean 4 at 14.89."""
    matrix = np.random.default_rng(0).standard_normal((20, 12))
    bilevel, euclidean = bilevel_l11(matrix, 5.0), euclidean_l11(matrix, 5.0)
    for projected, zero_columns, distance in ((bilevel, 9, 15.02), (euclidean, 4, 14.89)):
        assert float(np.abs(projected).sum()) == pytest.approx(5.0, abs=1e-9)
        assert int((np.abs(projected).sum(axis=0) == 0).sum()) == zero_columns
        assert float(np.linalg.norm(projected - matrix)) == pytest.approx(distance, abs=0.005)


@pytest.mark.parametrize("seed", range(10))
def test_projections_are_feasible_idempotent_and_one_is_nearest(seed: int) -> None:
    """Laws: on the ball; twice is once; the Euclidean one is at an obtuse angle to every feasible matrix."""
    generator = np.random.default_rng(seed)
    matrix = generator.standard_normal((7, 5))
    radius = float(generator.uniform(0.5, 20))
    for project in (bilevel_l11, euclidean_l11):
        projected = project(matrix, radius)
        assert float(np.abs(projected).sum()) <= radius + 1e-9
        assert np.allclose(project(projected, radius), projected, atol=1e-9)
    nearest = euclidean_l11(matrix, radius)
    assert np.linalg.norm(matrix - nearest) <= np.linalg.norm(matrix - bilevel_l11(matrix, radius)) + 1e-12
    for _ in range(20):
        other = euclidean_l11(generator.standard_normal((7, 5)) * 5, radius)
        assert float(((matrix - nearest) * (other - nearest)).sum()) <= 1e-9
    assert np.array_equal(euclidean_l11(matrix, 1e3), matrix)
    assert not euclidean_l11(matrix, 0.0).any()
    with pytest.raises(InvalidArgument, match="radius"):
        project_l1(matrix[0], -1.0)


def test_the_bilevel_map_removes_more_channels() -> None:
    """Law: at one radius, structured sparsity: fewer surviving channels, and restored rows lie in their span."""
    place = public(VAR_256, 64)
    bilevel, euclidean = SparseAEBilevel(place), SparseAEEuclidean(place)
    assert bilevel.encoder.shape[1] < 40 < euclidean.encoder.shape[1] <= 64
    _, values = cached_pairs(place)
    cache = remembering(SparseAEBilevel, place)
    basis = np.linalg.qr(bilevel.encoder)[0]
    assert np.allclose(cache.old_values, values @ basis @ basis.T, atol=0.2)


@pytest.mark.parametrize(
    ("target", "budget", "lowest", "highest"),
    [
        ("gear:GEAR", None, 0, 0),
        ("gear:GEARL", None, 0, 0),
        ("gear:GEARKCVT", None, 0, 0),
        ("lorc:LoRCPublic", None, 0.45, 0.5),
        ("lorc:LoRCPublic", "1", 0, 0),
        ("lorc:LoRCOracle", None, 0.45, 0.5),
        ("lorc:LoRCOracle", "1", 0, 0),
        ("sparse_ae:SparseAEBilevel", None, 0.45, 0.5),
        ("sparse_ae:SparseAEBilevel", "1", 0, 0),
        ("sparse_ae:SparseAEEuclidean", None, 0.02, 0.15),
    ],
)
def test_in_the_game(target: str, budget: str | None, lowest: float, highest: float) -> None:
    """Measured: on VAR-256 quantised backbones read every bit; low rank alone is a coin, full rank is not."""
    reduction = plan_reduction(Geometry.of(find_model("var-d16")))
    row = duel(reduction, f"lowerbound.caches.low_rank.{target}", budget=budget, isolation=Isolation.NONE)
    assert (row.verdict == KEEPS) == (row.errors == 0)
    assert lowest <= row.error <= highest
