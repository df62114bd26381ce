"""Truth here: plain loops over the papers' formulas, exact degenerate cases, and the laws."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import networkx as nx
import numpy as np
import pytest

from lowerbound.caches.balanced_walk import survivors_of, walk
from lowerbound.caches.balancekv import BalanceKV
from lowerbound.caches.diffrate import DiffRate
from lowerbound.caches.loma import LoMA, LoMABest
from lowerbound.caches.online_clusters import joined
from lowerbound.caches.pyramid import kept_cells, pyramid_graph
from lowerbound.caches.reading_zones import ReadingZones
from lowerbound.caches.subgen import SubGen
from lowerbound.caches.topology import TopologyMemory
from lowerbound.caches.weighted import weighted_attention
from lowerbound.core.attention import attention
from lowerbound.core.cache import FloatArray, Public, StoredTokens
from lowerbound.core.models import find_model
from lowerbound.core.rules import L2Norm, Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.streams import Stream
from lowerbound.errors import CorruptState, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import Geometry, plan_reduction
from tests.contracts.laws import CacheLaws
from tests.contracts.playing import (
    OBLONG,
    SMALL,
    VAR_256,
    at_last_scale,
    holding,
    public,
    remembering,
    states_of,
    tokens,
)

EXACT = "test_the_whole_budget_is_exact"
LARGER = "test_a_larger_budget_is_no_smaller_state"


class MergingLaws(CacheLaws):
    """Fewer tokens, each for several."""

    not_applicable: ClassVar = {
        "test_a_larger_budget_keeps_what_a_smaller_one_kept": "stored tokens stand for several, and are no token's own",
        "test_a_larger_budget_restores_no_worse": "stored tokens stand for several, and none is restored",
    }


class TestDiffRate(MergingLaws):
    cache = DiffRate

    def bits(self, n: int, place: Public) -> int:
        return min(n, max(1, self.whole_tokens(place))) * (32 * place.d + 16)


class TestBalanceKV(MergingLaws):
    cache = BalanceKV
    uses_coins = True
    not_applicable: ClassVar = MergingLaws.not_applicable | {
        LARGER: "what fills no group of 2^h waits, so that more halvings may leave more tokens uncompressed"
    }

    def bits(self, n: int, place: Public) -> int:
        edge = min(32, max(1, place.schedule.n_tokens_cached // 13))
        middle, group = max(0, n - 2 * edge), 2 ** math.floor(math.log2(1 / self.budget_at(place)))
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


class ZonesLaws(MergingLaws):
    """t memory tokens for each zone of t c, and an unfinished zone."""

    not_applicable: ClassVar = MergingLaws.not_applicable | {
        LARGER: "an unfinished zone waits as it is, and a larger budget may leave a longer one"
    }

    def zones(self, n: int, place: Public) -> tuple[int, int, int, int]:
        """(t, t c, zones, tokens that wait)."""
        memory = min(8, max(1, place.schedule.n_tokens_cached // 16))
        zone = int(memory / self.budget_at(place))
        return memory, zone, *divmod(n, zone)


class TestLoMA(ZonesLaws):
    cache = LoMA
    uses_coins = True
    not_applicable: ClassVar = ZonesLaws.not_applicable | {
        EXACT: "memory tokens are softmax means of their zone at c = 1 too; LoMABest is exact there"
    }

    def bits(self, n: int, place: Public) -> int:
        memory, _, n_zones, n_waiting = self.zones(n, place)
        return 32 * place.d * (memory * n_zones + n_waiting)


class TestLoMABest(ZonesLaws):
    cache = LoMABest

    def bits(self, n: int, place: Public) -> int:
        memory, zone, n_zones, n_waiting = self.zones(n, place)
        rank = min(memory, 2 * place.d)
        return 16 * ((2 * place.d + zone) * rank * n_zones + 2 * place.d * n_waiting)

    def entry_error(self, place: Public, rows: FloatArray) -> float:
        """Two roundings of sum |c_ir| |m_rj| <= the largest singular value of a zone, at most its Frobenius norm."""
        _, zone, _, _ = self.zones(0, place)
        return 2.01 * 2.0**-11 * math.sqrt(2 * zone) * float(np.linalg.norm(rows[:2], axis=2).max())


class TestTopologyMemory(MergingLaws):
    cache = TopologyMemory
    uses_coins = True
    not_applicable: ClassVar = MergingLaws.not_applicable | {
        EXACT: "two propagations mix neighbours at every budget; without them it is exact, below"
    }

    def bits(self, n: int, place: Public) -> int:
        return 32 * place.d * math.ceil(self.budget_at(place) * n)


class NoPropagation(TopologyMemory):
    """k = 0: what is kept is kept as it is."""

    STEPS = 0


class TestNoPropagation(TestTopologyMemory):
    cache = NoPropagation
    not_applicable: ClassVar = MergingLaws.not_applicable


def test_a_weight_is_a_number_of_copies() -> None:
    """Definition: a token of weight 3 counts as three equal tokens; more queries than a block change nothing."""
    rows = np.random.default_rng(0).standard_normal((300, 4))
    keys, values = rows[:5], rows[5:10]
    copies = np.repeat(np.arange(5), [1, 3, 1, 2, 1])
    for rule in (Scaled(), L2Norm(7.0)):
        found = weighted_attention(rows, keys, values, np.log([1, 3, 1, 2, 1]), rule=rule)
        assert np.abs(found - attention(rows, keys[copies], values[copies], rule=rule)).max() < 1e-13


@pytest.mark.parametrize("seed", range(3))
def test_diffrate_is_the_formula(seed: int) -> None:
    """Plain loops: prune 21 tokens to 15 by received attention, merge these into 7 by cosine, average, add sizes."""
    rows = tokens(public(SMALL, 16), seed)
    keys, values = rows[0, :21], rows[1, :21]
    cache = DiffRate(public(SMALL, 16, Fraction(1, 3)))
    cache.append(keys, values, 2, rows[2, :21])
    cache.encode()
    logits = (rows[2, :21] @ keys.T / 4).tolist()
    importance = [sum(math.exp(row[j]) / sum(map(math.exp, row)) for row in logits) for j in range(21)]
    order = sorted(range(21), key=lambda j: -importance[j])
    members: dict[int, list[int]] = {j: [j] for j in sorted(order[:7])}
    sizes = dict.fromkeys(members, 1.0)
    for source in order[7:15]:
        cosine = {j: float(keys[source] @ keys[j]) / math.hypot(*keys[source]) / math.hypot(*keys[j]) for j in members}
        target = max(cosine, key=lambda j: cosine[j])
        members[target].append(source)
        sizes[target] += max(0.0, cosine[target])
    assert np.allclose(cache.keys, [keys[group].mean(axis=0) for group in members.values()], atol=2e-3)
    assert np.allclose(cache.values, [values[group].mean(axis=0) for group in members.values()], atol=2e-3)
    assert np.allclose(np.exp(cache.log_weights), list(sizes.values()), atol=2e-3)


@pytest.mark.parametrize("n", [2, 4, 6, 128])
def test_half_of_the_tokens_survive(n: int) -> None:
    """Plain loops: exactly half; after the turning point all, weight 1, before it the other side, weight 2."""
    for trial in range(50):
        signs = Stream(trial, "signs").bits(n) * 2.0 - 1
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
    coins = Stream(0, "coins").generator().random(12)
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


def test_subgen_has_the_exact_denominator_where_every_key_is_a_cluster() -> None:
    """Degenerate case delta = 0, t = 1: with old values 0 nothing is estimated, and the answer is exact."""
    exact_clusters = type("ExactClusters", (SubGen,), {"DELTA": 0.0})
    place = public(OBLONG, 6, Fraction(1))
    rows = tokens(place)
    rows[1, : OBLONG.n_tokens_cached] = 0
    cache, own = at_last_scale(exact_clusters, place, rows)
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


def test_loma_reads_its_zone() -> None:
    """Plain loops: each memory token is the softmax mean of its zone, and counts c times."""
    place = public(SMALL, 16)
    rows = tokens(place)
    cache, own = at_last_scale(LoMA, place, rows)
    query = Stream(0, "loma/memory queries").generator().standard_normal(16)
    query /= math.hypot(*query)
    pairs = []
    for zone in range(5):
        keys, values = rows[:2, 4 * zone : 4 * zone + 4]
        weights = [math.exp(16 * sum(query * key) / math.hypot(*key)) for key in keys]
        pairs.append([sum(w * x for w, x in zip(weights, part, strict=True)) / sum(weights) for part in (keys, values)])
    assert np.allclose(cache.keys[:5], [key for key, _ in pairs], atol=4e-3)
    assert np.allclose(cache.values[:5], [value for _, value in pairs], atol=4e-3)
    copies = [*np.repeat(np.arange(5), 4), *range(5, 6 + own.stop - own.start)]
    wanted = attention(rows[2, own], cache.keys[copies], cache.values[copies], rule=place.rule)
    assert np.abs(cache.attend(rows[2, own]) - wanted).max() < 1e-12
    assert np.array_equal(cache.keys[5], rows[0, 20])


def test_the_best_linear_memory_loses_the_tail_of_the_spectrum() -> None:
    """Truth: Eckart and Young; the squared error of a zone is the sum of its singular values from t + 1 on, squared."""
    place = public(VAR_256, 8)
    rows = tokens(place)
    cache = remembering(LoMABest, place, rows)
    assert isinstance(cache, ReadingZones)
    assert (cache.n_memory, cache.zone) == (8, 32)
    for zone in range(13):
        part = slice(32 * zone, 32 * zone + 32)
        exact = np.concatenate([rows[0, part], rows[1, part]], axis=1)
        error = np.square(exact - np.concatenate([cache.keys[part], cache.values[part]], axis=1)).sum()
        tail = np.square(np.linalg.svd(exact, compute_uv=False)[8:]).sum()
        assert math.isclose(error, tail, rel_tol=1e-3)


def test_the_pyramid() -> None:
    """Known values: every map's grid, one parent a cell, one loop a token; context tokens stand alone."""
    graph = pyramid_graph(OBLONG)
    grids = sum(h * (w - 1) + w * (h - 1) for h, w in OBLONG.shapes)
    parents = sum(h * w for h, w in OBLONG.shapes[1:])
    assert graph.number_of_edges() == grids + parents + OBLONG.n_tokens
    assert nx.number_of_selfloops(graph) == OBLONG.n_tokens
    assert set(graph[1]) == {1}
    assert OBLONG.token(1, 1, 2) in graph[OBLONG.token(2, 3, 4)]
    assert OBLONG.token(1, 0, 1) in graph[OBLONG.token(2, 1, 2)]
    assert pyramid_graph(ScaleSchedule.parse("1x1x1 2x2x2")).number_of_edges() == 12 + 8 + 9


