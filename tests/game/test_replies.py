"""Forgery: replies of parties that keep no protocol; each is refused in one sentence and costs no other cache a row."""

from __future__ import annotations

import io
import json
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.registry import ADAPTERS, CACHES, find_cache, play
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import (
    REPORTABLE,
    AccountingError,
    CacheContractBroken,
    InvalidArgument,
    LowerBoundError,
    printable,
    printable_lines,
)
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender, Row, duels
from lowerbound.game.hearing import heard
from lowerbound.game.party import failure
from lowerbound.game.question import Terms, TokenRows
from lowerbound.game.reduction import Reduction, plan_reduction
from lowerbound.game.reply import LONGEST_MESSAGE, Reply, only, opened, replies, stated
from lowerbound.game.wire import read_frames, write_frames
from lowerbound.kernel.codec import Rejected
from tests.forgeries.replies import BEFORE_STATES, ERROR, FACTS, GOOD, STATED, WHOLE, framed
from tests.marks import first_now

Refused = Callable[[str, int], None]
MEASURED_S = 2.0
DEEP = "[" * 60 + "]" * 60


def text(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


HEADERS: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"\xff\xfe{}",
    "null": b"null",
    "a list": b"[]",
    "a number": b"7",
    "text": b'"nanoseconds"',
    "no keys": b"{}",
    "a key too few": json.dumps({"nanoseconds": 1, "ledger": None}).encode(),
    "a key too many": text(extra=1),
    "a key twice": b'{"nanoseconds":1,"nanoseconds":2,"claimed_ratio":null,"ledger":null}',
    "something after it": text() + b"{}",
    "deep": b"[" * 10**5,
    "deeper than it may": text(ledger=json.loads("[" * 70 + "]" * 70)),
    "long": b'"' + b"x" * 2**20 + b'"',
    "many small values": b"[" + b"1," * 2**18 + b"1]",
    "seconds of long ago": text(nanoseconds=-(10**18)),
    "seconds that nobody waited": text(nanoseconds=3 * 10**9),
    "a float of nanoseconds": b'{"nanoseconds":1.5,"claimed_ratio":null,"ledger":null}',
    "NaN": b'{"nanoseconds":NaN,"claimed_ratio":null,"ledger":null}',
    "Infinity": b'{"nanoseconds":Infinity,"claimed_ratio":null,"ledger":null}',
    "a float beyond floats": b'{"nanoseconds":1e999,"claimed_ratio":null,"ledger":null}',
    "a bool of nanoseconds": text(nanoseconds=True),
    "text of nanoseconds": text(nanoseconds="1"),
    "no nanoseconds": text(nanoseconds=None),
    "a long integer": b'{"nanoseconds":' + b"9" * 10**5 + b',"claimed_ratio":null,"ledger":null}',
    "an exponent": text(claimed_ratio="1e100000000"),
    "a decimal": text(claimed_ratio="2.5"),
    "zero": text(claimed_ratio="0"),
    "less than zero": text(claimed_ratio="-2"),
    "over zero": text(claimed_ratio="1/0"),
    "beyond all ratios": text(claimed_ratio="1" + "0" * 300),
    "below all ratios": text(claimed_ratio="1/1" + "0" * 300),
    "digits without end": text(claimed_ratio="1" * 5000),
    "no number": text(claimed_ratio="nan"),
    "blanks": text(claimed_ratio=" 2"),
    "digits of elsewhere": text(claimed_ratio="\u0662"),
    "a float of a ratio": b'{"nanoseconds":1,"claimed_ratio":2.5,"ledger":null}',
    "an integer of a ratio": text(claimed_ratio=2),
    "a list of a ratio": text(claimed_ratio=[2, 1]),
    "a ledger of text": text(ledger="payload"),
    "a ledger of a list": text(ledger=[["payload", 8]]),
    "an item of its own": text(ledger={"mine": 8}),
    "an item with markup": text(ledger={"[red]payload[/red]": 8}),
    "an item with an escape": text(ledger={"\x1b]0;title\x07": 8}),
    "an item without a name": text(ledger={"": 8}),
    "an item of a long name": text(ledger={"payload" * 10**4: 8}),
    "ten thousand items": text(ledger={str(k): 8 for k in range(10**4)}),
    "less than no bits": text(ledger={"payload": -8}),
    "a float of bits": b'{"nanoseconds":1,"claimed_ratio":null,"ledger":{"payload":8.0}}',
    "a bool of bits": text(ledger={"payload": True}),
    "more bits than bytes": text(ledger={"payload": 2**63}),
    "a ledger in a ledger": text(ledger={"payload": {"payload": 8}}),
    "ledgers of old": text(ledgers=[None]),
}
BOBS: dict[str, bytes] = {
    "Alice's": text(),
    "no time": b"{}",
    "a bool": b'{"nanoseconds":true}',
    "a float": b'{"nanoseconds":0.5}',
    "negative": b'{"nanoseconds":-1}',
    "a failure and a time": json.dumps({"failure": ERROR, "nanoseconds": 1}).encode(),
}
FAILURES: dict[str, Any] = {
    "nothing": {},
    "null": None,
    "true": True,
    "text": "it broke",
    "no traceback": {"kind": "CorruptState", "message": "it broke"},
    "a key too many": {**ERROR, "exit_code": 0},
    "the judge's error": {**ERROR, "kind": "AccountingError"},
    "the judge's clock": {**ERROR, "kind": "TimeLimitExceeded"},
    "the judge's machine": {**ERROR, "kind": "IsolationUnavailable"},
    "the judge's doubt": {**ERROR, "kind": "Undecided"},
    "Python's": {**ERROR, "kind": "KeyboardInterrupt"},
    "a list of a kind": {**ERROR, "kind": ["CorruptState"]},
    "a number of a message": {**ERROR, "message": 7},
    "a long message": {**ERROR, "message": "x" * (LONGEST_MESSAGE + 1)},
    "a long traceback": {**ERROR, "traceback": "x" * 10**5},
}
WRONG: tuple[Any, ...] = (True, 1, {}, ["x"])
FALSE_FACTS: dict[str, Any] = {
    "no object": [],
    "a fact too few": {key: value for key, value in FACTS.items() if key != "text"},
    "a fact too many": {**FACTS, "bits": 1},
    **{f"{name} {value!r}": {**FACTS, name: value} for name in FACTS for value in WRONG},
    "a long family": {**FACTS, "family": "x" * 41},
    "a long idea": {**FACTS, "idea": "x" * 10**5},
    "a long text": {**FACTS, "text": "x" * 10**5},
    "an exponent": {**FACTS, "default_budget": "1e100000000"},
    "a budget of 0": {**FACTS, "default_budget": "0"},
    "a budget above 1": {**FACTS, "default_budget": "3/2"},
    "a budget of many digits": {**FACTS, "default_budget": f"1/{10**60}"},
    "no model": {**FACTS, "computation_model": ""},
    "another model": {**FACTS, "computation_model": "R4"},
    **{f"stack {stack}": {**FACTS, "stack": stack} for stack in ([], [1], [1, 2, 3], [0, 1], [1, -1], [True, True])},
    **{
        f"stack {stack}": {**FACTS, "stack": stack}
        for stack in ([10**9, 1], [4096, 2], ["1", "1"], [[1], 1], "11", {"1": 1})
    },
}
STREAMS: dict[str, bytes] = {
    "a length of 2^63": struct.pack("<Q", 2**63),
    "a length of 2^64 - 1": struct.pack("<Q", 2**64 - 1) + b"x" * 100,
    "a length beyond the limit": struct.pack("<Q", 2**20 + 1),
    "lengths that add up": framed(b"x" * 2**19, b"x" * 2**19) + struct.pack("<Q", 1) + b"x",
    "half a length": b"\x01\x00\x00",
    "half a frame": struct.pack("<Q", 100) + b"x" * 99,
    "frames without end": bytes(2**20),
}


