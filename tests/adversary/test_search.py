"""The adversary: what it must break, what it must not, and that a witness says the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pytest

from lowerbound.adversary import search as adversary
from lowerbound.adversary.outcome import Broken, NotBroken, Trial
from lowerbound.adversary.search import attack
from lowerbound.adversary.shrink import cost
from lowerbound.caches.registry import CACHES, find_cache
from lowerbound.certify.witness import instance_of, rerun, witness
from lowerbound.core.cache import Cache
from lowerbound.core.geometry import Geometry
from lowerbound.core.oracle.enclosure import attention_ball
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.scalars import lower_fraction, upper_fraction
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CacheContractBroken, InvalidArgument, TimeLimitExceeded, UnknownName
from lowerbound.game.channel import Isolation
from lowerbound.kernel.document import read_document
from lowerbound.kernel.verdict import Outcome
from tests.marks import first_now

QUARTER = Fraction(1, 4)
EXAMPLES = PrivateSeed(0)
SMALL = Geometry("small", ScaleSchedule.parse("1x4 1x1"), 5)
DROPPING = [
    *("window", "window-scales", "h2o", "streaming", "snapkv", "tova", "fastvar", "prefixkv", "pyramidkv"),
    *("scalekv", "scalekv-code", "hack", "ams-kv"),
]
"""Whoever keeps some tokens and forgets the others."""
MIXING = [
    *("window-sum", "subgen", "subgen-centres", "balancekv", "diffrate", "loma", "loma-best", "topology"),
    *("lorc", "lorc-oracle", "abc-mlp", "abc-mlp-separate", "abc-linformer", "abc-cluster", "abc-random"),
    *("abc-compressive", "abc-window", "less-random", "less-features", "less-fitted"),
]
"""Whoever merges, sums, samples or projects them."""
ROUNDING = ["uniform", "kivi", "turboquant", "turboquant-prod", "qjl", "qjl-gaussian", "gear-kcvt", "step-codec"]


@cache
def broken_at_a_quarter(name: str) -> Broken:
    """The outcome at budget 1/4 and a relative eta of 1/100, on the smallest place."""
    return broken(name)


def broken(name: str, **terms: Any) -> Broken:
    """The outcome, which must be that."""
    outcome = attack(name, **{"budget": QUARTER, "instances": EXAMPLES, "isolation": Isolation.NONE, **terms})
    assert isinstance(outcome, Broken), outcome
    return outcome


def not_broken(name: str, **terms: Any) -> NotBroken:
    """The outcome, which must be that."""
    outcome = attack(name, **{"budget": QUARTER, "instances": EXAMPLES, "isolation": Isolation.NONE, **terms})
    assert isinstance(outcome, NotBroken), outcome.to_json()
    return outcome


def test_every_evicting_cache_is_attacked() -> None:
    """Law: the lists above name every cache of the families that forget."""
    families = {"eviction", "window", "merging", "sampling", "recurrent"}
    forgetting = {name for name in CACHES if find_cache(name).family in families}
    assert forgetting <= {*DROPPING, *MIXING}


@pytest.mark.parametrize("name", [*first_now(DROPPING, 2, 8), *first_now(MIXING, 1, 4), *first_now(ROUNDING, 1, 4)])
def test_they_break_at_a_quarter(name: str) -> None:
    """Law: each breaks a relative promise of 1/100, on at most 12 tokens; kernel and cache confirm the witness."""
    outcome = broken_at_a_quarter(name)
    assert len(outcome.violation.instance.tokens.keys) <= 12
    assert cost(outcome.violation.instance) <= cost(outcome.first.instance)
    assert rerun(witness(name, outcome.violation), isolation=Isolation.NONE).outcome is Outcome.VERIFIED


@pytest.mark.parametrize("name", first_now([*DROPPING, "window-sum", "abc-compressive", "abc-window"], 6))
def test_shrunk_witnesses_are_small(name: str) -> None:
    """Law: what drops or averages tokens breaks on at most 5 of them in R^1, with entries 0, 1 and -1 alone."""
    instance = broken_at_a_quarter(name).violation.instance
    assert len(instance.tokens.keys) <= 5
    assert instance.terms.d == 1
    assert np.isin(instance.tokens.keys, [-1, 0, 1]).all()
    assert np.isin(instance.tokens.values, [0, 1]).all()


@pytest.mark.parametrize("name", first_now(["streaming", "h2o", "abc-mlp", "golay", "kivi"], 4))
def test_a_witness_says_the_truth(name: str) -> None:
    """Differential: the cache called by hand gives the answer, and the balls of core put the truth too far from it."""
    outcome = broken_at_a_quarter(name)
    statement, certificate = read_document(witness(name, outcome.violation))
    claim, payload = statement["claim"], certificate["payload"]
    instance = instance_of(claim, payload)
    terms, tokens = instance.terms, instance.tokens
    made, state = find_cache(name), None
    assert issubclass(made, Cache)
    for scale in range(terms.schedule.n_scales):
        head = made(terms.public)
        if state is not None:
            head.decode(state)
        rows = terms.schedule.rows_of(scale)
        head.append(tokens.keys[rows], tokens.values[rows], scale, tokens.queries[rows])
        if scale < terms.schedule.n_scales - 1:
            state = head.encode()
    answer = Fraction(float(head.attend(instance.queries)[0, payload["coordinate"]]))
    assert answer == Fraction(payload["answer"])
    keys, values = tokens.keys.tolist(), tokens.values.tolist()
    truth = attention_ball(instance.queries[0].tolist(), keys, values, rule=terms.rule)[payload["coordinate"]]
    low, high = lower_fraction(truth), upper_fraction(truth)
    assert min(abs(answer - low), abs(answer - high)) > terms.eta * high
    assert not low <= answer <= high


def test_the_witness_of_a_stack() -> None:
    """Law: methods that share a budget among heads are attacked through the same door, and one head's answer counts."""
    outcome = broken("prefixkv", isolation=Isolation.PROCESS)
    document = witness("prefixkv", outcome.violation)
    claim = read_document(document)[0]["claim"]
    assert (claim["layers"], claim["heads"]) == find_cache("prefixkv").stack
    assert rerun(document, isolation=Isolation.PROCESS).outcome is Outcome.VERIFIED


