"""Truth here: plain loops over the papers' formulas, closed forms of the bits, and the laws of the interface."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lowerbound.caches.eviction import Eviction, best
from lowerbound.caches.pivotal import PivotalTokens
from lowerbound.caches.snapkv import SnapKV
from lowerbound.caches.streaming import StreamingLLM
from lowerbound.caches.subgen import SubGenKCenter, greedy_centres
from lowerbound.caches.tova import TOVA
from lowerbound.caches.window_sum import WindowSum
from lowerbound.core.attention import L2Norm, Rule, Scaled, attention
from lowerbound.core.bits import state_bits
from lowerbound.core.cache import FloatArray, Public, StoredTokens
from lowerbound.core.models import find_model
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import Geometry, Reduction, plan_reduction

CLASSES = [StreamingLLM, SnapKV, TOVA, PivotalTokens, WindowSum, SubGenKCenter]
SMALL = ScaleSchedule.square([1, 2, 4, 8])
OBLONG = ScaleSchedule.parse("1x1 2x3 4x5 6x8 9x9", n_context=3)
VAR_256 = ScaleSchedule.square([1, 2, 3, 4, 5, 6, 8, 10, 13, 16])
every_class = pytest.mark.parametrize("cache_class", CLASSES)


def public(schedule: ScaleSchedule, d: int, budget: Fraction | None = None, rule: Rule | None = None) -> Public:
    return Public(schedule, d, rule or Scaled(), budget=budget)


def tokens(schedule: ScaleSchedule, d: int, seed: int = 0) -> FloatArray:
    """Keys, values and queries of all tokens, shape (3, n, d), with entries that float16 holds."""
    rows = np.random.default_rng(seed).standard_normal((3, schedule.n_tokens, d))
    return rows.astype(np.float16).astype(np.float64)


def states_of(cache_class: type[StoredTokens], terms: Public, rows: FloatArray) -> list[bytes]:
    """The state after each cached scale, each from a fresh cache."""
    states: list[bytes] = []
    for scale in range(terms.schedule.n_scales - 1):
        cache = holding(cache_class, terms, states[-1] if states else None)
        part = terms.schedule.rows_of(scale)
        cache.append(rows[0, part], rows[1, part], scale, rows[2, part])
        states.append(cache.encode())
        assert cache.encode() == states[-1]
    return states


def holding(cache_class: type[StoredTokens], terms: Public, state: bytes | None) -> StoredTokens:
    cache = cache_class(terms)
    if state is not None:
        cache.decode(state)
    return cache


def softmax_rows(queries: FloatArray, keys: FloatArray) -> list[list[float]]:
    """Weights under the rule 1/sqrt(d), in plain Python."""
    rows = []
    for query in queries.tolist():
        weights = [math.exp(sum(a * b for a, b in zip(query, k, strict=True)) / len(k) ** 0.5) for k in keys.tolist()]
        rows.append([weight / sum(weights) for weight in weights])
    return rows


def top(scores: list[float], count: int) -> list[int]:
    return sorted(sorted(range(len(scores)), key=lambda j: -scores[j])[:count])


@every_class
@pytest.mark.parametrize(("schedule", "d"), [(SMALL, 16), (OBLONG, 6), (VAR_256, 64)], ids=["small", "oblong", "var"])
def test_bits_are_the_closed_form(cache_class: type[StoredTokens], schedule: ScaleSchedule, d: int) -> None:
    """Closed form: 32 B d bits for B pairs, 32 d more for a running sum, and 32 for the count of tokens."""
    for budget in (Fraction(1, 3), None, Fraction(1)):
        kept = int((budget or cache_class.default_budget or 1) * schedule.n_tokens_cached)
        state = states_of(cache_class, public(schedule, d, budget), tokens(schedule, d))[-1]
        assert state_bits(state) == 32 * kept * d + 32 * d * (cache_class is WindowSum) + 32 + 64


@every_class
@pytest.mark.parametrize("rule", [Scaled(), L2Norm(10.0)], ids=["scaled", "l2norm"])
def test_laws_on_gaussian_tokens(cache_class: type[StoredTokens], rule: Rule) -> None:
    """Law: a settled cache answers as its copy, encodes to the same bytes again, and refuses corrupt states."""
    terms, rows = public(OBLONG, 6, rule=rule), tokens(OBLONG, 6, seed=1)
    for scale, state in enumerate(states_of(cache_class, terms, rows)):
        copy = holding(cache_class, terms, state)
        assert copy.encode() == state
        live = cache_class(terms)
        for earlier in range(scale + 1):
            part = OBLONG.rows_of(earlier)
            live.append(rows[0, part], rows[1, part], earlier, rows[2, part])
            live_state = live.encode()
        assert live_state == state
        assert np.array_equal(live.attend(rows[2]), copy.attend(rows[2]))
        for forgery in (state + b"\0", state[:-1], b"", b"\xff" * len(state)):
            with pytest.raises(CorruptState):
                holding(cache_class, terms, forgery)


@every_class
def test_the_whole_budget_keeps_everything(cache_class: type[StoredTokens]) -> None:
    """Degenerate case: at budget 1 the answers are those of attention over all float16 tokens."""
    terms, rows = public(OBLONG, 6, Fraction(1)), tokens(OBLONG, 6, seed=2)
    cache = holding(cache_class, terms, states_of(cache_class, terms, rows)[-1])
    own = OBLONG.rows_of(OBLONG.n_scales - 1)
    cache.append(rows[0, own], rows[1, own], OBLONG.n_scales - 1, rows[2, own])
    wanted = attention(rows[2, own], rows[0], rows[1], rule=terms.rule)
    assert np.abs(cache.attend(rows[2, own]) - wanted).max() < 1e-12


@every_class
def test_a_scale_is_attended_to_before_anything_is_dropped(cache_class: type[StoredTokens]) -> None:
    """Definition: a scale larger than the budget is answered exactly until encode()."""
    terms, rows = public(SMALL, 16, Fraction(1, 21)), tokens(SMALL, 16)
    cache = cache_class(terms)
    cache.append(rows[0, :16], rows[1, :16], 2)
    assert np.array_equal(cache.attend(rows[2]), attention(rows[2], rows[0, :16], rows[1, :16], rule=terms.rule))
    cache.encode()
    assert len(cache.keys) <= 1


@every_class
def test_less_than_one_token_is_refused(cache_class: type[StoredTokens]) -> None:
    """Bad input: the nearest budget is named."""
    with pytest.raises(InvalidArgument, match="nearest valid choice is 1/21"):
        states_of(cache_class, public(SMALL, 16, Fraction(1, 50)), tokens(SMALL, 16))


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
    rows = tokens(SMALL, 16)
    assert kept_after_one_scale(StreamingLLM, rows, 21, Fraction(10, 21)) == [0, 1, 2, 3, *range(15, 21)]
    assert kept_after_one_scale(StreamingLLM, rows, 21, Fraction(3, 21)) == [0, 19, 20]
    assert kept_after_one_scale(StreamingLLM, rows, 21, Fraction(1, 21)) == [20]


def test_streaming_has_a_public_gap() -> None:
    """Known values: over the scales of VAR-256 the sinks stay tokens 0 to 3, and no value decides anything."""
    terms, rows = public(VAR_256, 4), tokens(VAR_256, 4)
    cache = holding(StreamingLLM, terms, states_of(StreamingLLM, terms, rows)[-1])
    assert np.array_equal(cache.keys, rows[0, [0, 1, 2, 3, *range(216, 424)]])


@pytest.mark.parametrize("seed", range(3))
def test_snapkv_is_the_formula(seed: int) -> None:
    """Plain loops: weights from the last five queries, averaged over five neighbours, choose the other five tokens."""
    rows = tokens(SMALL, 16, seed)
    weights = softmax_rows(rows[2, 16:21], rows[0, :21])
    votes = [sum(row[j] for row in weights) for j in range(16)]
    pooled = [sum(votes[max(0, j - 2) : j + 3]) / 5 for j in range(16)]
    assert kept_after_one_scale(SnapKV, rows, 21, Fraction(10, 21)) == [*top(pooled, 5), *range(16, 21)]


@pytest.mark.parametrize("seed", range(3))
def test_tova_is_the_formula(seed: int) -> None:
    """Plain loops: the last query's row decides, and nothing is protected."""
    rows = tokens(SMALL, 16, seed)
    (weights,) = softmax_rows(rows[2, 20:21], rows[0, :21])
    assert kept_after_one_scale(TOVA, rows, 21, Fraction(10, 21)) == top(weights, 10)


