"""Truth: a sample of questions is answered as the whole game answers them, and its interval holds for that game."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.registry import find_cache, play
from lowerbound.certify.design.payload_game import payload_game
from lowerbound.core.decoder import paged
from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.recorded import exact_keys
from lowerbound.core.models import find_geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument
from lowerbound.game import channel
from lowerbound.game import duel as home
from lowerbound.game.channel import Isolation
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.protocol import CacheProtocol
from lowerbound.game.recorded import plan_recorded
from lowerbound.game.reduction import Reduction, plan_reduction
from lowerbound.game.sample import MOST_QUESTIONS, Sample
from lowerbound.game.verdict import KEEPS
from tests.core.keys.test_recorded import crowded

HEAD = Geometry("a decoder", paged(60), 16)
SEED = PrivateSeed.parse("9")


def plan(stack: tuple[int, int] = (1, 1)) -> Reduction:
    """The game of bits on a head with one own token, or on a stack of such heads."""
    one = plan_reduction(HEAD, eta=Fraction(1, 20), guarantee="additive")
    return one if stack == (1, 1) else one.stacked(stack)


@pytest.mark.parametrize("stack", [(1, 1), (2, 3)])
@pytest.mark.parametrize("name", ["full-fp16", "window", "h2o", "kivi", "subgen", "balancekv"])
def test_a_sample_is_read_off_the_whole_game(name: str, stack: tuple[int, int]) -> None:
    """Differential: at every position of a sample, Bob names the symbol that he names when he is asked for all."""
    family, cache = plan(stack), find_cache(name)
    protocol = CacheProtocol(family, lambda: cache(family.public(Fraction(1, 2))))
    messages = [protocol.alice(family.symbols_of(family.draw(SEED, trial))) for trial in range(2)]
    questions = [family.questions(Sample(300), SEED, trial) for trial in range(2)]
    for whole, some, positions in zip(
        protocol.bobs(messages), protocol.bobs(messages, questions), questions, strict=True
    ):
        assert np.array_equal(some, whole.reshape(-1)[positions])


def test_positions_are_uniform() -> None:
    """Law: over many draws each position of a matrix of symbols is asked for equally often, and trials differ."""
    shape, count = (6, 5), 30 * 1000
    first, second = (Sample(count).positions(SEED, trial, shape) for trial in (0, 1))
    asked = np.bincount(first, minlength=30)
    assert len(asked) == 30
    assert float(((asked - 1000) ** 2 / 1000).sum()) < 83.0  # chi-square with 29 degrees of freedom, 1 in 2,000,000
    assert not np.array_equal(first, second)


def test_intervals_contain_the_whole_games_error() -> None:
    """Law: the interval of a sample contains the error rate that the whole game has on the same instance."""
    whole = play(plan(), "h2o", instances=SEED, isolation=Isolation.NONE)
    some = play(plan(), "h2o", instances=SEED, isolation=Isolation.NONE, sample=200)
    assert (whole.asked, some.asked, some.symbols) == (whole.symbols, 200, whole.symbols)
    assert some.error_low <= whole.error <= some.error_high
    assert some.state_bits == whole.state_bits
    assert 0 < some.floor_bits < whole.floor_bits
    assert some.error == some.errors / 200


def test_a_sample_without_an_error_keeps_no_promise() -> None:
    """Definition: a sample that Bob read without an error is told as such, and never as a promise that was kept."""
    row = play(plan(), "full-fp16", isolation=Isolation.NONE, sample=50, trials=2)
    assert row.errors == 0
    assert row.verdict == "no error in a sample of 50 of 960 questions" != KEEPS
    broken = play(plan(), "random", isolation=Isolation.NONE, sample=50, trials=2)
    assert broken.verdict.startswith("misreads")
    assert broken.error == broken.errors / 100


@pytest.mark.parametrize("isolation", [Isolation.NONE, Isolation.PROCESS])
def test_alice_does_not_see_the_questions(isolation: Isolation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgery: what Alice is told is the same with a sample as without one; only Bob's job lists positions."""
    jobs: dict[str, dict[str, Any]] = {}
    original = channel.converse

    def overheard(role: str, job: dict[str, Any], *rest: Any, **terms: Any) -> Any:
        jobs[role] = job["games"][0]
        return original(role, job, *rest, **terms)  # type: ignore[arg-type]

    monkeypatch.setattr(home, "converse", overheard)
    play(plan(), "window", isolation=isolation, instances=SEED)
    without = dict(jobs)
    play(plan(), "window", isolation=isolation, instances=SEED, sample=40)
    assert jobs["alice"] == without["alice"]
    assert jobs["bob"] == without["bob"] | {"questions": [Sample(40).positions(SEED, 0, (60, 16)).tolist()]}


def test_games_whose_symbols_are_read_together_refuse_samples() -> None:
    """Definition: keys and values, and token ids of model R2, are refused in one sentence before anything is played."""
    secret_keys: HardFamily = payload_game(HEAD, "C", eta=Fraction(1, 20))
    with pytest.raises(ImpossibleReduction, match="read one by one, got a game of"):
        play(secret_keys, "full", sample=10)
    with pytest.raises(ImpossibleReduction, match="in model R2"):
        play(plan_reduction(find_geometry("var-d16")), "recompute", sample=10)


@pytest.mark.parametrize("count", [0, -1, MOST_QUESTIONS + 1, True, 1.5])
def test_bad_numbers_are_refused(count: Any) -> None:
    """Forgery: a number of questions that is none is refused."""
    with pytest.raises(InvalidArgument, match=r"sample must be an integer in \[1, 1048576\]"):
        play(plan(), "full", sample=count)


def test_a_sample_of_recorded_tokens_asks_for_readable_ones_alone() -> None:
    """Differential: under recorded keys, of which some cannot be read, a sample is read off the whole game too."""
    head = Geometry("a recorded head", ScaleSchedule.square([1, 2, 3, 4]), 8)
    rows = crowded(head.n_tokens, head.d)
    rows[3] = rows[20] + 1e-3 * rows[5]
    family = plan_recorded(head, exact_keys(rows), multiplier=40)
    assert 3 not in family.readable
    cache = find_cache("window")
    protocol = CacheProtocol(family, lambda: cache(family.public(Fraction(1, 2))))
    message, positions = protocol.alice(family.draw(SEED, 0)), family.questions(Sample(100), SEED, 0)
    (some,) = protocol.bobs([message], [positions])
    assert np.array_equal(some, protocol.bob(message).reshape(-1)[positions])
