"""Truth here: plain loops over the papers' formulas, known budgets, closed forms of the bits, and the laws of a stack.

PrefixKV, PyramidKV, ScaleKV, HACK and AMS-KV: caches whose heads or layers share one budget.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar, TypeVar

import numpy as np
import pytest

from lowerbound.caches.eviction.snapkv import SnapKV
from lowerbound.caches.layers.ams_kv import AMSKV, resized
from lowerbound.caches.layers.coupled import CoupledEviction
from lowerbound.caches.layers.hack import HACK
from lowerbound.caches.layers.prefixkv import PrefixKV, prefix_lengths, removed_counts
from lowerbound.caches.layers.pyramidkv import PyramidKV, layer_budgets
from lowerbound.caches.layers.scalekv import ScaleKVCode, ScaleKVPaper, patch_centres
from lowerbound.caches.registry import play
from lowerbound.core.bits import EncodedState
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.geometry import Geometry
from lowerbound.core.oracle.attention import attention, attention_weights
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import Reduction, plan_reduction
from tests.contracts.every_head import every_head
from tests.contracts.laws import CacheLaws
from tests.marks import first_now

CLASSES = [PrefixKV, PyramidKV, ScaleKVPaper, ScaleKVCode, HACK, AMSKV]
SMALL = ScaleSchedule.square([1, 2, 4, 8])
OBLONG = ScaleSchedule.parse("1x1 2x3 4x5 6x8 9x9", n_context=3)
VAR_256 = ScaleSchedule.square([1, 2, 3, 4, 5, 6, 8, 10, 13, 16])
STACKS = [(3, 2), (1, 1), (1, 2), (4, 1)]
"""Layers and heads."""
Coupled = TypeVar("Coupled", bound=CoupledEviction)
every_class = pytest.mark.parametrize("cache_class", CLASSES)
every_stack = pytest.mark.parametrize(("layers", "heads"), first_now(STACKS, 2))


def public(
    schedule: ScaleSchedule,
    *,
    d: int = 6,
    budget: Fraction | None = None,
    stack: tuple[int, int] = (4, 2),
    rule: Rule | None = None,
) -> Public:
    return Public(schedule, d, rule or Scaled(), budget=budget, n_layers=stack[0], n_heads=stack[1])


def tokens(terms: Public, seed: int = 0) -> FloatArray:
    """Keys, values and queries, shape (3, layers, heads, n, d), with entries that float16 holds."""
    shape = 3, terms.n_layers, terms.n_heads, terms.schedule.n_tokens, terms.d
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float16).astype(np.float64)


def give(cache: CoupledEviction, rows: FloatArray, scale: int) -> None:
    part = cache.public.schedule.rows_of(scale)
    for layer in range(cache.public.n_layers):
        cache.append(layer, rows[0, layer][:, part], rows[1, layer][:, part], scale, rows[2, layer][:, part])


def states_of(cache_class: type[CoupledEviction], terms: Public, rows: FloatArray) -> list[EncodedState]:
    """The state after each cached scale, each from a fresh cache."""
    states: list[EncodedState] = []
    for scale in range(terms.schedule.n_scales - 1):
        cache = holding(cache_class, terms, states[-1] if states else None)
        give(cache, rows, scale)
        states.append(cache.encode())
    return states


def holding(cache_class: type[Coupled], terms: Public, state: bytes | None) -> Coupled:
    cache = cache_class(terms)
    if state is not None:
        cache.decode(state)
    return cache


def counts_of(cache: CoupledEviction) -> list[list[int]]:
    return [[len(keys) for keys in heads] for heads in cache.keys]


class CoupledLaws(CacheLaws):
    """The laws of heads that share a budget, where all of them see the same tokens."""

    counts_tokens = True
    stack: ClassVar[tuple[int, int]] = (4, 2)
    not_applicable: ClassVar[Mapping[str, str]] = {
        "test_a_larger_budget_restores_no_worse": "a token is kept as it is or not at all",
    }

    def bits(self, n: int, place: Public) -> int:
        return self.decisions(place) + 32 * 8 + 32 * place.d * 2 * sum(self.kept(n, place))

    def decisions(self, place: Public) -> int:
        """Bits of what is remembered beside tokens."""
        return 0

    def kept(self, n: int, place: Public) -> list[int]:
        """Tokens that a head of each layer keeps after n: of what it kept and what came, at most its budget."""
        counts, seen, capacity = [0] * 4, 0, self.whole_tokens(place)
        for scale in range(place.schedule.n_scales):
            if seen == n:
                break
            new = place.schedule.tokens_at(scale)
            seen += new
            limits = (
                self.limits(capacity, seen, new, scale, place) if seen > capacity > 0 else [min(seen, capacity)] * 4
            )
            counts = [min(count + new, limit) for count, limit in zip(counts, limits, strict=True)]
        return counts

    def limits(self, capacity: int, seen: int, new: int, scale: int, place: Public) -> list[int]:
        """Each layer's budget after `scale`, which brought `new` of the tokens seen."""
        return [capacity] * 4