def test_queries_are_the_keys_where_none_arrive() -> None:
    """Definition: without queries, Q = K."""
    terms, rows = public(SMALL, 16), tokens(SMALL, 16)
    for cache_class in (SnapKV, TOVA):
        told, untold = cache_class(terms), cache_class(terms)
        told.append(rows[0, :21], rows[1, :21], 2, rows[0, :21])
        untold.append(rows[0, :21], rows[1, :21], 2)
        assert told.encode() == untold.encode()


def test_pivots_deviate_most() -> None:
    """Plain loops: of the fine scales the keys farthest from their scale's mean stay, and coarse scales whole."""
    terms, rows = public(VAR_256, 8), tokens(VAR_256, 8)
    cache = holding(PivotalTokens, terms, states_of(PivotalTokens, terms, rows)[-1])
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
    terms, rows = public(VAR_256, 16), tokens(VAR_256, 16)
    cache = holding(WindowSum, terms, states_of(WindowSum, terms, rows)[-1])
    own = VAR_256.rows_of(9)
    cache.append(rows[0, own], rows[1, own], 9)
    masked = rows[0] * (np.arange(680) >= 212)[:, None]
    wanted = attention(rows[2, own], masked, rows[1], rule=terms.rule)
    assert np.abs(cache.attend(rows[2, own]) - wanted).max() < 1e-6


def test_a_sum_of_nothing_is_zero() -> None:
    """Bad input: a state that speaks of a sum before any value has left the window."""
    terms, rows = public(SMALL, 16), tokens(SMALL, 16)
    state = states_of(WindowSum, terms, rows)[0]
    with pytest.raises(CorruptState, match="the sum 0"):
        holding(WindowSum, terms, state[:-1] + b"\x01")


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


@every_class
@pytest.mark.parametrize("budget", ["1/4", "3/4"])
def test_the_game_is_lost_in_proportion(d16: Reduction, cache_class: type[StoredTokens], budget: str) -> None:
    """Known values: eviction to a fraction f errs (1 - f)/2, whichever tokens it evicts."""
    target = f"{cache_class.__module__}:{cache_class.__name__}"
    row = duel(d16, target, budget=budget, trials=2, isolation=Isolation.NONE)
    assert row.error_low <= (1 - float(Fraction(budget))) / 2 <= row.error_high
    assert row.verdict == "above the floor"
