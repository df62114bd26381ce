"""Truth here: plain loops over the formulas, exact degenerate cases, and the laws, of caches that sample tokens."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from lowerbound.caches.merged.balanced_walk import survivors_of, walk
from lowerbound.caches.merged.balancekv import BalanceKV
from lowerbound.caches.merged.online_clusters import joined
from lowerbound.caches.merged.subgen import SubGen
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins
from lowerbound.core.oracle.attention import attention
from lowerbound.core.rules import Scaled
from lowerbound.errors import CorruptState
from tests.contracts.laws import MergingLaws
from tests.contracts.playing import (
    OBLONG,
    SMALL,
    VAR_256,
    at_last_scale,
    holding,
    public,
    states_of,
    tokens,
)

EXACT = "test_the_whole_budget_is_exact"
LARGER = "test_a_larger_budget_is_no_smaller_state"


class TestBalanceKV(MergingLaws):
    cache = BalanceKV
    uses_coins = True
    not_applicable: ClassVar = MergingLaws.not_applicable | {
        LARGER: "what fills no group of 2^h waits, so that more halvings may leave more tokens uncompressed"
    }

    def bits(self, n: int, place: Public) -> int:
        edge = min(32, max(1, place.schedule.n_tokens_cached // 13))
        middle, group = max(0, n - 2 * edge), 1 << math.floor(math.log2(1 / self.budget_at(place)))
        return 32 * place.d * (min(n, 2 * edge) + middle // group + middle % group)


class TestSubGen(MergingLaws):
    cache = SubGen
    uses_coins = True
    not_applicable: ClassVar = MergingLaws.not_applicable | {
        EXACT: "the numerator is an estimate at every budget; the denominator alone is exact, at delta = 0 and t = 1"
    }

    def bits(self, n: int, place: Public) -> int:
        slots = max(1, self.whole_tokens(place))
        counts = (min(n, slots) + 1) * math.ceil(math.log2(place.schedule.n_tokens + 1))
        return 16 * (min(n, slots) * 2 * place.d + 2 * slots * place.d) + counts + 32


@pytest.mark.parametrize("n", [2, 4, 6, 128])
def test_half_of_the_tokens_survive(n: int) -> None:
    """Plain loops: exactly half; after the turning point all, weight 1, before it the other side, weight 2."""
    for trial in range(50):
        signs = Coins(trial, "signs").bits(n).astype(np.float64) * 2 - 1
        kept, factors = survivors_of(signs)
        assert len(kept) == n // 2
        full = [i for i in range(n) if n // 2 in (sum(signs[: i + 1] == 1), sum(signs[: i + 1] == -1))]
        turn = full[0]
        wanted = [(i, 2.0) for i in range(turn) if signs[i] != signs[turn]] + [(i, 1.0) for i in range(turn + 1, n)]
        assert list(zip(kept.tolist(), factors.tolist(), strict=True)) == wanted


def test_balancekv_walks_against_the_kernel() -> None:
    """Plain loops over the kernel and the walk; without gamma the signs are the coins."""
    cache = BalanceKV(public(SMALL, 16))
    rows = tokens(cache.public)
    keys, values = rows[0, :12], rows[1, :12]
    kernel = cache.kernel(keys, values)
    mean = keys.mean(axis=0)
    for i in range(12):
        for j in range(12):
            similarity = math.exp(sum((keys[i] - mean) * (keys[j] - mean)) / 4) * (sum(values[i] * values[j]) + 0.025)
            assert math.isclose(kernel[i, j], similarity, rel_tol=1e-6, abs_tol=1e-6)
    coins = Coins(0, "coins").generator().random(12)
    signs = [1.0]
    for i in range(1, 12):
        drift = sum(kernel[i, j] * signs[j] for j in range(i))
        signs.append(1.0 if coins[i] < min(1.0, max(0.0, 0.5 - 4 * drift)) else -1.0)
    assert walk(kernel, coins, cache.GAMMA).tolist() == signs
    assert walk(np.zeros((12, 12)), coins, cache.GAMMA).tolist() == [1.0, *np.where(coins[1:] < 0.5, 1.0, -1.0)]


def test_balancekv_keeps_its_ends_and_a_quarter_between() -> None:
    """Known values: on VAR-256 32 sinks, 90 of 360 with bias log 4 and weight 1/4, 1/2 or 1, and 32 recent tokens."""
    rows = tokens(public(VAR_256, 8))
    cache = holding(BalanceKV, public(VAR_256, 8), states_of(BalanceKV, public(VAR_256, 8), rows)[-1])
    found = [int(np.flatnonzero((rows[0] == key).all(axis=1))[0]) for key in cache.keys]
    assert found[:32] == list(range(32))
    assert found[-32:] == list(range(392, 424))
    assert sorted(set(found)) == found
    assert np.allclose(cache.log_weights, np.repeat([0, math.log(4), 0], [32, 90, 32]))
    factors = (cache.values / rows[1, found])[32:-32, 0]
    assert set(np.round(factors, 2)) <= {0.25, 0.5, 1.0}


class ExactClusters(SubGen):
    """Every key is a cluster."""

    DELTA = 0.0


def test_subgen_has_the_exact_denominator_where_every_key_is_a_cluster() -> None:
    """Degenerate case delta = 0, t = 1: with old values 0 nothing is estimated, and the answer is exact."""
    place = public(OBLONG, 6, Fraction(1))
    rows = tokens(place)
    rows[1, : OBLONG.n_tokens_cached] = 0
    cache, own = at_last_scale(ExactClusters, place, rows)
    wanted = attention(rows[2, own], rows[0], rows[1], rule=place.rule)
    assert np.abs(cache.attend(rows[2, own]) - wanted).max() < 1e-12


def test_subgen_has_an_unbiased_numerator() -> None:
    """Truth: over 400 public coins the mean answer is attention, within five standard errors, in every entry."""
    rows = tokens(public(SMALL, 4))
    answers = []
    for seed in range(400):
        cache = SubGen(public(SMALL, 4, Fraction(1), seed=seed))
        cache.append(rows[0, :21], rows[1, :21], 2)
        cache.encode()
        answers.append(cache.attend(rows[2, :3]))
    wanted = attention(rows[2, :3], rows[0, :21], rows[1, :21], rule=Scaled())
    standard_error = np.std(answers, axis=0) / 20
    assert (np.abs(np.mean(answers, axis=0) - wanted) < 5 * standard_error + 1e-3).all()


def test_a_cluster_holds_uniform_samples() -> None:
    """Truth: one wide cluster of ten keys; each is its sample in a tenth of the cases, and its size is exact."""
    wide = type("Wide", (SubGen,), {"DELTA": 100.0, "SAMPLES": 3})
    rows = tokens(public(SMALL, 4))
    hits = np.zeros(10)
    for seed in range(300):
        cache = wide(public(SMALL, 4, seed=seed))
        for part in (slice(0, 4), slice(4, 10)):
            cache.append(rows[0, part], rows[1, part], 2)
            cache.encode()
        assert cache.counts.tolist() == [10]
        assert np.array_equal(cache._clusters[0, 0], rows[0, 0])
        hits += (rows[0, :10, None] == cache._clusters[0, 1:]).all(axis=2).sum(axis=1)
    assert hits.sum() == 900
    assert np.abs(hits - 90).max() < 5 * math.sqrt(900 * 0.1 * 0.9)


def test_subgen_refuses_clusters_of_other_sizes() -> None:
    """Bad input: cluster sizes that do not add up to the tokens seen."""
    place = public(SMALL, 16)
    rows = tokens(place)
    state = states_of(SubGen, place, rows)[-1]
    with pytest.raises(CorruptState, match="clusters of 21 tokens"):
        holding(SubGen, place, state[:5] + bytes([state[5] ^ 8]) + state[6:])


def test_clusters_of_a_block_are_those_of_its_keys_one_by_one() -> None:
    """Differential: blocks of keys, with all distances at once, against the definition read aloud, exactly."""
    for trial in range(300):
        coins = Coins(trial, "joined").generator()
        d, samples, most = int(coins.integers(1, 5)), int(coins.integers(0, 3)), int(coins.integers(1, 20))
        keys = coins.standard_normal((int(coins.integers(0, 40)), d))
        tossed = coins.random((len(keys), samples))
        counts: list[int] = []
        clusters: list[FloatArray] = []
        for key, tosses in zip(keys, tossed, strict=True):
            apart = [math.dist(cluster[0], key) for cluster in clusters]
            nearest = min(range(len(apart)), key=apart.__getitem__, default=-1)
            if len(clusters) < most and not (apart and apart[nearest] <= 0.7):
                counts.append(1)
                clusters.append(np.array([key] * (1 + samples)))
            else:
                counts[nearest] += 1
                clusters[nearest][1:][tosses < 1 / counts[nearest]] = key
        cut = len(keys) // 3
        first = joined(
            np.zeros(0, dtype=np.int64), np.zeros((0, 1 + samples, d)), keys[:cut], tossed[:cut], radius=0.7, most=most
        )
        found = joined(*first, keys[cut:], tossed[cut:], radius=0.7, most=most)
        assert found[0].tolist() == counts
        assert np.array_equal(found[1], np.array(clusters).reshape(-1, 1 + samples, d))


def test_walks_go_in_step() -> None:
    """Law: walks on several sets at once are the walks on each."""
    coins = Coins(0, "steps").generator()
    rows = coins.standard_normal((5, 32, 4))
    kernels, tossed = rows @ rows.swapaxes(1, 2) / 30, coins.random((5, 32))
    together = walk(kernels, tossed, 1.0)
    assert np.array_equal(together, [walk(one, toss, 1.0) for one, toss in zip(kernels, tossed, strict=True)])
    assert 0 < (together > 0).sum() < together.size