@pytest.mark.parametrize("kind", ["sgc", "s2gc", "appnp"])
def test_propagation_is_the_formula(kind: str) -> None:
    """Truth: the dense formulas of the three propagations on one cell and the four below it."""
    schedule = ScaleSchedule.square([1, 2, 3])
    cache = type("Kind", (TopologyMemory,), {"PROPAGATION": kind})(public(schedule, 3))
    adjacency = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0], [1, 1, 1, 0, 1], [1, 1, 0, 1, 1], [1, 0, 1, 1, 1]])
    degree = adjacency.sum(axis=1)
    s = adjacency / np.sqrt(np.outer(degree, degree))
    x = np.random.default_rng(0).standard_normal((5, 3))
    appnp = 0.95 * s @ (0.95 * s @ x + 0.05 * x) + 0.05 * x
    wanted = {"sgc": s @ s @ x, "s2gc": 0.95 / 2 * (s @ x + s @ s @ x) + 0.05 * x, "appnp": appnp}[kind]
    assert np.abs(cache.propagated(np.arange(5), x) - wanted).max() < 1e-12


def test_a_sample_of_cells_is_public_and_follows_degrees() -> None:
    """Truth: ceil(f n) of the first n cells; inner cells, of greater degree, are drawn more often than corners."""
    drawn = np.zeros(21)
    for seed in range(300):
        kept = kept_cells(SMALL, seed, Fraction(1, 3))
        assert [len(cells) for cells in kept] == [1, 1, 5, 22]
        drawn[kept[2]] += 1
    inner, corners = [SMALL.token(2, 1, 1), SMALL.token(2, 2, 2)], [SMALL.token(2, 0, 0), SMALL.token(2, 3, 3)]
    assert drawn[inner].sum() > 1.2 * drawn[corners].sum()


