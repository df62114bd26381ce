"""Law: on the hard family, every symbol survives exact attention, the allowed error and the leakage; and refusals."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.oracle.attention import attention
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument
from lowerbound.game.index import draw_symbols
from lowerbound.game.multi_index import QueryBlocks
from lowerbound.game.reduction import Reduction, plan_reduction
from lowerbound.game.story import narrate
from tests.marks import first_now

D16 = Geometry.of(find_model("var-d16"))


def exact_outputs(reduction: Reduction, trial: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Symbols, and the oracle's outputs for every cached token."""
    symbols = draw_symbols(PrivateSeed(reduction.seed), trial, n_levels=reduction.grid.n_levels, shape=reduction.shape)
    values = np.zeros((reduction.schedule.n_tokens, reduction.geometry.d))
    values[: len(symbols)] = reduction.values(symbols)
    queries = reduction.queries[: len(symbols)]
    return symbols, attention(queries, reduction.keys.unit, values, rule=reduction.rule)


HART = Geometry.of(find_model("hart-0.7b-1024"))
PLANS: dict[str, tuple[Geometry, dict[str, Any]]] = {
    "plain": (D16, {}),
    "half": (D16, {"eta": "1/2"}),
    "exact": (D16, {"eta": 0}),
    "additive": (D16, {"guarantee": "additive", "n_levels": None}),
    "additive-7": (D16, {"guarantee": "additive", "n_levels": 7, "eta": "1/20"}),
    "geometric": (D16, {"n_levels": None, "smallest_level": Fraction(1, 64)}),
    "trace": (D16, {"key_family": "trace"}),
    "signs": (D16, {"key_family": "signs"}),
    "gaussian": (D16, {"key_family": "gaussian"}),
    "greedy": (D16, {"key_family": "greedy"}),
    "hart": (HART, {}),
    "scaled": (replace(D16, rule_name="1/sqrt(d)"), {}),
    "tiny": (Geometry("tiny", ScaleSchedule.square([1, 2]), 3), {}),
}


@pytest.mark.parametrize("name", first_now(sorted(PLANS, key=["greedy", "hart"].count), len(PLANS) - 2))
def test_every_symbol_is_decoded_under_the_worst_allowed_error(name: str) -> None:
    """Law: outputs pushed to either end of the guarantee still decode to Alice's symbols, all T d of them."""
    head, options = PLANS[name]
    plan = plan_reduction(head, **options)
    symbols, outputs = exact_outputs(plan)
    for error in (-float(plan.grid.eta), 0.0, float(plan.grid.eta)):
        pushed = outputs * (1 + error) if plan.grid.guarantee == "relative" else outputs + error
        assert np.array_equal(plan.grid.decode(pushed), symbols), error


def test_leakage_is_below_its_bound() -> None:
    """Law: the weight that misses the asked token is at most (n - 1) exp(-lambda (1 - mu)), for every cached token."""
    plan = plan_reduction(D16)
    n_cached = plan.shape[0]
    weights = attention(plan.queries[:n_cached], plan.keys.unit, np.eye(680), rule=plan.rule)
    assert (1 - weights[np.arange(n_cached), np.arange(n_cached)]).max() <= float(plan.leakage)


def test_known_multipliers() -> None:
    """Known value: n = 680 keys at 1/8; the default leaks half of what two levels tolerate."""
    plan = plan_reduction(D16, eta=0)
    assert plan.coherence == Fraction(1, 8)
    assert 0.2499 < float(plan.leakage) <= 0.25
    assert plan_reduction(D16, guarantee="additive", n_levels=None).grid.n_levels == 50


def test_the_rules_give_the_same_logits() -> None:
    """Metamorphic: under 1/sqrt(d) the queries are longer, and the outputs are the same up to rounding."""
    l2 = plan_reduction(D16, multiplier=12)
    scaled = plan_reduction(replace(D16, rule_name="1/sqrt(d)"), multiplier=12)
    assert isinstance(scaled.rule, Scaled)
    assert np.abs(exact_outputs(l2)[1] - exact_outputs(scaled)[1]).max() <= 2 * float(l2.rounding)


