"""The adversary's parts: fairness, the measure of an answer, each idea by what it should show, and the shrinker."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.adversary.black_box import BlackBox, OutOfTime
from lowerbound.adversary.collision import words
from lowerbound.adversary.instance import Instance, is_fair, query_length, worst
from lowerbound.adversary.nullspace import have_one_state, pairs
from lowerbound.adversary.places import ladder
from lowerbound.adversary.response import weights_of
from lowerbound.adversary.search import ROUNDS
from lowerbound.adversary.shrink import cost, moves
from lowerbound.adversary.strategy import ask_for, distinct_keys, one_against_all, targets
from lowerbound.adversary.subset_sums import SubsetSums, solve
from lowerbound.caches.registry import find_cache
from lowerbound.core.grid import Guarantee
from lowerbound.core.oracle.attention import attention, attention_weights
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.question import Terms, TokenRows
from lowerbound.game.respondent import RespondentHere
from tests.core.oracle.naive import attention_naive

FOUR = Terms(ScaleSchedule.parse("1x4 1x1"), 5, L2Norm(), budget=Fraction(1, 4))
RULES: list[Rule] = [L2Norm(), Scaled(), Scaled(0.125)]


def box_of(name: str, terms: Terms = FOUR) -> BlackBox:
    """A cache with all the time it needs."""
    return BlackBox(RespondentHere(find_cache(name)), terms, math.inf, PrivateSeed(0))


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_attack_is_fair(rule: Rule) -> None:
    """Law: whatever an attack yields on the ladder is in the class that the adversary may use."""
    for terms in ladder(replace(FOUR, rule=rule))[2:7]:
        for strategy in (strategy for attacks in ROUNDS for strategy in attacks):
            for instance in islice(strategy.instances(box_of("full", replace(terms, budget=None))), 6):
                assert is_fair(instance), strategy.name


@pytest.mark.parametrize(
    ("name", "row", "entry"),
    [
        ("keys", [2.0, 0, 0, 0, 0], "long key"),
        ("keys", [0.25, 0, 0, 0, 0], "short key"),
        ("keys", [0.0, 0, 0, 0, 0], "zero key"),
        ("queries", [0.25, 0, 0, 0, 0], "short query"),
        ("queries", [0, -1.5, 0, 0, 0], "long query"),
        ("values", [1.25, 0, 0, 0, 0], "large value"),
        ("values", [-0.5, 0, 0, 0, 0], "negative value"),
        ("values", [2.0**-30, 0, 0, 0, 0], "tiny value"),
    ],
)
def test_what_is_not_fair(name: str, row: list[float], entry: str) -> None:
    """Definition: entries over 1, rows shorter than 1/2, and values outside 0 and [1/256, 1] are not played.

    A zero query is: it asks for all tokens alike.
    """
    instance = one_against_all(FOUR, 0, np.zeros((5, 5)))
    assert is_fair(instance)
    rows = {part: getattr(instance.tokens, part).copy() for part in ("keys", "values", "queries")}
    rows[name][2] = row
    assert not is_fair(Instance(FOUR, TokenRows(**rows), instance.queries)), entry


def test_queries_are_not_too_long() -> None:
    """Definition: under a scaled rule logits are at most 100; under l2norm the length of a query does not count."""
    for rule in RULES:
        terms = replace(FOUR, rule=rule)
        instance = one_against_all(terms, 0)
        assert is_fair(instance)
        doubled = Instance(terms, instance.tokens, 4 * instance.queries)
        assert is_fair(doubled) is isinstance(rule, L2Norm)
        if isinstance(rule, Scaled):
            assert 50 < query_length(rule, 5) * rule.factor(5) <= 100


@given(st.integers(0, 2**32 - 1), st.sampled_from(["additive", "relative"]), st.sampled_from(RULES))
def test_the_ratio_is_the_error_over_eta(seed: int, guarantee: Guarantee, rule: Rule) -> None:
    """Differential: against the plain formula, by every query and coordinate in turn."""
    coins = np.random.default_rng(seed)
    keys, values = coins.standard_normal((5, 5)), coins.random((5, 5)).round(2)
    terms = replace(FOUR, rule=rule, guarantee=guarantee)
    instance = Instance(terms, TokenRows(keys, values, keys), coins.standard_normal((3, 5)))
    answers = coins.random((1, 1, 3, 5))
    truth = attention_naive(instance.queries.tolist(), keys.tolist(), values.tolist(), rule=rule)
    ratios = {
        (row, column): abs(answers[0, 0, row, column] - exact) / (0.01 * (exact if guarantee == "relative" else 1))
        for row, line in enumerate(truth)
        for column, exact in enumerate(line)
        if guarantee == "additive" or exact >= 1 / 256
    }
    found = worst(instance, answers)
    assert found is not None
    assert found.ratio == pytest.approx(max(ratios.values()))
    assert found.certain is (found.ratio > 1)


def test_the_truth_is_no_violation() -> None:
    """Known value: exact answers, and answers that are off by less than eta, are not called violations."""
    instance = one_against_all(FOUR, 1)
    truth = attention(instance.queries, instance.tokens.keys, instance.tokens.values, rule=FOUR.rule)[None, None]
    for factor, certain in ((1.0, False), (1.009, False), (0.989, True)):
        found = worst(instance, factor * truth)
        assert found is not None
        assert found.certain is certain


def test_no_truth_is_large_enough() -> None:
    """Definition: where every truth is under 1/256, a relative promise is not asked about."""
    instance = one_against_all(FOUR, 0)
    away = Instance(FOUR, instance.tokens, -instance.queries)
    assert worst(away, np.ones((1, 1, 1, 5))) is None


@pytest.mark.parametrize("name", ["h2o", "snapkv", "tova"])
def test_queries_decide_who_stays(name: str) -> None:
    """Metamorphic: a token that all queries want is kept and answered; starved of them, it is gone."""
    terms = replace(FOUR, schedule=ScaleSchedule.parse("1x8 1x1"), budget=Fraction(1, 2))
    box = box_of(name, terms)
    wanted = box.try_on(one_against_all(terms, 0, np.tile(np.eye(1, 5), (9, 1))))
    starved = box.try_on(one_against_all(terms, 0, np.tile(-np.eye(1, 5), (9, 1))))
    assert wanted is not None
    assert starved is not None
    assert not wanted.certain
    assert starved.certain


@pytest.mark.parametrize("name", ["window-sum", "abc-compressive", "abc-random", "window", "diffrate", "streaming"])
def test_null_spaces_hold_collisions(name: str) -> None:
    """Law: some two instances have one state, byte for byte, and truths that differ by over 2 eta."""
    box = box_of(name, replace(FOUR, schedule=ScaleSchedule.parse("1x8 1x1"), d=9))
    one, other = next(iter(pairs(box)))
    assert have_one_state(box, one, other)
    truths = [attention(i.queries, i.tokens.keys, i.tokens.values, rule=i.terms.rule) for i in (one, other)]
    assert np.abs(truths[0] - truths[1]).max() > 2 * float(FOUR.eta)


def test_weights_are_measured() -> None:
    """Differential: a cache that keeps all shows the weights of attention; a window shows none for what it lost."""
    keys = distinct_keys(FOUR, PrivateSeed(0), 1)
    queries = ask_for(FOUR, keys[:4]) * 0.05
    true = attention_weights(queries, keys, rule=FOUR.rule)
    assert np.allclose(weights_of(box_of("full"), keys, queries)[0, 0], true, atol=1e-12)
    assert not weights_of(box_of("window"), keys, queries)[0, 0, :, :3].any()


def test_words_are_distinct_and_near() -> None:
    """Definition: the first word, then its neighbours, none twice; all words of few bits."""
    few = [tuple(word) for word in words(3, PrivateSeed(0))]
    assert len(set(few)) == len(few) == 8
    many = np.array(list(words(64, PrivateSeed(0))))
    assert len(np.unique(many, axis=0)) == len(many) == 256
    assert (np.abs(many - many[0]).sum(axis=1) <= 2).all()


def test_targets_are_the_oldest_first() -> None:
    """Definition: all of few tokens; the first and the last of many, and some between."""
    assert targets(FOUR) == [0, 1, 2, 3]
    many = targets(replace(FOUR, schedule=ScaleSchedule.parse("1x400 1x1")))
    assert (many[0], many[-1], len(many)) == (0, 399, 12)


def test_the_cost_of_an_instance() -> None:
    """Known value: zeros are free, 1 costs 2, -1 costs 3, 1/2 more, and a full mantissa more still."""
    instance = one_against_all(FOUR, 0)
    keys = 2 + 4 * 3
    assert cost(instance) == (5, 5, 2 * keys + 5 * 2 + 2)
    costs = []
    for entry in (0.0, 1.0, -1.0, 0.5, 0.75, 0.7):
        values = np.zeros((5, 5))
        values[0, 0] = entry
        costs.append(cost(Instance(FOUR, TokenRows(values, values, values), values[:1])))
    assert costs == sorted(costs)
    assert len(set(costs)) == len(costs)


def test_moves_keep_the_shapes() -> None:
    """Law: each move gives rows for every token of its schedule, in its dimension, or nothing."""
    instance = one_against_all(replace(FOUR, schedule=ScaleSchedule.parse("1x1 2x2 1x3")), 3)
    found = worst(instance, np.zeros((1, 1, 1, 5)))
    assert found is not None
    made = [candidate for move in moves(found, True) if (candidate := move(found)) is not None]
    assert any(candidate.terms.schedule.n_scales == 2 for candidate in made)
    assert any(candidate.terms.d == 4 for candidate in made)
    for candidate in made:
        shape = candidate.terms.schedule.n_tokens, candidate.terms.d
        parts = (candidate.tokens.keys, candidate.tokens.values, candidate.tokens.queries)
        assert all(part.shape == shape for part in parts)
        assert candidate.queries.shape == (1, candidate.terms.d)
    in_place = [candidate for move in moves(found, False) if (candidate := move(found)) is not None]
    assert all(candidate.terms == instance.terms for candidate in in_place)


def test_a_box_has_no_time_after_its_deadline() -> None:
    """Definition: asking after the deadline raises."""
    with pytest.raises(OutOfTime):
        BlackBox(RespondentHere(find_cache("full")), FOUR, 0.0).state_and_answers(one_against_all(FOUR, 0))


@pytest.mark.parametrize("seed", range(5))
def test_subsets_of_equal_sums_are_found(seed: int) -> None:
    """Law: more subsets of 10 whole numbers under 64 than sums, so two agree; z3 gives two whose truths differ."""
    numbers = np.random.default_rng(seed).integers(1, 64, 10)
    bits = solve(numbers[None] / 64, np.eye(10)[3], Fraction(1, 50), Fraction(0))
    assert bits is not None
    assert set(bits.tolist()) <= {-1, 0, 1}
    assert numbers @ bits == 0
    assert bits[3] == 1


def test_powers_of_two_have_no_equal_subsets() -> None:
    """Known value: sums of distinct powers of two are distinct, so that there is nothing to find."""
    assert solve(2.0 ** np.arange(10)[None] / 1024, np.eye(10)[3], Fraction(1, 50), Fraction(0)) is None


@pytest.mark.parametrize("name", ["abc-random", "lorc-oracle", "window-sum"])
def test_bits_break_linear_states(name: str) -> None:
    """Law: bits that a linear state confuses break its promise; a cache that keeps all is asked too, and keeps it."""
    terms = replace(FOUR, schedule=ScaleSchedule.parse("1x8 1x1"), d=9)
    box = box_of(name, terms)
    found = next(v for v in map(box.try_on, SubsetSums().instances(box)) if v is not None and v.certain)
    assert set(np.unique(found.instance.tokens.values)) <= {0.0, 1.0}
    full = box_of("full", replace(terms, budget=None)).try_on(found.instance)
    assert full is not None
    assert not full.certain