def test_embeddings_stand_for_their_scale() -> None:
    """Definition: at every scale the weights of the kept cells add up to its tokens."""
    place = public(SMALL, 16, Fraction(1, 3))
    cache = remembering(TopologyMemory, place)
    assert np.allclose(np.exp(cache.log_weights), [1, 4, *[16 / 5] * 5])


def test_topology_needs_whole_scales() -> None:
    """Bad input: half a map has no place on the graph, on arrival or in a state."""
    place = public(SMALL, 16)
    rows = tokens(place)
    cache = TopologyMemory(place)
    cache.append(rows[0, :3], rows[1, :3], 1)
    with pytest.raises(InvalidArgument, match="whole scales"):
        cache.encode()
    with pytest.raises(CorruptState, match="end with a scale"):
        holding(TopologyMemory, place, (3).to_bytes(4, "big"))


def test_invertible_propagation_loses_nothing() -> None:
    """Truth: where every cell is kept, S^k can be inverted, so that only its condition stands against the floor."""
    place = public(ScaleSchedule.square([3, 4]), 4, Fraction(1))
    rows = tokens(place)
    cache = TopologyMemory(place)
    cache.append(rows[0, :9], rows[1, :9], 0)
    cache.encode()
    operator = cache.propagated(np.arange(9), np.eye(9))
    assert np.linalg.matrix_rank(operator) == 9
    assert np.allclose(np.linalg.solve(operator, cache.values), rows[1, :9], atol=1e-3 * np.linalg.cond(operator))


