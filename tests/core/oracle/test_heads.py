"""Truth here: many heads and trials asked at once are answered as one by one, within the derived bound."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lowerbound.caches.registry import find_cache
from lowerbound.core.coins import Coins
from lowerbound.core.geometry import Geometry
from lowerbound.core.oracle import heads
from lowerbound.core.oracle.attention import attention
from lowerbound.core.oracle.heads import Question, answers
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game import protocol
from lowerbound.game.protocol import CacheProtocol
from lowerbound.game.reduction import plan_reduction

D = 8


def asked(count: int, n_tokens: int, rule: Rule, purpose: str, *, is_shared: bool) -> list[Question]:
    """So many questions of 5 queries, with keys and queries in common or not."""
    coins = Coins(0, purpose).generator()
    one = coins.standard_normal((5, D)), coins.standard_normal((n_tokens, D))
    return [
        Question(
            *(one if is_shared else (coins.standard_normal((5, D)), coins.standard_normal((n_tokens, D)))),
            coins.random((n_tokens, D)),
            rule,
        )
        for _ in range(count)
    ]


@pytest.mark.parametrize("rule", [Scaled(), L2Norm(30.0)], ids=["scaled", "l2norm"])
def test_many_heads_are_answered_as_one_by_one(rule: Rule) -> None:
    """Differential: groups that share keys, and heads alone, mixed, against one call a head."""
    shared, alone = asked(4, 70, rule, "shared", is_shared=True), asked(3, 33, rule, "alone", is_shared=False)
    mixed = [shared[0], alone[0], shared[1], alone[1], alone[2], shared[2], shared[3]]
    for question, found in zip(mixed, answers(mixed), strict=True):
        exact = attention(question.queries, question.keys, question.values, rule=rule)
        longest = max(float(np.linalg.norm(rows, axis=1).max()) for rows in (question.queries, question.keys))
        largest = 30.0 if isinstance(rule, L2Norm) else longest**2 / D**0.5
        bound = rounding_bound(d=D, n_tokens=70, max_logit=largest, max_value=1.0)
        assert np.abs(found - exact).max() <= 2 * bound


def test_shared_keys_are_multiplied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: heads with the same keys and queries are one call, with all their values side by side."""
    widths = []

    def counted(queries: object, keys: object, values: np.ndarray, *, rule: Rule) -> object:
        widths.append(values.shape[1])
        return attention(queries, keys, values, rule=rule)

    monkeypatch.setattr(heads, "attention", counted)
    answers(asked(4, 70, Scaled(), "shared", is_shared=True) + asked(2, 70, Scaled(), "alone", is_shared=False))
    assert sorted(widths) == [D, D, 4 * D]
    widths.clear()
    monkeypatch.setattr(heads, "COLUMNS_AT_ONCE", 3 * D)
    answers(asked(4, 70, Scaled(), "shared", is_shared=True))
    assert sorted(widths) == [D, 3 * D], "no more columns at once than that"


def test_a_fingerprint_alone_does_not_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgery: where all fingerprints collide, heads with keys of their own are still answered from their own."""
    apart = asked(3, 70, Scaled(), "alone", is_shared=False)
    wanted = [attention(one.queries, one.keys, one.values, rule=one.rule) for one in apart]
    monkeypatch.setattr(Question, "fingerprint", lambda self: 0)
    for found, exact in zip(answers(apart), wanted, strict=True):
        assert np.array_equal(found, exact)


def test_nothing_is_answered_by_zeros() -> None:
    """Definition: heads that remember nothing answer zeros, alone and among others."""
    none, some = asked(2, 0, Scaled(), "none", is_shared=True), asked(1, 3, Scaled(), "some", is_shared=True)
    assert not np.any(answers(none))
    assert not np.any(answers([none[0], *some])[0])
    assert np.any(answers([none[0], *some])[1])


@pytest.mark.parametrize("cache", ["full", "window", "h2o", "kivi", "subgen"])
@pytest.mark.parametrize("stack", [(1, 1), (2, 3)])
def test_messages_are_read_at_once_as_one_by_one(
    cache: str, stack: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: Bob's symbols do not depend on how many messages he reads at once; those that share nothing neither."""
    monkeypatch.setattr(protocol, "MESSAGES_AT_ONCE", 3)
    place = Geometry("small", ScaleSchedule(((2, 2), (3, 3), (4, 4))), D, stack=stack)
    plan = plan_reduction(place, seed=1)
    public = plan.public(Fraction(1, 2) if cache != "full" else None)
    game = CacheProtocol(plan, lambda: find_cache(cache)(public))
    messages = [game.alice(plan.symbols_of(plan.draw(PrivateSeed(0), trial))) for trial in range(5)]
    one_by_one = [game.bob(message) for message in messages]
    assert np.array_equal(game.bobs(messages), one_by_one)
    assert not np.array_equal(one_by_one[0], one_by_one[1])