def test_json_round_trip() -> None:
    """Law: what crosses to the parties rebuilds the same reduction."""
    plan = plan_reduction(D16, guarantee="additive", n_levels=5, key_family="gaussian", seed=9)
    again = Reduction.from_json(plan.to_json())
    assert again.to_json() == plan.to_json()
    assert np.array_equal(again.queries, plan.queries)
    assert again.in_model_r2 is not None


def test_query_blocks_cover_the_tokens_once() -> None:
    """Definition: blocks no longer than the last scale, in order, every cached token once."""
    for schedule in (D16.schedule, ScaleSchedule.square([1, 2, 3]), ScaleSchedule.square([5, 1])):
        blocks = list(QueryBlocks(schedule))
        assert [token for block in blocks for token in block] == list(range(schedule.n_tokens_cached))
        assert max(map(len, blocks)) <= schedule.tokens_at(schedule.n_scales - 1)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"eta": 1}, "eta must lie in .* nearest possible value"),
        ({"eta": "3/2"}, "eta must lie in"),
        ({"eta": "1/2", "guarantee": "additive"}, "eta must be below 1/2"),
        ({"multiplier": 101}, "must not exceed the cap 100 .* nearest possible value is 100"),
        ({"multiplier": 5}, r"2 \(tau \+ rho\) >= 1 - eta .* nearest possible lambda is 8\.2"),
        ({"multiplier": 0}, "lambda must be > 0"),
        ({"n_levels": 1}, "levels must be at least 2"),
        ({"n_levels": 60, "guarantee": "additive"}, "between 2 and 50 .* nearest possible value is 50"),
        ({"n_levels": 5000}, "levels must be at most .* nearest possible value"),
        ({"guarantee": "both"}, "guarantee must be"),
        ({"key_family": "trice"}, "did you mean"),
    ],
)
def test_impossible_requests_are_refused_with_the_nearest_value(options: dict[str, Any], reason: str) -> None:
    """Bad input: the reason and the nearest possible value."""
    with pytest.raises(InvalidArgument, match=reason):
        plan_reduction(D16, **options)


def test_too_many_tokens_for_the_dimension() -> None:
    """Bad input: T too large for d, by count and by coherence."""
    with pytest.raises(ImpossibleReduction, match="nearest possible head dimension is 10"):
        plan_reduction(replace(D16, d=4))
    with pytest.raises(ImpossibleReduction, match=r"the least lambda.* must not exceed the cap .* leaks too much"):
        plan_reduction(Geometry("long", ScaleSchedule.square([1, 14, 15]), 9), eta="0.99999999")
    with pytest.raises(ImpossibleReduction, match="one scale"):
        Geometry("short", ScaleSchedule.square([4]), 8)
    with pytest.raises(InvalidArgument, match="d must be"):
        Geometry("flat", ScaleSchedule.square([1, 4]), 0)


@pytest.mark.parametrize("seed", range(4))
def test_a_transcript_tells_the_truth(seed: int) -> None:
    """Law: the decoded symbol is Alice's, the enclosure holds the float, and the leakage is below its bound."""
    story = narrate(plan_reduction(D16, seed=seed))
    assert story.decoded == story.bit
    assert abs(story.output - story.output_low) <= story.rounding_bound
    assert abs(story.output - story.output_high) <= story.rounding_bound
    assert 0 < story.leakage <= story.leakage_bound
    assert abs(story.weight + story.leakage - 1) < 1e-12
    assert story.margin > story.rounding_bound
    assert "right" in story.lines()[-1][1]


def test_a_transcript_outside_the_cache_is_refused() -> None:
    """Bad input: tokens of the last scale are Bob's own."""
    with pytest.raises(InvalidArgument, match="nearest valid choice is 423"):
        narrate(plan_reduction(D16), token=424)
    with pytest.raises(InvalidArgument, match="coordinate must lie in"):
        narrate(plan_reduction(D16), coordinate=64)