@pytest.mark.parametrize(
    ("cache_class", "low", "high"),
    [
        (DiffRate, 0.25, 0.27),
        (BalanceKV, 0.3, 0.35),
        (SubGen, 0.36, 0.41),
        (LoMA, 0.38, 0.43),
        (LoMABest, 0.45, 0.5),
        (TopologyMemory, 0.44, 0.5),
    ],
)
def test_the_game_is_lost(cache_class: type[StoredTokens], low: float, high: float) -> None:
    """Measured: on VAR-d16 each errs at its default budget about as often as eviction to the same memory, or more."""
    d16 = plan_reduction(Geometry.of(find_model("var-d16")))
    row = duel(d16, f"{cache_class.__module__}:{cache_class.__name__}", isolation=Isolation.NONE)
    assert low <= row.error <= high
    assert row.verdict == "above the floor"


def test_clusters_of_a_block_are_those_of_its_keys_one_by_one() -> None:
    """Differential: blocks of keys, with all distances at once, against the definition read aloud, exactly."""
    for trial in range(300):
        coins = Stream(trial, "joined").generator()
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
    coins = Stream(0, "steps").generator()
    rows = coins.standard_normal((5, 32, 4))
    kernels, tossed = rows @ rows.swapaxes(1, 2) / 30, coins.random((5, 32))
    together = walk(kernels, tossed, 1.0)
    assert np.array_equal(together, [walk(one, toss, 1.0) for one, toss in zip(kernels, tossed, strict=True)])
    assert 0 < (together > 0).sum() < together.size