@contextmanager
def quick() -> Iterator[None]:
    """A context that must end within a second of this process's time."""
    start = time.process_time()
    yield
    assert time.process_time() - start < 1


@pytest.mark.parametrize("name", HEADERS)
def test_false_headers_of_alice(name: str, refused: Refused) -> None:
    """Forgery: one header is false, and two states follow as they should."""
    with quick(), pytest.raises(CacheContractBroken, match="keep to the protocol, but") as caught:
        replies("alice", [HEADERS[name], b"a", b"b"], [2], MEASURED_S)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
    refused("reply", 1)


@pytest.mark.parametrize("name", BOBS)
def test_false_headers_of_bob(name: str, refused: Refused) -> None:
    """Forgery: Bob's header says what Alice's does, or no time that passed."""
    with quick(), pytest.raises(CacheContractBroken, match="bob's process keep to the protocol, but"):
        replies("bob", [BOBS[name], b"answer"], [1], MEASURED_S)
    refused("reply", 1)


@pytest.mark.parametrize("name", FAILURES)
def test_false_failures(name: str, refused: Refused) -> None:
    """Forgery: errors that no cache may report, in the header of a game and at the head of a whole reply."""
    with quick(), pytest.raises(CacheContractBroken, match="keep to the protocol, but"):
        replies("alice", [json.dumps({"failure": FAILURES[name]}).encode()], [2], MEASURED_S)
    refused("reply", 1)
    if FAILURES[name] is not None:
        with quick(), pytest.raises(Rejected):
            opened(json.dumps(FAILURES[name]).encode())
        refused("reply", 1)


