"""A live party: one process that is asked again and again, each time within a time limit and a size.

`channel.converse` starts a process for one conversation. An adversary, a simulated network or a trace puts thousands of
short questions to one cache, and foreign code must not run in the process that judges the answers. So the cache lives
in a process of its own for as long as it is asked. A message is one frame that contains frames.
"""

from __future__ import annotations

import io
import json
import os
import select
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from subprocess import PIPE
from typing import Any

from lowerbound.core.tail import Tail
from lowerbound.errors import CacheContractBroken, LowerBoundError
from lowerbound.game.channel import Isolation, Streams, late, module_path, party_process
from lowerbound.game.party import failure, keep_to_limits
from lowerbound.game.reply import kept, opened
from lowerbound.game.wire import Frames, read_frames, write_frames

LENGTH = struct.Struct("<Q")
CHUNK_BYTES = 2**18
LONGEST_WAIT_S = 3600.0
PATIENCE_S = 1.0
"""Seconds that a process whose pipe has ended gets to tell its status."""


class LiveParty:
    """A party's process that calls `main`, which must be a call of `serve`, at an isolation level.

    Contract: `ask` returns the frames of a reply. It raises the error of this package that the party raised,
    TimeLimitExceeded for a reply that is not complete in time, and CacheContractBroken for a process that ends, and for
    bytes that are no reply. After the last two kinds the process is gone, `ended` is true, and `ask` must not be called
    again. `end` leaves no process behind. What `begin` was given is answered by `finish`; `ask` is one after the other.
    """

    def __init__(self, main: str, job: dict[str, Any], *, isolation: Isolation, hidden: Sequence[str] = ()) -> None:
        self.ended = False
        self._left = memoryview(b"")
        with ExitStack() as stack:
            self._talk = Tail()
            stack.callback(self._talk.close)
            terms: dict[str, Any] = {"isolation": isolation, "hidden": hidden}
            path = module_path([job["cache"]])
            party = party_process(main, job, Streams(PIPE, PIPE, PIPE), search_path=path, **terms)
            self._process = stack.enter_context(party)
            self._talk.follow(self._process.stderr)
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            for pipe in (self._process.stdin, self._process.stdout):
                stack.callback(pipe.close)
                os.set_blocking(pipe.fileno(), False)
            self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
            self._stack = stack.pop_all()

    def ask(self, request: Sequence[bytes], *, time_limit_s: float, longest: int) -> Frames:
        """The frames of the reply to a request; a reply of more than `longest` bytes breaks the contract."""
        self.begin(request)
        return self.finish(time_limit_s=time_limit_s, longest=longest)

    def begin(self, request: Sequence[bytes]) -> None:
        """Send what the pipe takes of a request, and wait for nothing: the party may still have to start."""
        try:
            if self._ready(0.0, writing=False):
                self._received(1)
                raise CacheContractBroken(
                    "the cache's process must write nothing but replies, and wrote before it was asked"
                )
            self._left = memoryview(_message(request))
            if self._to in self._ready(0.0, writing=True):
                self._send()
        except LowerBoundError:
            self.end()
            raise

    def finish(self, *, time_limit_s: float, longest: int) -> Frames:
        """The frames of the reply to the request that was begun, as `ask` returns them."""
        try:
            reply = self._exchange(time.monotonic() + time_limit_s, longest)
            if reply is None:
                raise late("answer", time_limit_s)
            verdict, *frames = _frames(reply)
            with kept("answer"):
                problem = opened(verdict)
        except LowerBoundError:
            self.end()
            raise
        if problem is not None:
            raise problem
        return frames

    def _exchange(self, deadline: float, longest: int) -> bytes | None:
        """The reply, once the rest of the request is sent, or None if it is not complete at the deadline."""
        reply, wanted = bytearray(), LENGTH.size
        while self._left or len(reply) < wanted:
            seconds = deadline - time.monotonic()
            if seconds <= 0:
                return None
            ready = self._ready(min(seconds, LONGEST_WAIT_S), writing=bool(self._left))
            if self._from in ready:
                reply += self._received(min(CHUNK_BYTES, max(1, wanted - len(reply))))
            if self._to in ready:
                self._send()
            if len(reply) == wanted == LENGTH.size:
                (length,) = LENGTH.unpack(reply)
                if length > longest:
                    raise CacheContractBroken(
                        f"the cache's process must reply with at most {longest} bytes, got a frame of {length}"
                    )
                wanted += length
            elif len(reply) > wanted:
                raise CacheContractBroken("the cache's process must write nothing but replies, and wrote more")
        return bytes(reply[LENGTH.size :])

    def _ready(self, seconds: float, *, writing: bool) -> list[int]:
        """The pipes that can be read or written without waiting, after at most so many seconds."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        if writing:
            poll.register(self._to, select.POLLOUT)
        return [pipe for pipe, _ in poll.poll(1000 * seconds)]

    def _received(self, count: int) -> bytes:
        some = os.read(self._from, count)
        if not some:
            raise self._gone()
        return some

    def _send(self) -> None:
        try:
            self._left = self._left[os.write(self._to, self._left[:CHUNK_BYTES]) :]
        except BrokenPipeError:
            raise self._gone() from None

    def _gone(self) -> CacheContractBroken:
        try:
            end = f"it ended with status {self._process.wait(timeout=PATIENCE_S)}"
        except subprocess.TimeoutExpired:
            end = "it closed its end of the pipe"
        last = self._talk.last_line()
        said = f": {last}" if last else ""
        return CacheContractBroken(f"the cache must let its process reply, but {end}{said}")

    def end(self) -> None:
        """End the process."""
        self.ended = True
        self._stack.close()


def serve(reply_to: Callable[[Frames], Frames]) -> None:
    """The loop of a live party: reply to every request until there are no more. A cache's prints go to standard error.

    Contract: an error of this package is the reply to the request that raised it; any other exception ends the process.
    """
    keep_to_limits()
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    while length := requests.read(LENGTH.size):
        request = _frames(requests.read(*LENGTH.unpack(length)))
        try:
            reply = [b"null", *reply_to(request)]
        except LowerBoundError as error:
            reply = [json.dumps(failure(error)).encode()]
        except MemoryError:
            exhausted = CacheContractBroken("the cache must fit in memory, and ran out of it")
            reply = [json.dumps(failure(exhausted)).encode()]
        replies.write(_message(reply))
        replies.flush()


def _message(frames: Sequence[bytes]) -> bytes:
    """Frames as one frame."""
    inside = io.BytesIO(bytes(LENGTH.size))
    inside.seek(LENGTH.size)
    write_frames(inside, frames)
    LENGTH.pack_into(inside.getbuffer(), 0, len(inside.getvalue()) - LENGTH.size)
    return inside.getvalue()


def _frames(message: bytes) -> Frames:
    """The frames in a message; CacheContractBroken for other bytes, and for none."""
    try:
        found = read_frames(io.BytesIO(message))
    except (ValueError, OverflowError):
        found = []
    if not found:
        raise CacheContractBroken(f"the cache's process must reply with frames, got {len(message)} other bytes")
    return found