@pytest.mark.slow
def test_the_controls() -> None:
    """Known value: guesses are broken; what keeps all in float64, and exact symbols, are not, and neither are ids."""
    assert broken("random").attack == "gap"
    for name in ("full", "full-fp32"):
        outcome = not_broken(name, eta="1/1000", geometry=SMALL)
        assert outcome.in_time
        assert sum(trial.asked for trial in outcome.tried) > 100
        assert all(trial.failed == 0 for trial in outcome.tried)
    assert not_broken("exact").in_time
    assert not_broken("recompute").in_time


def test_every_break_stands_beside_fp16() -> None:
    """Known value: fp16 against itself has the error of the violation; against eviction it keeps the promise."""
    itself = broken("full-fp16", eta="1/100000", guarantee="relative")
    assert itself.control == pytest.approx(itself.violation.ratio)
    evicting = broken("window", budget="1/4")
    assert evicting.control < 1 < evicting.violation.ratio


@pytest.mark.slow
def test_half_precision_breaks_a_fine_promise() -> None:
    """Known value: keys in float16 move logits of size 100 by up to 100 2^-11; 1/1000 is too fine, 1/4 is not."""
    assert broken("full-fp16", eta="1/1000", geometry=SMALL).attack == "response"
    not_broken("full-fp16", eta="1/4", geometry=SMALL)


@pytest.mark.parametrize("name", ["majority", "hamming", "golay"])
def test_covering_codes_collide(name: str) -> None:
    """Law: lists of bits near each other share a codeword, on public keys and levels."""
    outcome = broken_at_a_quarter(name)
    assert outcome.attack == "collision"
    assert outcome.terms.key_family is not None


@pytest.mark.parametrize("name", ["h2o", "window-sum", "lorc", "golay"])
def test_additive_promises(name: str) -> None:
    """Law: an additive promise of 3/10 is broken too, by an answer over 3/10 away."""
    found = broken(name, guarantee="additive", eta="3/10").violation
    assert abs(found.answer - found.exact) > 0.3
    assert found.ratio == pytest.approx(abs(found.answer - found.exact) / 0.3)


@pytest.mark.slow
def test_a_wide_promise_is_kept_by_a_quantiser() -> None:
    """Known value: four bits a number stay within an additive 9/10 wherever the adversary looks."""
    assert not_broken("kivi", guarantee="additive", eta="9/10", geometry=SMALL).in_time


@pytest.mark.slow
@pytest.mark.parametrize("name", ["streaming", "kivi"])
def test_on_a_given_head_the_place_stays(name: str) -> None:
    """Law: maps and dimension of a given geometry are those of the witness, under the scaled rule as well."""
    geometry = Geometry("given", ScaleSchedule.parse("1x1 2x2 2x2"), 6, "0.25/sqrt(d)", stack=(2, 1))
    terms = broken(name, geometry=geometry).terms
    assert (terms.schedule, terms.d, terms.stack) == (geometry.schedule, 6, (2, 1))


