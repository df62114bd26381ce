"""Truth here: a tournament is its games, one after another, whoever runs them and in whatever order they end."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Any

import pytest

from lowerbound.caches import tournament
from lowerbound.caches.registry import ADAPTERS, CACHES, adapters_at_hand, find_cache, known_caches, play, target_of
from lowerbound.errors import (
    AccountingError,
    CacheContractBroken,
    InvalidArgument,
    LowerBoundError,
    TimeLimitExceeded,
    UnknownName,
)
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender, Row, duels
from lowerbound.game.reduction import Reduction
from tests.forgeries.broken import Slow
from tests.marks import first_now

HALF = Fraction(1, 2)


def measured(row: Row | LowerBoundError) -> tuple[object, ...]:
    """Everything of a row but its seconds and its isolation."""
    assert isinstance(row, Row), row
    return row.cache, row.budget, row.state_bits, row.scale_bits, row.errors, row.ledger, row.claimed_ratio, row.heads


@pytest.mark.slow
@pytest.mark.parametrize("level", [Isolation.NONE, Isolation.PROCESS])
def test_outcomes_come_in_the_order_of_the_games(small: Reduction, level: Isolation) -> None:
    """Differential: the same rows as of single duels, in the order asked for, in one process or in many."""
    games = [("h2o", HALF), ("full-fp16", None), ("prefixkv", None), ("kivi", Fraction(1, 4)), ("h2o", Fraction(1, 4))]
    told: list[str] = []
    played = list(tournament.tournament(small, games, trials=2, isolation=level, time_limit_s=60, on_wait=told.append))
    assert [name for name, _ in played] == told == [name for name, _ in games]
    for (_, row), (name, budget) in zip(played, games, strict=True):
        assert measured(row) == measured(play(small, name, budget=budget, trials=2, isolation=Isolation.NONE))


@pytest.mark.parametrize("level", first_now([Isolation.NONE, Isolation.PROCESS]))
def test_games_that_share_parties_are_as_if_alone(small: Reduction, level: Isolation) -> None:
    """Differential: several caches in one Alice and one Bob give the rows of single duels; a failure is its own."""
    entries = [
        Contender(target_of("h2o"), HALF, "h2o"),
        Contender("tests.forgeries.broken:NotANumber", None, "broken"),
        Contender(target_of("h2o"), Fraction(1, 50), "too small"),
        Contender(target_of("golay"), None, "golay"),
    ]
    h2o, broken, refused, golay = duels(small, entries, isolation=level)
    assert isinstance(broken, CacheContractBroken)
    assert isinstance(refused, InvalidArgument)
    assert "1/21" in str(refused)
    assert measured(h2o) == measured(play(small, "h2o", budget=HALF, isolation=Isolation.NONE))
    assert measured(golay) == measured(play(small, "golay", isolation=Isolation.NONE))


@pytest.mark.slow
@pytest.mark.parametrize("level", first_now([Isolation.PROCESS, Isolation.NONE], n_slow=0))
def test_time_is_limited_for_each_game(small: Reduction, level: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a game over its limit is late though those that share its parties leave time enough, and they stand."""
    monkeypatch.setattr(Slow, "naps", [4.5])
    quick = Contender(target_of("exact"))
    slow, *others = duels(
        small, [Contender("tests.forgeries.broken:Slow"), *[quick] * 7], isolation=level, time_limit_s=4.0
    )
    assert isinstance(slow, TimeLimitExceeded)
    assert "within 4 s" in str(slow)
    assert all(isinstance(row, Row) for row in others)


@pytest.mark.slow
@pytest.mark.parametrize(("ending", "time_limit_s"), first_now([("Dies", 60.0), ("Hangs", 4.0)], n_slow=0))
def test_who_ends_a_heat_pays_alone(small: Reduction, ending: str, time_limit_s: float) -> None:
    """Law: where a cache never answers, or kills the process, the other games of its heat are played without it."""
    heat = [Contender(target_of("exact")), Contender(f"tests.forgeries.broken:{ending}"), Contender(target_of("golay"))]
    exact, broken, golay = duels(small, heat, isolation=Isolation.PROCESS, time_limit_s=time_limit_s)
    assert isinstance(broken, TimeLimitExceeded if ending == "Hangs" else CacheContractBroken)
    assert isinstance(exact, Row)
    assert isinstance(golay, Row)


