"""Truth: closed forms of bits, linear algebra (full rank is exact, the SVD is best), and the geometry of l1 balls.

GEAR, LoRC, the sparse auto-encoder and its two projections.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lowerbound.caches.gear import GEAR, GEARKCVT, GEARL
from lowerbound.caches.l11 import bilevel_l11, euclidean_l11, project_l1
from lowerbound.caches.lorc import LoRCOracle, LoRCPublic
from lowerbound.caches.restored import RestoredTokens
from lowerbound.caches.sparse_ae import SparseAEBilevel, SparseAEEuclidean
from lowerbound.core.attention import L2Norm, Rule, Scaled
from lowerbound.core.bits import EncodedState
from lowerbound.core.cache import Public
from lowerbound.core.models import find_model
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import Geometry, plan_reduction

CLASSES = [GEAR, GEARL, GEARKCVT, LoRCPublic, LoRCOracle, SparseAEBilevel, SparseAEEuclidean]
VAR256 = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]
PLACES = [([1, 2, 4, 8], 16), (VAR256, 64), ([1, 2, 3, 5], 12)]


def public(
    sides: list[int], d: int, *, budget: Fraction | None = None, seed: int = 0, rule: Rule | None = None
) -> Public:
    return Public(ScaleSchedule.square(sides), d, rule or Scaled(), seed, budget)


def rows(place: Public, seed: int = 1) -> np.ndarray:
    """Random keys and values of all cached tokens."""
    return np.random.default_rng(seed).standard_normal((2, place.schedule.n_tokens_cached, place.d))


def play(cache_class: type[RestoredTokens], place: Public, seed: int = 1) -> tuple[list[EncodedState], RestoredTokens]:
    """The state after each cached scale, from random keys and values, and the last cache."""
    keys, values = rows(place, seed)
    states: list[EncodedState] = []
    for scale in range(place.schedule.n_scales - 1):
        cache = cache_class(place)
        if states:
            cache.decode(states[-1])
        tokens = place.schedule.rows_of(scale)
        cache.append(keys[tokens], values[tokens], scale)
        states.append(cache.encode())
    return states, cache


def once(cache_class: type[RestoredTokens], place: Public, keys: np.ndarray, values: np.ndarray) -> RestoredTokens:
    """A cache that was given everything in one scale, and encoded it."""
    cache = cache_class(place)
    cache.append(keys, values, 0)
    cache.encode()
    return cache


def gear_bits(n: int, d: int, *, bits: int, block: int, group: int, outliers: bool) -> int:
    n_b, rank = min(block, d), max(1, d // 16)
    blocks, tail = divmod(n, n_b)
    one = 2 * n_b * d * bits + 32 * (d + n_b * -(-d // group)) + 2 * rank * (n_b + d) * 16
    if outliers:
        one += 2 * max(1, n_b // 100) * d * (16 + math.ceil(math.log2(n_b)))
        one += 2 * max(1, d // 100) * n_b * (16 + math.ceil(math.log2(d)))
    return blocks * one + 32 * d * tail


@pytest.mark.parametrize(("sides", "d"), PLACES)
def test_bits_are_the_closed_form(sides: list[int], d: int) -> None:
    """Known values: each docstring's formula, after every scale, but for bytes padded and a 32-bit counter."""
    place = public(sides, d)
    rank = int(Fraction(2, 5) * d)
    for scale in range(len(sides) - 1):
        n = place.schedule.prefix_tokens(scale + 1)
        wanted = {
            GEAR: gear_bits(n, d, bits=2, block=64, group=64, outliers=True),
            GEARL: gear_bits(n, d, bits=2, block=64, group=64, outliers=False),
            GEARKCVT: gear_bits(n, d, bits=4, block=20, group=d, outliers=True),
            LoRCPublic: 2 * n * rank * 16,
            LoRCOracle: 2 * min(rank, n) * (n + d) * 16,
            SparseAEBilevel: 2 * n * SparseAEBilevel(place).encoder.shape[1] * 16,
            SparseAEEuclidean: 2 * n * SparseAEEuclidean(place).encoder.shape[1] * 16,
        }
        for cache_class, bits in wanted.items():
            state = play(cache_class, place)[0][scale]
            assert 8 * len(state) - state.ledger.get("padding", 0) == bits + 32, (cache_class, n)


@pytest.mark.parametrize("cache_class", CLASSES)
@pytest.mark.parametrize(("sides", "d"), PLACES)
def test_laws(cache_class: type[RestoredTokens], sides: list[int], d: int) -> None:
    """Laws: settled; encoding again changes nothing; corrupt states are refused."""
    place = public(sides, d, rule=L2Norm(10.0))
    states, cache = play(cache_class, place)
    queries = np.random.default_rng(5).standard_normal((9, d))
    copy = cache_class(place)
    copy.decode(states[-1])
    assert np.array_equal(cache.attend(queries), copy.attend(queries))
    for state in states:
        again = cache_class(place)
        again.decode(state)
        assert again.encode() == state
    for forgery in (states[-1] + b"\0", states[-1][:-1], b"", b"\xff" * len(states[-1])):
        with pytest.raises(CorruptState):
            cache_class(place).decode(forgery)