@pytest.mark.parametrize("name", FALSE_FACTS)
def test_false_facts(name: str, refused: Refused) -> None:
    """Forgery: what a class states about itself is checked as replies are."""
    with quick(), pytest.raises(CacheContractBroken, match="keep to the protocol, but"):
        stated(json.dumps(FALSE_FACTS[name]).encode())
    refused("reply", 1)


@pytest.mark.parametrize("name", STREAMS)
def test_false_frames(name: str, refused: Refused) -> None:
    """Forgery: lengths and numbers of frames beyond the limits, before anything of that size is read."""
    with quick(), pytest.raises(ValueError, match="frame"):
        read_frames(io.BytesIO(STREAMS[name]), most_frames=10, most_bytes=2**20)
    refused("reply", 1)


@pytest.mark.parametrize(
    ("frames", "counts"), [([], [0]), ([text()], [1]), ([text(), b"a", b"b"], [1]), ([text()], [0, 0])]
)
def test_wrong_numbers_of_frames(frames: list[bytes], counts: list[int], refused: Refused) -> None:
    """Forgery: a frame that is missing, or one too many."""
    with pytest.raises(CacheContractBroken, match=r"lacks a frame|1 frame too many"):
        replies("alice", frames, counts, MEASURED_S)
    with pytest.raises(CacheContractBroken, match=r"lacks a frame|frame too many"):
        only("describe", [b"a"] * (2 if frames else 0))
    refused("reply", 2)


def test_honest_replies_are_read() -> None:
    """Definition: the forgeries above differ from these, which say something."""
    told = {"nanoseconds": 10**9, "claimed_ratio": "7/2", "ledger": {"payload": 8, "padding": 0}}
    assert replies("alice", [json.dumps(told).encode(), b"a", b"b"], [2], MEASURED_S) == [
        Reply(1.0, [b"a", b"b"], Fraction(7, 2), {"payload": 8, "padding": 0})
    ]
    assert replies("bob", [b'{"nanoseconds":0}', b"c"], [1], MEASURED_S) == [Reply(0.0, [b"c"])]
    failed, stands = replies("bob", [json.dumps({"failure": ERROR}).encode(), b'{"nanoseconds":0}'], [5, 0], MEASURED_S)
    assert isinstance(failed, CacheContractBroken)
    assert isinstance(stands, Reply)
    assert stated(json.dumps({**FACTS, "stack": [2, 3], "default_budget": "1/2"}).encode()).stack == (2, 3)
    stream = io.BytesIO()
    write_frames(stream, [b"", b"x" * 2**21])
    stream.seek(0)
    assert read_frames(stream) == [b"", b"x" * 2**21]


def test_every_cache_states_what_is_allowed() -> None:
    """Law: the facts of every cache of this package pass, unchanged."""
    assert ADAPTERS
    for name in CACHES:
        facts = find_cache(name).facts()
        assert stated(json.dumps(asdict(facts)).encode()) == facts


def test_parties_report_what_a_cache_may_raise() -> None:
    """Law: an honest party's report of any error is accepted; one of the judge's comes out as a broken contract."""
    for raised in (
        AccountingError("x" * 10**4),
        InvalidArgument("a\nb"),
        LowerBoundError("c"),
        *(k("d") for k in REPORTABLE),
    ):
        told = opened(json.dumps(failure(raised)).encode())
        assert type(told) is (type(raised) if type(raised) in REPORTABLE else CacheContractBroken)


