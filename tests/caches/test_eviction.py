"""Truth here: plain loops over the papers' formulas, and the laws of caches that keep some tokens as they are."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lowerbound.caches.eviction.eviction import Eviction, best
from lowerbound.caches.eviction.h2o import H2O
from lowerbound.caches.eviction.k_centre import SubGenKCenter, greedy_centres
from lowerbound.caches.eviction.pivotal import PivotalTokens
from lowerbound.caches.eviction.snapkv import SnapKV
from lowerbound.caches.eviction.streaming import StreamingLLM
from lowerbound.caches.eviction.tova import TOVA
from lowerbound.caches.eviction.window import ScaleWindow, TokenWindow
from lowerbound.caches.merged.window_sum import WindowSum
from lowerbound.core.cache import FloatArray, Public, StoredTokens
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.oracle.attention import attention
from lowerbound.errors import CorruptState
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import Reduction, plan_reduction
from tests.contracts.laws import CacheLaws
from tests.contracts.playing import SMALL, VAR_256, holding, public, remembering, states_of, tokens

NESTED = "test_a_larger_budget_keeps_what_a_smaller_one_kept"
CLASSES = [StreamingLLM, SnapKV, TOVA, PivotalTokens, WindowSum, SubGenKCenter]
KEPT_AS_THEY_ARE = {"test_a_larger_budget_restores_no_worse": "a token is kept as it is or not at all"}


class EvictionLaws(CacheLaws):
    """Whole tokens in float16."""

    counts_tokens = True
    not_applicable = KEPT_AS_THEY_ARE

    def bits(self, n: int, place: Public) -> int:
        return 32 * min(n, self.whole_tokens(place)) * place.d


class TestTokenWindow(EvictionLaws):
    cache = TokenWindow


@pytest.mark.slow
class TestScaleWindow(EvictionLaws):
    cache = ScaleWindow

    def bits(self, n: int, place: Public) -> int:
        sizes = [place.schedule.tokens_at(k) for k in range(place.schedule.n_scales - 1)][::-1]
        fitting = [sum(sizes[:k]) for k in range(2, len(sizes) + 1) if sum(sizes[:k]) <= self.whole_tokens(place)]
        return 32 * min(n, max([*sizes[:1], *fitting, 0])) * place.d


class TestStreamingLLM(EvictionLaws):
    cache = StreamingLLM


class TestH2O(EvictionLaws):
    cache = H2O

    def bits(self, n: int, place: Public) -> int:
        return min(n, self.whole_tokens(place)) * (2 * place.d * 16 + 32)


class TestSnapKV(EvictionLaws):
    cache = SnapKV
    not_applicable = KEPT_AS_THEY_ARE | {
        NESTED: "the observation window, and with it every vote, changes with the budget"
    }


class TestTOVA(EvictionLaws):
    cache = TOVA


class TestPivotalTokens(EvictionLaws):
    cache = PivotalTokens

    def bits(self, n: int, place: Public) -> int:
        budget, total, pruned = self.whole_tokens(place), place.schedule.n_tokens_cached, 2
        if not total:
            return 0
        n_scales = place.schedule.n_scales - 1
        while pruned < n_scales and 4 * (budget - self._coarse(place, pruned)) < total - self._coarse(place, pruned):
            pruned += 1
        whole = self._coarse(place, pruned)
        return 32 * place.d * (min(n, whole) + (budget - whole) * max(0, n - whole) // (total - whole))

    def _coarse(self, place: Public, pruned: int) -> int:
        """Tokens before the `pruned` finest cached scales."""
        return place.schedule.prefix_tokens(max(0, place.schedule.n_scales - 1 - pruned))


class TestSubGenKCenter(EvictionLaws):
    cache = SubGenKCenter
    not_applicable = KEPT_AS_THEY_ARE | {NESTED: "a centre that becomes recent changes every centre after it"}


class TestWindowSum(EvictionLaws):
    cache = WindowSum

    def bits(self, n: int, place: Public) -> int:
        return 32 * min(n, self.whole_tokens(place)) * place.d + 32 * place.d


def softmax_rows(queries: FloatArray, keys: FloatArray) -> list[list[float]]:
    """Weights under the rule 1/sqrt(d), in plain Python."""
    rows = []
    for query in queries.tolist():
        weights = [math.exp(sum(a * b for a, b in zip(query, k, strict=True)) / len(k) ** 0.5) for k in keys.tolist()]
        rows.append([weight / sum(weights) for weight in weights])
    return rows


def top(scores: list[float], count: int) -> list[int]:
    return sorted(sorted(range(len(scores)), key=lambda j: -scores[j])[:count])


def kept_after_one_scale(cache_class: type[Eviction], rows: FloatArray, n_tokens: int, budget: Fraction) -> list[int]:
    """Which of the first n tokens stay when they arrive together."""
    cache = cache_class(public(SMALL, 16, budget))
    cache.append(rows[0, :n_tokens], rows[1, :n_tokens], 2, rows[2, :n_tokens])
    cache.encode()
    found = [int(np.flatnonzero((rows[0, :n_tokens] == key).all(axis=1))[0]) for key in cache.keys]
    assert np.array_equal(cache.values, rows[1, found])
    return found


def test_streaming_keeps_both_ends() -> None:
    """Known values: four sinks and the newest; half of the budget where that is less."""
    rows = tokens(public(SMALL, 16))
    assert kept_after_one_scale(StreamingLLM, rows, 21, Fraction(10, 21)) == [0, 1, 2, 3, *range(15, 21)]
    assert kept_after_one_scale(StreamingLLM, rows, 21, Fraction(3, 21)) == [0, 19, 20]
    assert kept_after_one_scale(StreamingLLM, rows, 21, Fraction(1, 21)) == [20]


def test_streaming_has_a_public_gap() -> None:
    """Known values: over the scales of VAR-256 the sinks stay tokens 0 to 3, and no value decides anything."""
    place = public(VAR_256, 4)
    rows = tokens(place)
    cache = remembering(StreamingLLM, place, rows)
    assert np.array_equal(cache.keys, rows[0, [0, 1, 2, 3, *range(216, 424)]])


@pytest.mark.parametrize("seed", range(3))
def test_snapkv_is_the_formula(seed: int) -> None:
    """Plain loops: weights from the last five queries, averaged over five neighbours, choose the other five tokens."""
    rows = tokens(public(SMALL, 16), seed)
    weights = softmax_rows(rows[2, 16:21], rows[0, :21])
    votes = [sum(row[j] for row in weights) for j in range(16)]
    pooled = [sum(votes[max(0, j - 2) : j + 3]) / 5 for j in range(16)]
    assert kept_after_one_scale(SnapKV, rows, 21, Fraction(10, 21)) == [*top(pooled, 5), *range(16, 21)]


@pytest.mark.parametrize("seed", range(3))
def test_tova_is_the_formula(seed: int) -> None:
    """Plain loops: the last query's row decides, and nothing is protected."""
    rows = tokens(public(SMALL, 16), seed)
    (weights,) = softmax_rows(rows[2, 20:21], rows[0, :21])
    assert kept_after_one_scale(TOVA, rows, 21, Fraction(10, 21)) == top(weights, 10)


