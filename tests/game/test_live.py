"""A live party: what is asked comes back, and what is no reply is one sentence, in time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest

from lowerbound.errors import CacheContractBroken, CorruptState, InvalidArgument, LowerBoundError, TimeLimitExceeded
from lowerbound.game.channel import Isolation, walls
from lowerbound.game.live import LiveParty
from tests.conftest import require
from tests.marks import first_now

LONGEST = 2**24


def talking(main: str, level: Isolation = Isolation.PROCESS) -> LiveParty:
    return LiveParty(f"tests.game.talkers:{main}", {"cache": "none:None"}, isolation=level)


@pytest.fixture(params=first_now([Isolation.SANDBOX, Isolation.PROCESS]))
def party(request: pytest.FixtureRequest) -> Iterator[LiveParty]:
    require(request.param)
    honest = talking("honest", request.param)
    yield honest
    honest.end()


def test_what_is_asked_comes_back(party: LiveParty) -> None:
    """Law: frames of any size, more than pipes hold in either direction, one question after another."""
    for request in ([b"", b"x"], [b"a"], [os.urandom(2**22), b"", os.urandom(2**21)], [b"z"] * 1000):
        assert party.ask(request, time_limit_s=20, longest=LONGEST) == request
        party.begin(request)  # and while nobody waits for it
        assert party.finish(time_limit_s=20, longest=LONGEST) == request


def test_errors_come_back(party: LiveParty) -> None:
    """Law: an error of this package is raised with its class and sentence, and the party lives on."""
    for word, error, sentence in (
        (b"refuse", InvalidArgument, "x must be y, got z"),
        (b"corrupt", CorruptState, "a state of nobody"),
    ):
        with pytest.raises(error, match=sentence):
            party.ask([word], time_limit_s=20, longest=LONGEST)
    assert not party.ended
    assert party.ask([b"listen"], time_limit_s=20, longest=LONGEST) == [b""]


@pytest.mark.parametrize(
    ("main", "error", "sentence"),
    first_now(
        [
            ("early", CacheContractBroken, "wrote before it was asked"),
            ("talkative", CacheContractBroken, "wrote before it was asked"),
            ("endless", CacheContractBroken, "at most 16777216 bytes, got a frame of 18446744073709551615"),
            ("empty", CacheContractBroken, "must reply with frames, got 0 other bytes"),
            ("frameless", CacheContractBroken, "must reply with frames, got 3 other bytes"),
            ("wordless", CacheContractBroken, "keep to the protocol, but a failure must be an object"),
            ("strange", CacheContractBroken, "keep to the protocol, but the kind of an error must be a string"),
            ("slow", TimeLimitExceeded, "within 1 s"),
            ("deaf", TimeLimitExceeded, "within 1 s"),
            ("haunted", LowerBoundError, "ended with status 5" if walls() else "within 1 s"),
            ("mute", CacheContractBroken, "ended with status 4: no thanks"),
        ],
        2,
    ),
)
def test_what_is_no_reply(main: str, error: type[LowerBoundError], sentence: str) -> None:
    """Forgery: each is refused in one sentence, in time, and leaves no process behind."""
    party = talking(main)
    if main == "early":
        assert party._ready(30.0, writing=False)
    start = time.monotonic()
    if main == "talkative":
        party.ask([b"x"], time_limit_s=20, longest=LONGEST)
    limit_s = 1 if error is TimeLimitExceeded else 20
    with pytest.raises(error, match=sentence):
        party.ask([b"x" * (2**20 if main == "deaf" else 1)], time_limit_s=limit_s, longest=LONGEST)
    assert time.monotonic() - start < 20
    assert party.ended
    assert party._process.poll() is not None