def test_foreign_text_is_shown() -> None:
    """Definition: what a terminal would obey, or a reader would take for a new line, is written out."""
    assert printable("a\x1b[2J\n\t\x9b\u202eb\ud800é [red]") == r"a\x1b[2J\n\t\x9b\u202eb\ud800é [red]"
    assert printable_lines("a\r\nb\x07") == "a\\r\nb\\x07"
    assert str(CacheContractBroken("\x1b]0;x\x07\nVERIFIED")) == r"\x1b]0;x\x07\nVERIFIED"


@pytest.mark.parametrize(
    "name",
    [
        *first_now(WHOLE, n_slow=3),
        *first_now(BEFORE_STATES, n_slow=3),
        *first_now((name for name in STATED if name != "WideStack"), n_slow=3),
    ],
)
def test_forged_by_a_process(small: Reduction, name: str, refused: Refused) -> None:
    """Forgery: a real process writes the bytes; the row of that cache is one sentence, and others have theirs."""
    start = time.monotonic()
    with pytest.raises(CacheContractBroken) as caught:
        play(small, f"tests.forgeries.replies:{name}", isolation=Isolation.PROCESS)
    assert time.monotonic() - start < 20
    assert str(caught.value).isprintable()
    refused("reply by a process", 1)


def test_standard_error_without_end(small: Reduction, refused: Refused) -> None:
    """Forgery: 256 MiB of standard error are not kept; the last line is told, and its escapes are shown."""
    with pytest.raises(CacheContractBroken, match=r"status 9: last \\x1b]0;words\\x07$"):
        play(small, "tests.forgeries.replies:Babbler", isolation=Isolation.PROCESS)
    refused("reply by a process", 1)


def test_a_process_left_behind(small: Reduction, refused: Refused) -> None:
    """Forgery: a process that outlives its party and keeps its standard error open delays nobody."""
    start = time.monotonic()
    with pytest.raises(CacheContractBroken, match="status 9"):
        play(small, "tests.forgeries.replies:LeavesAChild", isolation=Isolation.PROCESS)
    assert time.monotonic() - start < 15
    refused("reply by a process", 1)


@pytest.mark.parametrize("level", [Isolation.PROCESS, Isolation.NONE])
def test_the_judges_errors_are_the_judges(small: Reduction, level: Isolation, refused: Refused) -> None:
    """Forgery: a cache that raises AccountingError, which would end a tournament, has broken its contract."""
    with pytest.raises(CacheContractBroken, match=r"\\x1b\[2Jnothing to see\\nVERIFIED\\u202e"):
        play(small, "tests.forgeries.replies:RaisesTheJudges", isolation=level)
    refused("reply by a process", 1)


@pytest.mark.slow
def test_a_broken_reply_costs_its_own_row(small: Reduction) -> None:
    """Law: where several caches share a process and one of them breaks the stream, the others have their rows."""
    honest = [
        Contender("lowerbound.caches.controls.full:Full16"),
        Contender("lowerbound.caches.coded.exact:ExactSymbols"),
    ]
    forger = Contender("tests.forgeries.replies:HugeSecondFrame")
    rows = duels(small, [honest[0], forger, honest[1]], isolation=Isolation.PROCESS)
    assert [type(row) for row in rows] == [Row, CacheContractBroken, Row]


def test_answers_are_numbers(refused: Refused) -> None:
    """Forgery: a witness is asked again, and the process answers NaN."""
    tokens = TokenRows(*np.zeros((3, 5, 4)))
    terms = Terms(ScaleSchedule.square([1, 2]), 4, L2Norm())
    with pytest.raises(CacheContractBroken, match="finite"):
        heard(
            "tests.forgeries.replies:NoNumbers",
            terms,
            tokens,
            np.zeros(4),
            isolation=Isolation.PROCESS,
            time_limit_s=20,
        )
    refused("reply by a process", 1)


def test_a_stack_without_end_is_not_begun(refused: Refused) -> None:
    """Forgery: a class that asks for 64 layers x 64 heads of VAR-d16, 111 million symbols, gets no game of them."""
    with quick(), pytest.raises(CacheContractBroken, match="got 64 layers x 64 heads of 27136 entries each; --layers"):
        play(
            plan_reduction(Geometry.of(find_model("var-d16"))),
            "tests.forgeries.replies:WideStack",
            isolation=Isolation.PROCESS,
        )
    refused("reply by a process", 1)