def test_who_shares_parties() -> None:
    """Definition: our own caches by sixteens, or in as many pairs of processes as asked for; a library's adapters among
    themselves, foreign caches with nobody."""
    foreign = Contender("tests.forgeries.broken:NotANumber")
    names = [*["h2o"] * 17, "kvpress:SnapKVPress", "kvpress:KnormPress", "transformers:QuantizedCache", "full"]
    entries = [foreign, *(Contender(target_of(name)) for name in names), foreign, foreign]
    for pairs, lengths in ((1, [1, 16, 1, 2, 1, 1, 1, 1]), (2, [1, 9, 8, 2, 1, 1, 1, 1])):
        heats = list(tournament._heats(entries, pairs))
        assert [len(heat) for heat in heats] == lengths
        assert [entry for heat in heats for entry in heat] == entries


@pytest.mark.slow
def test_long_games_are_shared_out(small: Reduction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differential: the rows of long games, with as many pairs of processes as processors, are those of short ones."""
    games = [("full", None), ("h2o", HALF), ("golay", None)]
    terms: dict[str, Any] = {"trials": 1, "isolation": Isolation.PROCESS, "time_limit_s": 60, "on_wait": lambda _: None}
    together = list(tournament.tournament(small, games, **terms))
    lengths: list[int] = []

    def counted(plan: Reduction, heat: list[Contender], **own: Any) -> list[Row | LowerBoundError]:
        lengths.append(len(heat))
        return duels(plan, heat, **own)

    monkeypatch.setattr(tournament, "duels", counted)
    monkeypatch.setattr(tournament, "SOON_READ", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    apart = list(tournament.tournament(small, games, **terms))
    assert lengths == [1, 1, 1]
    assert [name for name, _ in apart] == ["full", "h2o", "golay"]
    assert [measured(row) for _, row in apart] == [measured(row) for _, row in together]


def test_a_smuggler_among_others_is_refused_alone(small: Reduction) -> None:
    """Forgery: what escaped the bytes is an accounting error of that game, and the others stand."""
    entries = [Contender("tests.forgeries.smugglers:ClassAttribute", None, "smuggler"), Contender(target_of("exact"))]
    smuggler, exact = duels(small, entries, isolation=Isolation.NONE)
    assert isinstance(smuggler, AccountingError)
    assert isinstance(exact, Row)


def test_standard_budgets() -> None:
    """Definition: a method with a nominal budget is played at 1/8, 1/4 and 1/2, another once."""
    assert tournament.at_standard_budgets(["h2o", "golay"], Isolation.NONE) == [
        ("h2o", Fraction(1, 8)),
        ("h2o", Fraction(1, 4)),
        ("h2o", HALF),
        ("golay", None),
    ]


@pytest.mark.slow
def test_adapters_are_found_by_their_library() -> None:
    """Definition: "kvpress:SnapKVPress" is that class of a module of the library; it is described without it."""
    for prefix, library in ADAPTERS.items():
        for name, target in library.classes.items():
            assert target_of(f"{prefix}:{name}") == target
            assert target.rpartition(":")[2] == name
            facts = find_cache(f"{prefix}:{name}").facts()
            assert (facts.family, facts.computation_model) == ("third-party", "R1")
            assert "Bits:" in facts.text or "Bits, " in facts.text
            assert "Broken by:" in facts.text
    assert not {name for name in CACHES if ":" in name}
    assert set(known_caches()) >= {*CACHES, "kvpress:SnapKVPress", "transformers:QuantizedCache", "fla:ABC"}


def test_adapters_at_hand_or_missing() -> None:
    """Law: every library is either at hand with all its classes or missing with its name."""
    names, missing = adapters_at_hand()
    for prefix, library in ADAPTERS.items():
        here = {f"{prefix}:{name}" for name in library.classes} & set(names)
        assert len(here) == (0 if prefix in missing else len(library.classes))


def test_unknown_adapters_are_refused() -> None:
    """Bad input: a class that the library's adapters lack names the nearest."""
    with pytest.raises(UnknownName, match="kvpress:SnapKVPress"):
        target_of("kvpress:SnapKvPress")