def test_pivots_deviate_most() -> None:
    """Plain loops: of the fine scales the keys farthest from their scale's mean stay, and coarse scales whole."""
    place = public(VAR_256, 8)
    rows = tokens(place)
    cache = remembering(PivotalTokens, place, rows)
    wanted = list(range(155))
    for scale, count in ((7, 60), (8, 103)):
        part = VAR_256.rows_of(scale)
        keys = rows[0, part]
        mean = [sum(column) / len(keys) for column in keys.T.tolist()]
        deviation = [sum((a - b) ** 2 for a, b in zip(key, mean, strict=True)) for key in keys.tolist()]
        wanted += [part.start + j for j in top(deviation, count)]
    assert np.array_equal(cache.keys, rows[0, wanted])
    assert len(wanted) == 318


@pytest.mark.parametrize("n", range(1, 22))
def test_pivotal_quotas_add_up(n: int) -> None:
    """Closed form: at every budget the quotas of all cached scales add up to it, and none exceeds its scale."""
    cache = PivotalTokens(public(SMALL, 16, Fraction(n, 21)))
    kept = [cache.kept_of(SMALL.prefix_tokens(scale)) for scale in range(SMALL.n_scales)]
    assert kept[-1] == n
    quotas = np.diff(kept)
    assert (quotas >= 0).all()
    assert (quotas <= [SMALL.tokens_at(scale) for scale in range(3)]).all()


def test_window_sum_is_exact_where_masked_keys_have_logit_zero() -> None:
    """Truth: attention in which every key outside the window is the zero vector, and no value is masked."""
    place = public(VAR_256, 16)
    rows = tokens(place)
    cache = remembering(WindowSum, place, rows)
    own = VAR_256.rows_of(9)
    cache.append(rows[0, own], rows[1, own], 9)
    masked = rows[0] * (np.arange(680) >= 212)[:, None]
    wanted = attention(rows[2, own], masked, rows[1], rule=place.rule)
    assert np.abs(cache.attend(rows[2, own]) - wanted).max() < 1e-6


def test_a_sum_of_nothing_is_zero() -> None:
    """Bad input: a state that speaks of a sum before any value has left the window."""
    place = public(SMALL, 16)
    rows = tokens(place)
    state = states_of(WindowSum, place, rows)[0]
    with pytest.raises(CorruptState, match="the sum 0"):
        holding(WindowSum, place, state[:-1] + b"\x01")


def test_greedy_centres_cover() -> None:
    """Truth: each centre is a farthest point from those before it; equal points are taken in order."""
    points = np.random.default_rng(3).standard_normal((40, 3))
    centres = greedy_centres(points, 9)
    assert centres[0] == 0
    for i in range(1, 9):
        to_centres = [min(math.dist(point, points[c]) for c in centres[:i]) for point in points]
        assert math.isclose(to_centres[centres[i]], max(to_centres))
    assert greedy_centres(np.zeros((4, 2)), 4).tolist() == [0, 1, 2, 3]


def test_ties_go_to_the_older_token() -> None:
    """Known values."""
    assert best(np.array([1.0, 2.0, 1.0, 2.0, 1.0]), 3).tolist() == [0, 1, 3]


@pytest.fixture(scope="module")
def d16() -> Reduction:
    return plan_reduction(Geometry.of(find_model("var-d16")))


@pytest.mark.parametrize("cache_class", CLASSES)
@pytest.mark.parametrize("budget", ["1/4", "3/4"])
def test_the_game_is_lost_in_proportion(d16: Reduction, cache_class: type[StoredTokens], budget: str) -> None:
    """Known values: eviction to a fraction f errs (1 - f)/2, whichever tokens it evicts."""
    target = f"{cache_class.__module__}:{cache_class.__name__}"
    row = duel(d16, target, budget=budget, trials=2, isolation=Isolation.NONE)
    assert row.error_low <= (1 - float(Fraction(budget))) / 2 <= row.error_high
    assert row.verdict.endswith(": breaks eta = 1 %")