@pytest.mark.parametrize(
    ("name", "terms", "error", "word"),
    [
        ("nope", {}, UnknownName, "known"),
        ("h2o", {"eta": 0}, InvalidArgument, "eta"),
        ("h2o", {"eta": "1"}, InvalidArgument, "eta"),
        ("h2o", {"budget": 2}, InvalidArgument, "budget"),
        ("full", {"budget": "3/2"}, InvalidArgument, "budget"),
        ("h2o", {"guarantee": "absolute"}, InvalidArgument, "guarantee"),
        ("h2o", {"time_limit_s": 0}, InvalidArgument, "time limit"),
        (
            "h2o",
            {"geometry": Geometry("wide", ScaleSchedule.parse("512x512 1x1"), 64)},
            InvalidArgument,
            "33554432 numbers",
        ),
        ("h2o", {"geometry": SMALL, "budget": "1/5"}, InvalidArgument, "budget must keep at least one"),
        ("tests.forgeries.broken:Raises", {"geometry": SMALL}, CacheContractBroken, "ZeroDivisionError"),
        ("tests.forgeries.broken:WrongShape", {"geometry": SMALL}, CacheContractBroken, "shape"),
    ],
)
def test_unusable_arguments(name: str, terms: dict[str, Any], error: type[Exception], word: str) -> None:
    """Definition: one sentence for each; a cache that fails on everything is not called unbroken."""
    with pytest.raises(error, match=word):
        attack(name, **{"budget": QUARTER, "instances": EXAMPLES, "isolation": Isolation.NONE, **terms})


def test_time_ends_the_search() -> None:
    """Law: out of time is said, and is not the same as having tried everything."""
    outcome = not_broken("full", time_limit_s=0.05)
    assert not outcome.in_time
    assert any(trial.note == "out of time" for trial in outcome.tried)


def test_a_cache_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the search does not wait for ever."""
    monkeypatch.setattr(adversary, "HEARING_S", 0.1)
    monkeypatch.setattr(adversary, "SHRINK_S", 0.1)
    with pytest.raises(TimeLimitExceeded):
        attack("tests.forgeries.broken:Hangs", geometry=SMALL, isolation=Isolation.NONE, time_limit_s=0.1)


def test_outcomes_are_plain_json() -> None:
    """Law: both outcomes survive JSON, with every trial and its note."""
    for outcome in (broken("streaming"), not_broken("full", geometry=SMALL)):
        told = json.loads(json.dumps(outcome.to_json(), allow_nan=False))
        assert told["tried"] == [trial.to_json() for trial in outcome.tried]
        assert Trial(**told["tried"][0]) == outcome.tried[0]


def test_it_tells_what_it_tries() -> None:
    """Law: each attack at each place is announced before it runs."""
    heard: list[str] = []
    watch: Callable[[str], None] = heard.append
    outcome = attack("full", geometry=SMALL, isolation=Isolation.NONE, on_try=watch)
    assert heard == [f"{trial.attack} on {trial.place}" for trial in outcome.tried]


@pytest.mark.slow
def test_a_fresh_process_has_the_last_word() -> None:
    """Forgery: a cache that errs only beside an adversary is not broken, and the trial says why."""
    outcome = attack("tests.adversary.moody:Moody", geometry=SMALL, isolation=Isolation.PROCESS)
    assert isinstance(outcome, NotBroken)
    assert "fresh process" in outcome.tried[0].note


@pytest.mark.slow
@pytest.mark.parametrize("name", first_now([*DROPPING, *MIXING], 8, n_slow=0))
@pytest.mark.parametrize("budget", first_now([Fraction(1, 2), Fraction(3, 4)], n_slow=0))
def test_they_break_at_larger_budgets(name: str, budget: Fraction) -> None:
    """Law: half and three quarters of the tokens are not all of them; what then keeps all, breaks at 1/1000."""
    outcome = broken(name, budget=budget, eta="1/1000", isolation=Isolation.PROCESS)
    assert rerun(witness(name, outcome.violation), isolation=Isolation.PROCESS).outcome is Outcome.VERIFIED


@pytest.mark.slow
@pytest.mark.parametrize("name", first_now(["streaming", "kivi", "h2o", "abc-mlp", "golay"], 2, n_slow=0))
def test_on_a_model(name: str) -> None:
    """Law: a head of VAR-d16 as it is: 680 tokens in R^64."""
    from lowerbound.core.models import find_model

    geometry = Geometry.of(find_model("var-d16"))
    outcome = broken(name, geometry=geometry, isolation=Isolation.PROCESS, time_limit_s=60)
    assert outcome.terms.schedule == geometry.schedule
    assert rerun(witness(name, outcome.violation), isolation=Isolation.PROCESS).outcome is Outcome.VERIFIED


def test_a_search_tells_the_budget_in_force() -> None:
    """Definition: without a budget the method's own default is in force, and the search and its witness say so."""
    found = attack("streaming", isolation=Isolation.NONE)
    given = attack("streaming", budget="1/2", isolation=Isolation.NONE)
    assert isinstance(found, Broken)
    assert found.terms.budget == given.terms.budget == Fraction(1, 2)