class TestPrefixKV(CoupledLaws):
    cache = every_head(PrefixKV, (4, 2))


class TestPyramidKV(CoupledLaws):
    cache = every_head(PyramidKV, (4, 2))
    not_applicable: ClassVar[Mapping[str, str]] = {
        **CoupledLaws.not_applicable,
        "test_states_never_shrink": "late layers' budgets fall as tokens come, and what early layers lost is gone",
        "test_a_larger_budget_keeps_what_a_smaller_one_kept": "the observation window changes with the budget",
    }

    def limits(self, capacity: int, seen: int, new: int, scale: int, place: Public) -> list[int]:
        return layer_budgets(capacity, min(max(1, min(32, capacity // 2)), new), seen, 4)


class TestScaleKVPaper(CoupledLaws):
    cache = every_head(ScaleKVPaper, (4, 2))

    def limits(self, capacity: int, seen: int, new: int, scale: int, place: Public) -> list[int]:
        n_scales = place.schedule.n_scales
        refiner = max(1, capacity * (2 * n_scales - scale) // (2 * n_scales))
        return [4 * capacity - 3 * refiner, refiner, refiner, refiner]


@pytest.mark.slow
class TestScaleKVCode(TestScaleKVPaper):
    cache = every_head(ScaleKVCode, (4, 2))


class TestHACK(CoupledLaws):
    cache = every_head(HACK, (4, 2))
    uses_coins = False  # coins choose 32 observers of a map, and the maps of that law are smaller
    not_applicable: ClassVar[Mapping[str, str]] = {
        **CoupledLaws.not_applicable,
        "test_states_never_shrink": "contextual heads give up three quarters at the first overflow",
    }

    def decisions(self, place: Public) -> int:
        return 8

    def limits(self, capacity: int, seen: int, new: int, scale: int, place: Public) -> list[int]:
        narrow = max(1, capacity // 4)
        return [narrow, narrow, 2 * capacity - narrow, 2 * capacity - narrow]


class TestAMSKV(CoupledLaws):
    cache = every_head(AMSKV, (4, 2))
    not_applicable: ClassVar[Mapping[str, str]] = {
        **CoupledLaws.not_applicable,
        "test_a_larger_budget_keeps_what_a_smaller_one_kept": "tokens arrive in whole maps only",
    }

    def decisions(self, place: Public) -> int:
        return 4 * (1 + place.schedule.n_scales)

    def kept(self, n: int, place: Public) -> list[int]:
        """Random keys move from map to map: every layer is demanding as soon as it overflows."""
        maps: list[int] = []
        raised, capacity = False, self.whole_tokens(place)
        for scale in range(place.schedule.n_scales):
            if n < place.schedule.rows_of(scale).stop:
                break
            sizes = {k: place.schedule.tokens_at(k) for k in (*maps, scale)}
            raised |= sum(sizes.values()) > capacity > 0 and scale - 1 in maps
            maps = [k for k in sizes if sizes[k] <= 2 * capacity]
            while sum(sizes[k] for k in maps) > capacity * (2 if raised else 1):
                maps.remove(next((k for k in maps if k >= 2), maps[-1]))
        return [sum(map(place.schedule.tokens_at, maps))] * 4


@every_class
@every_stack
@pytest.mark.parametrize("rule", [Scaled(), L2Norm(10.0)], ids=["scaled", "l2norm"])
def test_laws(cache_class: type[CoupledEviction], layers: int, heads: int, rule: Rule) -> None:
    """Law: a settled stack answers as its copy, encodes to the same bytes again, and refuses corrupt states."""
    terms = public(OBLONG, stack=(layers, heads), rule=rule)
    rows = tokens(terms, seed=1)
    live = cache_class(terms)
    for scale, state in enumerate(states_of(cache_class, terms, rows)):
        copy = holding(cache_class, terms, state)
        give(live, rows, scale)
        assert live.encode() == state == copy.encode()
        assert sum(state.ledger.values()) == 8 * len(state)
        for layer in range(layers):
            answers = zip(live.attend(layer, rows[2, layer]), copy.attend(layer, rows[2, layer]), strict=True)
            assert all(np.array_equal(mine, its) for mine, its in answers)
        for forgery in (state + b"\0", state[:-1], b"", state[:1], b"\xff" * len(state)):
            with pytest.raises(CorruptState):
                holding(cache_class, terms, forgery)


@every_class
@pytest.mark.parametrize("budget", [Fraction(1, 3), None, Fraction(1)])
def test_bits_are_the_closed_form(cache_class: type[CoupledEviction], budget: Fraction | None) -> None:
    """Closed form: 32 for the tokens seen, 32 + 32 B d for a head of B tokens, and the decisions in whole bytes."""
    terms = public(VAR_256, d=16, budget=budget)
    for state in states_of(cache_class, terms, tokens(terms)):
        cache = holding(cache_class, terms, state)
        decisions = {HACK: 8, AMSKV: 4 * 16}.get(cache_class, 0)
        kept = sum(count for heads in counts_of(cache) for count in heads)
        assert 8 * len(state) == 32 + decisions + 8 * 32 + 32 * 16 * kept


@every_class
@every_stack
def test_the_budget_is_kept(cache_class: type[CoupledEviction], layers: int, heads: int) -> None:
    """Law: on average a head keeps no more than B tokens, but for what each docstring rounds up or grants."""
    for budget in (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)):
        terms = public(VAR_256, budget=budget, stack=(layers, heads))
        cache = holding(cache_class, terms, states_of(cache_class, terms, tokens(terms))[-1])
        rounding = {PrefixKV: layers * heads, PyramidKV: heads * layers * (layers - 1) / 2}.get(cache_class, 0)
        granted = 2 if cache_class is AMSKV else 1
        assert sum(map(sum, counts_of(cache))) <= granted * layers * heads * cache.capacity + rounding


@every_class
def test_the_whole_budget_keeps_everything(cache_class: type[CoupledEviction]) -> None:
    """Degenerate case: at budget 1 the answers are those of attention over all float16 tokens."""
    terms = public(OBLONG, budget=Fraction(1))
    rows = tokens(terms, seed=2)
    cache = holding(cache_class, terms, states_of(cache_class, terms, rows)[-1])
    last = OBLONG.n_scales - 1
    give(cache, rows, last)
    own = OBLONG.rows_of(last)
    for layer in range(4):
        for head, answers in enumerate(cache.attend(layer, rows[2, layer][:, own])):
            keys, values, queries = rows[:, layer, head]
            assert np.abs(answers - attention(queries[own], keys, values, rule=terms.rule)).max() < 1e-12


@every_class
def test_a_scale_is_attended_to_before_anything_is_dropped(cache_class: type[CoupledEviction]) -> None:
    """Definition: a scale larger than the budget is answered exactly until encode()."""
    terms = public(SMALL, d=16, budget=Fraction(1, 21))
    cache, rows = cache_class(terms), tokens(terms)
    give(cache, rows, 2)
    part = SMALL.rows_of(2)
    (answers, _) = cache.attend(1, rows[2, 1])
    assert np.array_equal(answers, attention(rows[2, 1, 0], rows[0, 1, 0, part], rows[1, 1, 0, part], rule=terms.rule))
    cache.encode()
    assert sum(map(sum, counts_of(cache))) <= 8 * (2 if cache_class is AMSKV else 1)


@every_class
def test_empty_stacks_answer_with_zeros(cache_class: type[CoupledEviction]) -> None:
    """Degenerate case: nothing seen, or only an empty scale: zeros, and a state that remembers nothing."""
    terms = public(SMALL)
    cache = cache_class(terms)
    assert not np.array(cache.attend(0, np.ones((2, 3, 6)))).any()
    fresh = cache_class(terms)
    fresh.decode(cache.encode())
    assert fresh.n_seen == 0
    assert np.array(fresh.attend(3, np.ones((2, 3, 6)))).shape == (2, 3, 6)


@every_class
def test_less_than_one_token_is_refused(cache_class: type[CoupledEviction]) -> None:
    """Bad input: the nearest budget is named."""
    terms = public(SMALL, budget=Fraction(1, 50))
    with pytest.raises(InvalidArgument, match="nearest valid choice is 1/21"):
        states_of(cache_class, terms, tokens(terms))


@every_class
def test_in_the_game(cache_class: type[CoupledEviction]) -> None:
    """Known value: a head that keeps a share s of its tokens errs on (1 - s) / 2 of its bits, whatever the layer."""
    reduction = plan_reduction(Geometry("mid", ScaleSchedule.square([1, 2, 4, 6, 8, 8]), 32))
    row = duel(
        reduction, f"{cache_class.__module__}:{cache_class.__name__}", budget=Fraction(1, 4), isolation=Isolation.NONE
    )
    terms = reduction.stacked((4, 2)).public(Fraction(1, 4))
    share = (row.state_bits - 64 - 32 - 8 * 32) / (32 * 32) / (8 * terms.schedule.n_tokens_cached)
    assert (row.layers, row.heads, row.symbols) == (4, 8, 8 * reduction.n_symbols)
    assert row.error == pytest.approx((1 - share) / 2, abs=0.02)
    assert row.claimed_ratio == 32 * 32 * 8 * terms.schedule.n_tokens_cached / row.ledger["payload"]
    assert row.verdict.endswith(": breaks eta = 1 %")


def test_one_layer_of_pyramidkv_is_snapkv() -> None:
    """Differential: with one layer, a head keeps what SnapKV keeps at the same budget."""
    terms = public(VAR_256, d=16, budget=Fraction(1, 3), stack=(1, 1))
    rows = tokens(terms, seed=3)
    cache = holding(PyramidKV, terms, states_of(PyramidKV, terms, rows)[-1])
    alone = SnapKV(terms)
    for scale in range(VAR_256.n_scales - 1):
        part = VAR_256.rows_of(scale)
        alone.append(rows[0, 0, 0, part], rows[1, 0, 0, part], scale, rows[2, 0, 0, part])
        alone.encode()
    assert np.array_equal(cache.keys[0][0], alone.keys)
    assert np.array_equal(cache.values[0][0], alone.values)


@pytest.mark.parametrize(
    ("capacity", "window", "n_tokens", "n_layers", "wanted"),
    [
        (60, 8, 120, 2, [110, 10]),  # C - w = 52, least 52 // 20 = 2, most 104 - 2 = 102
        (60, 8, 110, 2, [110, 10]),  # most 102 = n - w: the same, from the other branch
        (60, 8, 106, 2, [106, 14]),  # most = 98, least = 104 - 98 = 6
        (60, 8, 103, 2, [60, 60]),  # n < 2 (C - w): uniform
        (60, 8, 59, 2, [59, 59]),  # n < C: everything
        (128, 32, 1000, 4, [220, 159, 98, 37]),  # least 4, most 188, step 184 // 3 = 61
        (60, 8, 120, 1, [60]),
    ],
)
def test_pyramid_budgets(capacity: int, window: int, n_tokens: int, n_layers: int, wanted: list[int]) -> None:
    """Known values, worked by hand from the integer formula of the reference code."""
    assert layer_budgets(capacity, window, n_tokens, n_layers) == wanted


def test_prefixes_against_loops() -> None:
    """Known value: the least number of highest scores whose sum reaches the share."""
    scores = list(np.random.default_rng(0).random((3, 40)) ** [[1], [4], [16]])
    for share in (0.0, 0.3, 0.9):
        for layer, length in zip(scores, prefix_lengths(scores, share), strict=True):
            ordered = sorted(layer.tolist(), reverse=True)
            reached = [sum(ordered[: k + 1]) / sum(ordered) >= share - 1e-12 for k in range(40)]
            assert length == reached.index(True) + 1


@pytest.mark.parametrize("seed", range(20))
def test_layers_give_up_the_wanted_sum(seed: int) -> None:
    """Law: the counts sum to at most the wanted number, lack less than one a layer, and spread layers give up less."""
    generator = np.random.default_rng(seed)
    powers = np.array([[1], [2], [8], [32]])
    scores = list(generator.random((4, 60)) ** powers + 1e-9)
    n_removed = int(generator.integers(1, 200))
    removed = removed_counts(scores, n_removed, n_protected=5)
    assert n_removed - 4 < sum(removed) <= n_removed
    assert removed == sorted(removed)
    assert max(removed) <= 55


def test_prefixkv_gives_tokens_to_spread_layers() -> None:
    """Definition: a layer whose queries all ask for one token keeps less than a layer whose queries do not."""
    terms = public(VAR_256, d=16, budget=Fraction(1, 3), stack=(2, 2), rule=L2Norm(30.0))
    rows = tokens(terms, seed=5)
    rows[2, 1] = rows[0, 1, :, :1]
    cache = holding(PrefixKV, terms, states_of(PrefixKV, terms, rows)[-1])
    (spread, other), (narrow, same) = counts_of(cache)
    assert spread == other > narrow == same
    assert np.array_equal(cache.keys[0][0][:4], rows[0, 0, 0, :4])
    assert np.array_equal(cache.keys[1][1][-1], rows[0, 1, 1, VAR_256.n_tokens_cached - 1])


def test_patch_centres() -> None:
    """Known values: rows and columns 2, 6, 10, 14 of a 16 x 16 map; all cells of a map of at most 4 x 4."""
    lines = [2, 6, 10, 14]
    assert patch_centres(VAR_256, 9).tolist() == [16 * row + column for row in lines for column in lines]
    assert patch_centres(VAR_256, 2).tolist() == list(range(9))
    assert patch_centres(OBLONG, 0).tolist() == [3]
    video = ScaleSchedule(((1, 1, 1), (2, 4, 4)))
    assert patch_centres(video, 1).tolist() == list(range(16, 32))


@pytest.mark.parametrize("cache_class", [ScaleKVPaper, ScaleKVCode])
def test_scalekv_sizes_of_one_layer(cache_class: type[CoupledEviction]) -> None:
    """Known values: the reference class keeps 1, 5, 14, 30, 55, 91, 155, 170, 170 tokens at a budget of 170."""
    terms = public(VAR_256, budget=Fraction(170, 424), stack=(1, 1))
    sizes = [
        counts_of(holding(cache_class, terms, state))[0][0]
        for state in states_of(cache_class, terms, tokens(terms, seed=1))
    ]
    assert sizes == [1, 5, 14, 30, 55, 91, 155, 170, 170]


def test_scalekv_drafters_are_the_layers_that_look_back_least_selectively() -> None:
    """Law: refiners keep B (1 - k / 2K), drafters what that leaves of L B, and the least ASI drafts."""
    terms = public(VAR_256, d=16, budget=Fraction(1, 4), stack=(4, 1), rule=L2Norm(20.0))
    rows = tokens(terms, seed=6)
    for layer in (0, 1, 3):
        rows[2, layer] = rows[0, layer]  # three layers look at their own tokens, the other looks around
    cache = ScaleKVPaper(terms)
    give(cache, rows, 8)
    cache.keys = [[np.concatenate([rows[0, layer, 0, :255], cache.keys[layer][0]])] for layer in range(4)]
    budgets = cache.layer_budgets(8)
    indices = [cache.selectivity(layer) for layer in range(4)]
    assert budgets.index(max(budgets)) == indices.index(min(indices))
    refiner = 106 * 12 // 20
    assert sorted(budgets) == [refiner] * 3 + [4 * 106 - 3 * refiner]


def test_scalekv_votes_against_loops() -> None:
    """Known value: softmax mass with averages of 5, and raw logits with maxima of 5."""
    terms = public(VAR_256, d=8, stack=(1, 1))
    queries, keys = np.random.default_rng(7).standard_normal((2, 30, 8))
    weights = attention_weights(queries[:16], keys, rule=terms.rule).sum(axis=0)
    logits = (queries[:16] @ keys.T / 8**0.5).sum(axis=0)
    for j in range(30):
        near = slice(max(0, j - 2), j + 3)
        assert ScaleKVPaper(terms).votes(queries[:16], keys)[j] == pytest.approx(weights[near].sum() / 5)
        assert ScaleKVCode(terms).votes(queries[:16], keys)[j] == pytest.approx(logits[near].max())


def test_hack_sorts_heads_by_their_stripes() -> None:
    """Definition: heads whose queries all ask alike are contextual; the others keep the coarse and the newest maps."""
    terms = public(VAR_256, d=16, budget=Fraction(1, 2), stack=(2, 2), rule=L2Norm(30.0))
    rows = tokens(terms, seed=8)
    rows[2] = rows[0]
    rows[2, 0, 1] = rows[2, 1, 0] = rows[0, 0, 0, :1]
    cache = HACK(terms)
    states = states_of(HACK, terms, rows)
    cache.decode(states[-1])
    assert cache.contextual.tolist() == [[False, True], [True, False]]
    narrow, wide = cache.head_budgets()
    assert (narrow, wide) == (53, (4 * 212 - 2 * 53) // 2)
    assert counts_of(cache) == [[wide, narrow], [narrow, wide]]
    structural = cache.keys[0][0]
    assert np.array_equal(structural[:5], rows[0, 0, 0, :5])
    assert np.array_equal(structural[-169:], rows[0, 0, 0, 255:424])


def test_hack_sorts_heads_once() -> None:
    """Law: the sorting of the first overflowing map stays, though later maps ask otherwise."""
    terms = public(VAR_256, d=16, budget=Fraction(1, 4), stack=(2, 1), rule=L2Norm(30.0))
    rows = tokens(terms, seed=9)
    rows[2] = rows[0]
    rows[2, 0, 0, :155] = rows[0, 0, 0, :1]
    rows[2, 1, 0, 155:] = rows[0, 1, 0, :1]
    cache = HACK(terms)
    for state in states_of(HACK, terms, rows)[6:]:
        cache.decode(state)
        assert cache.contextual.tolist() == [[True], [False]]


def test_resizing_maps() -> None:
    """Known values: the same size changes nothing, a constant stays constant, and 2 cells become 4 at quarters."""
    rows = np.random.default_rng(0).standard_normal((12, 5))
    assert np.allclose(resized(rows, (3, 4), (3, 4)), rows)
    assert np.allclose(resized(np.ones((4, 2)), (2, 2), (5, 7)), 1.0)
    assert resized(np.array([[0.0], [1.0]]), (1, 2), (1, 4)).ravel().tolist() == [0.0, 0.25, 0.75, 1.0]
    assert resized(np.array([[0.0], [1.0]]), (2, 1), (4, 1)).ravel().tolist() == [0.0, 0.25, 0.75, 1.0]
    assert resized(rows, (3, 4), (6, 8)).shape == (48, 5)


def test_ams_keeps_whole_maps() -> None:
    """Definition: a calm layer keeps its two coarsest maps and the newest that fit; a demanding one has more room."""
    terms = public(VAR_256, d=16, budget=Fraction(1, 3), stack=(2, 1))
    rows = tokens(terms, seed=10)
    rows[0, 0] = rows[0, 0, :, :1]
    cache = AMSKV(terms)
    kept = []
    for state in states_of(AMSKV, terms, rows):
        cache.decode(state)
        kept.append(cache.maps[0])
    assert cache.raised == [False, True]
    assert (cache.capacity, counts_of(cache)[0][0]) == (141, 5)
    assert kept[5:] == [[0, 1, 2, 3, 4, 5], [0, 1, 4, 5, 6], [0, 1, 7], [0, 1]]
    assert cache.maps[1] == [0, 1, 7, 8]


def test_a_map_beyond_the_largest_capacity_is_not_cached() -> None:
    """Definition: at a budget under half of the newest map, a demanding layer passes it by."""
    terms = public(VAR_256, d=16, budget=Fraction(1, 6), stack=(1, 1))
    cache = holding(AMSKV, terms, states_of(AMSKV, terms, tokens(terms))[-1])
    assert cache.raised == [True]
    assert 8 not in cache.maps[0]


def test_ams_takes_whole_maps_only() -> None:
    """Bad input: a map of another size than its scale's is refused, with the size that it has."""
    cache = AMSKV(public(SMALL, stack=(1, 1)))
    with pytest.raises(InvalidArgument, match="nearest valid choice is 16"):
        cache.append(0, np.ones((1, 15, 6)), np.ones((1, 15, 6)), 2)


def test_hack_observes_by_public_coins() -> None:
    """Law: on maps of more than 32 tokens, other coins observe other queries and keep other tokens."""
    terms = public(VAR_256, budget=Fraction(1, 8))
    rows = tokens(terms)
    assert states_of(HACK, terms, rows) != states_of(HACK, replace(terms, seed=1), rows)


def test_stacks_survive_the_wall(small: Reduction) -> None:
    """Differential: in two processes the same row as in one, but for the seconds."""
    here = play(small, "prefixkv", isolation=Isolation.NONE)
    there = play(small, "prefixkv", isolation=Isolation.PROCESS)
    assert (here.state_bits, here.errors, here.ledger) == (there.state_bits, there.errors, there.ledger)
