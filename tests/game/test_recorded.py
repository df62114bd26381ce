"""The game on recorded keys: what can be read is read under the worst allowed error, and nothing else is asked for."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.registry import target_of
from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.recorded import exact_keys, own_weights
from lowerbound.core.oracle.attention import attention
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Row, duel
from lowerbound.game.party import family_of
from lowerbound.game.recorded import RecordedReduction, plan_recorded
from lowerbound.game.story import narrate
from tests.core.keys.test_recorded import crowded

HEAD = Geometry("a recorded head", ScaleSchedule.square([1, 2, 3, 4]), 8)
"""Fourteen cached tokens, sixteen of the last map."""
ROWS = crowded(HEAD.n_tokens, HEAD.d)
ROWS[3] = ROWS[20] + 1e-3 * ROWS[5]
KEYS = exact_keys(ROWS)
"""Natural keys; token 3 points where a token of the last map does, so that no query addresses it."""
PARTLY = plan_recorded(HEAD, KEYS, multiplier=40)


def played(plan: RecordedReduction, cache: str, **terms: Any) -> Row:
    return duel(plan, target_of(cache), isolation=Isolation.NONE, instances=PrivateSeed(3), **terms)


@pytest.mark.parametrize(
    "plan",
    [
        plan_recorded(HEAD, KEYS),
        plan_recorded(HEAD, KEYS, n_levels=9),
        plan_recorded(HEAD, KEYS, guarantee="relative", eta="1/3"),
        PARTLY,
        plan_recorded(HEAD, KEYS, multiplier=50, eta=0, n_levels=3),
    ],
    ids=lambda plan: f"{plan.grid.guarantee}-{plan.grid.n_levels}-{float(plan.multiplier):g}-{len(plan.readable)}",
)
@pytest.mark.parametrize("sign", [-1, 0, 1])
def test_every_symbol_is_decoded_under_the_worst_allowed_error(plan: RecordedReduction, sign: int) -> None:
    """Law: exact answers pushed to either end of the guarantee decode to Alice's symbols."""
    symbols = plan.draw(PrivateSeed(7), 0)
    keys, values = (part[0, 0] for part in plan.tokens(symbols))
    eta, reading, read = float(plan.grid.eta), plan.reading(), None
    run = next(reading)
    while read is None:
        all_keys, all_values = np.concatenate([keys, run.keys[0, 0]]), np.concatenate([values, run.values[0, 0]])
        outputs = attention(run.queries[0, 0], all_keys, all_values, rule=plan.rule)
        pushed = outputs * (1 + sign * eta) if plan.grid.guarantee == "relative" else outputs + sign * eta
        try:
            run = reading.send(pushed[None, None])
        except StopIteration as done:
            read = done.value
    assert (read == symbols).all()


def test_readable_tokens_are_the_heavy_ones() -> None:
    """Definition: at additive eta and two levels, those with an own weight over 1/2 + eta, none that crowds."""
    for multiplier in (20, 40, 100):
        weights = own_weights(ROWS, HEAD.n_tokens_cached, multiplier)
        plan = plan_recorded(HEAD, KEYS, multiplier=multiplier)
        assert list(plan.readable) == np.flatnonzero(weights > 0.51).tolist()
        assert 3 not in plan.readable
        assert float(plan.leakage) == pytest.approx(1 - weights[list(plan.readable)].min())
    assert 0 < len(plan_recorded(HEAD, KEYS, multiplier=20).readable) < len(PARTLY.readable) < HEAD.n_tokens_cached


def test_tokens_that_cannot_be_read_carry_nothing() -> None:
    """Definition: their values are 0, and symbols are counted for the others alone."""
    assert PARTLY.n_symbols == len(PARTLY.readable) * HEAD.d
    values = PARTLY.tokens(np.ones(PARTLY.shape, dtype=np.int64))[1][0, 0]
    left = sorted(set(range(HEAD.n_tokens_cached)) - set(PARTLY.readable))
    assert not values[left].any()
    assert (values[list(PARTLY.readable)] == 1).all()


def test_a_cache_that_keeps_all_reads_all() -> None:
    """Law: Bob reads every symbol from a full cache, and the floor counts readable tokens; one that drops some errs."""
    row = played(PARTLY, "full-fp32")
    assert (row.errors, row.symbols) == (0, PARTLY.n_symbols)
    assert 0 < row.floor_bits <= PARTLY.n_symbols < row.state_bits
    dropping = played(PARTLY, "window", budget="1/2")
    assert dropping.errors > 0
    assert dropping.state_bits < row.state_bits


def test_heads_have_values_of_their_own() -> None:
    """Law: two layers of two heads on the same keys are four times the symbols, all read."""
    row = played(PARTLY.stacked((2, 2)), "full-fp32")
    assert (row.errors, row.symbols) == (0, 4 * PARTLY.n_symbols)


def test_the_family_survives_json() -> None:
    """Law: Alice and Bob play on the same keys as the judge, who sends them as JSON."""
    again = family_of("recorded").from_json(json.loads(json.dumps(PARTLY.to_json())))
    assert isinstance(again, RecordedReduction)
    assert again.to_json() == PARTLY.to_json()
    assert (again.queries == PARTLY.queries).all()


def test_the_story_of_one_symbol() -> None:
    """Definition: it is told of a readable token; another has no symbol, and the nearest that has one is offered."""
    told = narrate(PARTLY, token=PARTLY.readable[-1], instances=PrivateSeed(1))
    assert told.decoded == told.bit
    assert told.leakage <= told.leakage_bound
    assert any("exact sum over the recorded keys" in what for _, what in told.lines())
    with pytest.raises(InvalidArgument, match=r"token must be one that can be read.*nearest"):
        narrate(PARTLY, token=3)


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"multiplier": 101}, InvalidArgument, r"lambda must lie in \(0, 100\]"),
        ({"multiplier": 0}, InvalidArgument, r"lambda must lie in \(0, 100\]"),
        ({"n_levels": 1}, InvalidArgument, "levels must be at least 2"),
        ({"n_levels": 3, "guarantee": "relative"}, InvalidArgument, "2 under a relative guarantee"),
        ({"eta": "1/2"}, ImpossibleReduction, r"eta must lie in \[0, 1/2\)"),
        ({"guarantee": "exact"}, InvalidArgument, "guarantee must be"),
        ({"multiplier": 1}, ImpossibleReduction, "none of 14 gets more than"),
        ({"n_levels": 51}, ImpossibleReduction, "some token must get more than"),
    ],
)
def test_what_cannot_be_planned_is_refused(change: dict[str, Any], kind: type[Exception], sentence: str) -> None:
    """Bad input: one sentence, before a game."""
    with pytest.raises(kind, match=sentence):
        plan_recorded(HEAD, KEYS, **change)


def test_other_heads_are_refused() -> None:
    """Bad input: another rule, another number of tokens, and the public network of model R2."""
    with pytest.raises(ImpossibleReduction, match="l2norm rule"):
        plan_recorded(Geometry("scaled", HEAD.schedule, HEAD.d, "1/sqrt(d)"), KEYS)
    with pytest.raises(InvalidArgument, match=r"keys must have shape \(30, 8\)"):
        plan_recorded(HEAD, exact_keys(ROWS[:-1]))
    with pytest.raises(ImpossibleReduction, match="recorded keys"):
        PARTLY.in_model_r2()


def test_the_grid_covers_leakage_and_rounding() -> None:
    """Law: the blur of the grid is at least what the others take, and the rounding of float64."""
    assert PARTLY.grid.leakage == PARTLY.leakage + PARTLY.rounding
    assert PARTLY.rounding > Fraction(0)
