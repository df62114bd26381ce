"""Witness documents: asked again, mutated byte by byte, and forged field by field under a new seal."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.adversary.outcome import Broken
from lowerbound.adversary.search import attack
from lowerbound.certify import witness as room
from lowerbound.certify.witness import rerun, witness
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import TimeLimitExceeded
from lowerbound.game.channel import Isolation
from lowerbound.kernel.codec import Rejected, digest
from lowerbound.kernel.document import read_document, write_document
from lowerbound.kernel.verdict import Outcome, Verdict
from tests.kernel.examples import EXAMPLES, changed, signed, stated

Json = Any
VERIFIED, REJECTED, UNDECIDED = Outcome.VERIFIED, Outcome.REJECTED, Outcome.UNDECIDED


@cache
def found(name: str, **terms: Any) -> Broken:
    """A violation by a cache at budget 1/4."""
    outcome = attack(name, budget="1/4", instances=PrivateSeed(0), isolation=Isolation.NONE, **terms)
    assert isinstance(outcome, Broken)
    return outcome


@cache
def document(name: str) -> bytes:
    """Its witness."""
    return witness(name, found(name).violation)


def asked(data: bytes, **terms: Any) -> Verdict:
    """The verdict without another process."""
    return rerun(data, isolation=Isolation.NONE, **terms)


def forged(name: str, where: str, path: tuple[Any, ...], new: Json) -> bytes:
    """A witness with one place changed, and everything sealed anew."""
    statement, certificate = read_document(document(name))
    claim, payload = statement["claim"], certificate["payload"]
    if where == "claim":
        claim = changed(claim, path, new)
    else:
        payload = changed(payload, path, new)
    statement = {**statement, "claim": claim}
    return write_document(statement, {"kind": "witness", "proves": digest(statement), "payload": payload})


@pytest.mark.parametrize("isolation", [Isolation.NONE, Isolation.PROCESS])
def test_a_witness_is_asked_again(isolation: Isolation) -> None:
    """Law: the same answer in this process and in a fresh one."""
    verdict = rerun(document("streaming"), isolation=isolation)
    assert verdict.outcome is VERIFIED
    assert "streaming" in verdict.reason


def test_a_witness_is_small() -> None:
    """Known value: under a kilobyte for the smallest."""
    assert len(document("streaming")) < 1000


@pytest.mark.parametrize(
    ("name", "where", "path", "new", "word"),
    [
        ("streaming", "claim", ("cache",), "full", "asked again, answers"),
        ("streaming", "claim", ("cache",), "no such cache", "not registered"),
        ("streaming", "claim", ("cache",), "exec:true", "not registered"),
        ("streaming", "claim", ("cache",), "os:path", "not registered"),
        ("streaming", "claim", ("cache",), "", "between 1 and"),
        ("streaming", "claim", ("budget",), "1", "asked again, answers"),
        ("streaming", "claim", ("budget",), "1/5", "at least one of 4 tokens"),
        ("streaming", "claim", ("guarantee",), "additive", "certainly outside"),
        ("streaming", "claim", ("eta",), "99/100", "certainly outside"),
        ("streaming", "claim", ("rule", "multiplier"), "1/3", "finite binary float"),
        ("streaming", "claim", ("rule",), {"name": "scaled", "squared_scale": "2"}, "1/d or the square"),
        ("streaming", "claim", ("keys",), "nobody's", "key family"),
        ("streaming", "claim", ("shapes", 0), [1, 5], "certainly outside"),
        ("streaming", "claim", ("shapes", 0), [1, 1], "between 1 and 1 rows"),
        ("streaming", "claim", ("shapes", 0), [4, 1], "certainly outside"),
        ("streaming", "claim", ("d",), 2, "2 entries"),
        ("streaming", "payload", ("answer",), "1/1000", "asked again, answers 0.0"),
        ("streaming", "payload", ("answer",), "1/3", "asked again, answers 0.0"),
        ("streaming", "payload", ("values", 1, 0, 0), "1/3", "finite binary float"),
        ("streaming", "payload", ("values", 1, 0, 0), "5", "values must lie in"),
        ("streaming", "payload", ("values", 0, 0, 0), "0", "certainly keeps"),
        ("streaming", "payload", ("values", 0, 1, 0), "1", "asked again, answers 0.5"),
        ("streaming", "payload", ("layer",), 1, "layer must"),
        ("golay", "claim", ("keys",), None, "public"),
        ("golay", "payload", ("keys", 1, 0, 0), "1/2", "public keys"),
        ("golay", "payload", ("values", 1, 0, 0), "1/2", "public keys and levels"),
    ],
)
def test_forged_fields(name: str, where: str, path: tuple[Any, ...], new: Json, word: str) -> None:
    """Forgery: each field, sealed anew, is found out by the kernel or by the cache; or it changes nothing that counts.

    A wider eta, an additive promise, a turned map or one more of the same are other true statements.
    """
    verdict = asked(forged(name, where, path, new))
    assert word in verdict.reason
    if "certainly outside" in word:
        assert verdict.outcome is VERIFIED
    else:
        assert verdict.outcome is (UNDECIDED if "not registered" in word else REJECTED)


@given(st.data())
def test_any_changed_byte_is_rejected(data: st.DataObject) -> None:
    """Forgery: a byte replaced, dropped or added, wherever it is; never a crash."""
    whole = document("streaming")
    place = data.draw(st.integers(0, len(whole) - 1))
    byte = bytes([data.draw(st.integers(0, 255))])
    for mutant in (whole[:place] + byte + whole[place + 1 :], whole[:place] + whole[place + 1 :], whole + byte):
        if mutant != whole:
            assert asked(mutant).outcome is REJECTED


@given(st.data())
def test_random_forgeries_under_a_new_seal(data: st.DataObject) -> None:
    """Forgery: one entry of the payload is another number; VERIFIED only if the cache still gives this very answer."""
    payload = read_document(document("streaming"))[1]["payload"]
    name = data.draw(st.sampled_from(["keys", "values", "queries"]))
    scale = data.draw(st.integers(0, 1))
    row = data.draw(st.integers(0, len(payload[name][scale]) - 1))
    new = data.draw(st.sampled_from(["0", "1", "-1", "1/2", "1/3", "", "x", "1e9", "7/0"]) | st.none() | st.integers())
    verdict = asked(forged("streaming", "payload", (name, scale, row, 0), new))
    assert "the judge failed" not in verdict.reason
    if verdict.outcome is VERIFIED:
        assert "answers 0.0" in verdict.reason


def test_another_statement_is_no_witness() -> None:
    """Forgery: a verified document of another kind says nothing about a cache."""
    kind, claim, payload = EXAMPLES["index"]
    statement = stated(kind, claim)
    verdict = asked(write_document(statement, signed(statement, payload)))
    assert verdict.outcome is REJECTED
    assert "no witness" in verdict.reason


def test_foreign_code_is_run_only_if_allowed() -> None:
    """Forgery: a document does not choose what code runs."""
    name = "lowerbound.caches.eviction.window:TokenWindow"
    mine = witness(name, found(name).violation)
    assert asked(mine).outcome is UNDECIDED
    assert asked(mine, foreign=True).outcome is VERIFIED


def test_a_time_limit_decides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a cache that does not answer in time is neither confirmed nor acquitted."""

    def late(*_: Any, **__: Any) -> None:
        raise TimeLimitExceeded("too late")

    monkeypatch.setattr(room, "heard", late)
    assert asked(document("streaming")).outcome is UNDECIDED


def test_a_kept_promise_has_no_witness() -> None:
    """Forgery: a violation whose answer is the truth is refused when it is written."""
    violation = found("streaming").violation
    honest = type(violation)(**{**vars(violation), "answer": violation.exact})
    with pytest.raises(Rejected, match="certainly keeps"):
        witness("streaming", honest)


def test_the_document_is_canonical() -> None:
    """Law: the file is the canonical form of what it says."""
    whole = document("streaming")
    assert json.dumps(json.loads(whole), sort_keys=True, separators=(",", ":")).encode() + b"\n" == whole
