"""Programs of a live party: an honest one, and those that break the form of its talk, one way each."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from lowerbound.errors import CorruptState, InvalidArgument
from lowerbound.game.live import serve
from lowerbound.game.wire import Frames

FRAME = b"\x0c" + bytes(7) + b"\x04" + bytes(7) + b"null"
"""A whole reply without frames."""


def honest() -> None:
    """Replies with what it is asked, and raises what it is told to."""

    def reply_to(request: Frames) -> Frames:
        if request[0] == b"refuse":
            raise InvalidArgument("x must be y, got z")
        if request[0] == b"corrupt":
            raise CorruptState("a state of nobody")
        if request[0] == b"listen":
            return [sys.stdin.read().encode()]
        return request

    serve(reply_to)


def _raw(*replies: bytes) -> None:
    request = os.read(0, 2**16)
    assert request
    for reply in replies:
        os.write(1, reply)
    time.sleep(60)


def early() -> None:
    """Writes a reply before it is asked."""
    os.write(1, FRAME)
    _raw(FRAME)


def talkative() -> None:
    """Writes more than a reply."""
    _raw(FRAME + b"!")


def endless() -> None:
    """Announces more than anybody can hold."""
    _raw(b"\xff" * 8)


def empty() -> None:
    """Replies with no frame, not even a verdict."""
    _raw(bytes(8))


def frameless() -> None:
    """Replies with bytes that are no frames."""
    _raw(b"\x03" + bytes(7) + b"abc")


def wordless() -> None:
    """Replies with a verdict that is none."""
    _raw(b"\x0c" + bytes(7) + b"\x04" + bytes(7) + b"true")


def strange() -> None:
    """Fails with a failure of another form."""
    verdict = b'{"kind": [], "message": 1, "traceback": null}'
    frame = len(verdict).to_bytes(8, "little") + verdict
    _raw(len(frame).to_bytes(8, "little") + frame)


def slow() -> None:
    """Never completes a reply."""
    _raw(FRAME[:-1])


def deaf() -> None:
    """Never reads."""
    time.sleep(60)


def haunted() -> None:
    """Ends, and leaves a process of another session behind, which holds its pipes open."""
    subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"], start_new_session=True)
    os._exit(5)


def mute() -> None:
    """Ends with a word on standard error."""
    print("no thanks", file=sys.stderr)
    sys.exit(4)
