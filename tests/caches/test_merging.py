"""Truth here: plain loops over the formulas, exact degenerate cases, and the laws, of caches that merge tokens."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import networkx as nx
import numpy as np
import pytest

from lowerbound.caches.merged.balancekv import BalanceKV
from lowerbound.caches.merged.diffrate import DiffRate
from lowerbound.caches.merged.loma import LoMA, LoMABest
from lowerbound.caches.merged.pyramid import kept_cells, pyramid_graph
from lowerbound.caches.merged.reading_zones import ReadingZones
from lowerbound.caches.merged.subgen import SubGen
from lowerbound.caches.merged.topology import TopologyMemory
from lowerbound.caches.merged.weighted import weighted_attention
from lowerbound.core.cache import FloatArray, Public, StoredTokens
from lowerbound.core.coins import Coins
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.oracle.attention import attention
from lowerbound.core.rules import L2Norm, Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import plan_reduction
from tests.contracts.laws import MergingLaws
from tests.contracts.playing import (
    OBLONG,
    SMALL,
    VAR_256,
    at_last_scale,
    holding,
    public,
    remembering,
    tokens,
)

EXACT = "test_the_whole_budget_is_exact"
LARGER = "test_a_larger_budget_is_no_smaller_state"


class TestDiffRate(MergingLaws):
    cache = DiffRate

    def bits(self, n: int, place: Public) -> int:
        return min(n, max(1, self.whole_tokens(place))) * (32 * place.d + 16)


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


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_loma_reads_its_zone() -> None:
    """Plain loops: each memory token is the softmax mean of its zone, and counts c times."""
    place = public(SMALL, 16)
    rows = tokens(place)
    cache, own = at_last_scale(LoMA, place, rows)
    query = Coins(0, "loma/memory queries").generator().standard_normal(16)
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
    grids = sum(h * (w - 1) + w * (h - 1) for *_, h, w in OBLONG.shapes)
    parents = sum(h * w for *_, h, w in OBLONG.shapes[1:])
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
    assert row.verdict.endswith(": breaks eta = 1 %")