@pytest.mark.parametrize("cache_class", [GEAR, GEARL, LoRCPublic, LoRCOracle, SparseAEBilevel, SparseAEEuclidean])
@pytest.mark.parametrize(("sides", "d"), PLACES[:2])
def test_full_rank_is_exact(cache_class: type[RestoredTokens], sides: list[int], d: int) -> None:
    """Degenerate case: rank d, or a ball that holds the dense encoder, lose what float16 loses and no more."""
    place = public(sides, d, budget=Fraction(1))
    keys, values = rows(place)
    _, cache = play(cache_class, place)
    tolerance = 0.2 if "Sparse" in cache_class.__name__ else 0.02
    assert np.abs(cache.old_keys - keys).max() < tolerance
    assert np.abs(cache.old_values - values).max() < tolerance


def test_gear_backbone_against_loops() -> None:
    """Known value: extreme entries held out at the vector's mean, 2-bit codes between float16 ends."""
    place = public([1, 4, 8], 16)
    keys, values = np.random.default_rng(1).standard_normal((2, 16, 16)) + 5

    def plain(vector: np.ndarray) -> np.ndarray:
        held = [int(vector.argmin()), int(vector.argmax())]
        dense = vector.copy()
        dense[held] = vector.mean()
        low, high = float(np.float16(dense.min())), float(np.float16(dense.max()))
        restored = low + np.clip(np.rint((dense - low) / (high - low) * 3), 0, 3) * (high - low) / 3
        restored[held] = vector[held].astype(np.float16)
        return restored

    cache = once(GEAR, place, keys, values)
    mended = (cache._left @ cache._right.swapaxes(2, 3))[0]
    assert np.allclose(cache.old_keys - mended[0], np.stack([plain(channel) for channel in keys.T], axis=1))
    assert np.allclose(cache.old_values - mended[1], np.stack([plain(token) for token in values]))


def test_gear_mends_what_is_of_low_rank() -> None:
    """Known value: three power rounds come within 4 % of the best rank-r approximation of a decaying error."""
    place = public(VAR256, 64)
    decay = 2.0 ** -np.arange(0, 8, 0.125)
    keys, values = np.random.default_rng(1).standard_normal((2, 64, 64))
    keys, values = keys * decay, values * decay[:, None]
    cache = once(GEAR, place, keys, values)
    mended = (cache._left @ cache._right.swapaxes(2, 3))[0]
    for exact, restored, correction in ((keys, cache.old_keys, mended[0]), (values, cache.old_values, mended[1])):
        sizes = np.linalg.svd(exact - (restored - correction), compute_uv=False)
        best = math.sqrt(float((sizes[4:] ** 2).sum()))
        assert best * 0.999 <= float(np.linalg.norm(exact - restored)) <= 1.04 * best


def test_gear_errors() -> None:
    """Known values: relative error about 0.38 at 2 bits and 0.076 at 4 bits on normal data (looser: one head)."""
    place = public(VAR256, 64)
    keys, values = np.random.default_rng(1).standard_normal((2, 320, 64))
    size = float(np.linalg.norm(values))
    error = {c: float(np.linalg.norm(once(c, place, keys, values).old_values - values)) / size for c in CLASSES[:3]}
    assert error[GEAR] == pytest.approx(0.38, abs=0.08)
    assert error[GEARKCVT] == pytest.approx(0.076, abs=0.02)
    assert error[GEAR] < error[GEARL]


def test_public_basis_is_a_projection() -> None:
    """Law: what is restored is the orthogonal projection on r public directions, r / d of the energy on average."""
    place = public(VAR256, 64, budget=Fraction(1, 2))
    _, values = rows(place)
    _, cache = play(LoRCPublic, place)
    assert np.linalg.matrix_rank(cache.old_values, tol=0.1) == 32
    lost = values - cache.old_values
    assert float(np.abs((lost * cache.old_values).sum(axis=1)).max()) < 0.1
    assert float((cache.old_values**2).sum() / (values**2).sum()) == pytest.approx(0.5, abs=0.03)


def test_oracle_basis_is_the_svd() -> None:
    """Known value (Eckart-Young): in one scale, the error is the tail of the singular values; low rank is exact."""
    place = public(VAR256, 64, budget=Fraction(1, 4))
    keys, values = rows(place)
    cache = once(LoRCOracle, place, keys, values)
    sizes = np.linalg.svd(values, compute_uv=False)
    assert float(np.linalg.norm(cache.old_values - values)) == pytest.approx(
        math.sqrt(float((sizes[16:] ** 2).sum())), rel=1e-3
    )
    low = keys[:, :16] @ np.random.default_rng(0).standard_normal((16, 64))
    cache = LoRCOracle(place)
    for scale in range(9):
        tokens = place.schedule.rows_of(scale)
        cache.append(low[tokens], low[tokens], scale)
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
    place = public(VAR256, 64)
    bilevel, euclidean = SparseAEBilevel(place), SparseAEEuclidean(place)
    assert bilevel.encoder.shape[1] < 40 < euclidean.encoder.shape[1] <= 64
    _, values = rows(place)
    _, cache = play(SparseAEBilevel, place)
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
    row = duel(reduction, f"lowerbound.caches.{target}", budget=budget, isolation=Isolation.NONE)
    assert row.verdict == "above the floor"
    assert lowest <= row.error <= highest
