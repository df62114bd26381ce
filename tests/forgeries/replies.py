"""Parties that write bytes of their own where a reply belongs, and then end; `forgery` names the bytes."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import time
from typing import IO, Any, ClassVar, NoReturn

from lowerbound.caches.controls.full import Full16
from lowerbound.core.cache import CacheFacts, Public

GOOD = {"nanoseconds": 1, "claimed_ratio": None, "ledger": None}
FACTS: dict[str, Any] = {
    "family": "user",
    "reference": "",
    "idea": "",
    "budget_meaning": "",
    "default_budget": None,
    "computation_model": "R1",
    "stack": None,
    "text": "",
}
ERROR = {"kind": "CacheContractBroken", "message": "it broke", "traceback": ""}


def framed(*frames: bytes) -> bytes:
    """The bytes of these frames."""
    return b"".join(struct.pack("<Q", len(frame)) + frame for frame in frames)


def header(**changes: Any) -> bytes:
    """The frames before Alice's states: no error, and a header with these changes."""
    return framed(b"null", json.dumps({**GOOD, **changes}).encode())


WHOLE: dict[str, bytes] = {
    "Nothing": b"",
    "Text": b"I am a cache, and here is my reply.\n" * 9,
    "HugeFrame": struct.pack("<Q", 2**63) + b"x",
    "HugeSecondFrame": framed(b"null") + struct.pack("<Q", 2**63 - 1),
    "LargeFrame": framed(b"null") + struct.pack("<Q", 2**31 - 100),
    "HalfALength": framed(b"null") + b"\x01\x00",
    "ManyFrames": framed(b"null") + bytes(2**24),
    "NoNumbers": framed(framed(b"null", b"state", struct.pack("<4d", 0, float("nan"), 0, 0))),
    "Deep": framed(b"[" * 10**5),
    "NoHeader": framed(b"null"),
    "DeepHeader": framed(b"null", b'{"a":' * 10**5),
    "NotMine": framed(json.dumps({**ERROR, "kind": "AccountingError"}).encode()),
    "NotMineAtAll": framed(json.dumps({**ERROR, "kind": "SystemExit"}).encode()),
    "Unavailable": framed(b"null", json.dumps({"failure": {**ERROR, "kind": "IsolationUnavailable"}}).encode()),
}
BEFORE_STATES: dict[str, bytes] = {
    "LongAgo": header(nanoseconds=-(10**18)),
    "LongSince": header(nanoseconds=10**18),
    "Ratio": header(claimed_ratio="1e100000000"),
    "Markup": header(ledger={"[red]payload[/red]\x1b[2J": 8}),
}
"""Replies that are whole: Alice's states follow."""
STATED: dict[str, dict[str, Any]] = {
    "WideStack": {"stack": (64, 64)},
    "EndlessStack": {"stack": (10**9, 1)},
    "NoModel": {"computation_model": "R9"},
    "NoBudget": {"default_budget": "1e100000000"},
}


STREAMS = {"main": "reply", "serve": "replies"}
"""The functions that open a stream for replies, and what they call it."""


def reply_of_this_process() -> IO[bytes]:
    """The stream that the party has opened for its reply, or a live party for its replies."""
    frame: Any = sys._getframe()
    while frame.f_code.co_name not in STREAMS:
        frame = frame.f_back
    stream: IO[bytes] = frame.f_locals[STREAMS[frame.f_code.co_name]]
    return stream


def end_with(data: bytes) -> NoReturn:
    """Write these bytes in place of a reply, and end."""
    stream = reply_of_this_process()
    stream.write(data)
    stream.flush()
    os._exit(0)


class Forger(Full16):
    """Writes the bytes of its name once it is made."""

    forgery: ClassVar[str]

    def __init__(self, public: Public) -> None:
        if self.forgery in BEFORE_STATES:
            end_with(BEFORE_STATES[self.forgery] + framed(*[b"state"] * (public.schedule.n_scales - 1)))
        end_with(WHOLE[self.forgery])


class Liar(Full16):
    """States about itself what its name says."""

    forgery: ClassVar[str]

    @classmethod
    def facts(cls) -> CacheFacts:
        return CacheFacts(**{**FACTS, **STATED[cls.forgery]})


class Babbler(Full16):
    """Writes 256 MiB to standard error, and then a line with an escape, and dies."""

    def __init__(self, public: Public) -> None:
        for _ in range(2**8):
            os.write(2, b"x" * 2**20)
        os.write(2, b"\nlast \x1b]0;words\x07\n")
        os._exit(9)


class LeavesAChild(Full16):
    """Leaves a process of another session behind, which keeps standard error open, and dies."""

    def __init__(self, public: Public) -> None:
        subprocess.Popen([sys.executable, "-c", f"import time; time.sleep({30})"], start_new_session=True)
        time.sleep(0.2)
        os._exit(9)


class RaisesTheJudges(Full16):
    """Raises an error that is the judge's to raise, with terminal escapes in it."""

    def __init__(self, public: Public) -> None:
        from lowerbound.errors import AccountingError

        raise AccountingError("\x1b[2Jnothing to see\nVERIFIED\u202e")


def __getattr__(name: str) -> type[Full16]:
    if name not in WHOLE | BEFORE_STATES | STATED:
        raise AttributeError(name)
    return type(name, (Liar if name in STATED else Forger,), {"forgery": name})
