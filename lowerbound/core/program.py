"""A cache in any language: a program that answers requests on standard input and output.

Every request and every reply is a frame: a length in 8 bytes, followed by that many bytes. A frame consists of 8-byte
little-endian words, which are unsigned integers or float64. Only a state is different: the program chooses its bytes. A
request begins with its number (`Request`) and the number of a cache. A reply begins with the number of the request, or
with 0 followed by a sentence that says why the program refuses. docs/programs.md gives this format as a table, with the
bytes of an example.

A party starts the program once and keeps one cache in it for every live `Program` object. Alice and Bob run it in two
different processes, which are isolated from each other like the two parties.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import signal
import struct
import subprocess
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from enum import IntEnum
from itertools import count
from typing import ClassVar

import numpy as np

from lowerbound.core.cache import Cache, FloatArray, Public
from lowerbound.core.kinds import PREFIX, is_program
from lowerbound.core.rules import L2Norm
from lowerbound.core.tail import Tail
from lowerbound.errors import CacheContractBroken, CorruptState, InvalidArgument, LowerBoundError, invalid

VERSION = 1
WORD_BYTES = 8
LONGEST_STATE_BYTES = 2**31
LONGEST_SENTENCE_BYTES = 4096
CHUNK_BYTES = 2**20
TOOL_FOLDERS = ("bin", "shims")
PATIENCE_S = 1.0
"""Seconds that a program gets to exit after its standard input was closed."""


class Request(IntEnum):
    """The kinds of requests. REFUSED is never sent to a program; a reply that starts with it contains a sentence."""

    REFUSED = 0
    NEW = 1
    APPEND = 2
    ATTEND = 3
    ENCODE = 4
    DECODE = 5


def words(*numbers: int) -> bytes:
    """The bytes of unsigned integers, 8 bytes each, little-endian."""
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def floats(rows: FloatArray) -> bytes:
    """The bytes of float64 entries, little-endian, row by row."""
    return np.ascontiguousarray(rows, dtype="<f8").tobytes()


def new_request(number: int, public: Public) -> bytes:
    """The request that creates an empty cache with this number and passes it the public parameters.

    Contract: a budget whose denominator is 2**64 or more raises InvalidArgument.
    """
    budget, schedule = public.budget, public.schedule
    numerator, denominator = (0, 1) if budget is None else budget.as_integer_ratio()
    if denominator >= 2**64:
        raise invalid("budget", "have a denominator below 2**64 where a program plays", str(budget))
    sides = [side for shape in schedule.shapes for side in shape]
    return b"".join(
        [
            words(Request.NEW, number, VERSION, public.seed % 2**64, public.d, int(isinstance(public.rule, L2Norm))),
            struct.pack("<d", public.rule.factor(public.d)),
            words(numerator, denominator, schedule.n_context, schedule.n_scales, len(schedule.shapes[0]), *sides),
        ]
    )


def append_request(
    number: int, scale: int, keys: FloatArray, values: FloatArray, queries: FloatArray | None = None
) -> bytes:
    """The request that passes the keys, values and queries of one scale to cache `number`."""
    asked = keys[:0] if queries is None else queries
    head = words(Request.APPEND, number, scale, len(keys), len(asked))
    return b"".join([head, floats(keys), floats(values), floats(asked)])


def attend_request(number: int, queries: FloatArray) -> bytes:
    """The request that asks cache `number` to answer queries."""
    return words(Request.ATTEND, number, len(queries)) + floats(queries)


class RunningProgram:
    """One running process of a program, and the numbers of the caches that it holds.

    Contract: `ask` returns the reply to a request without its first word. A program that dies, replies with a wrong
    number of bytes or ends its reply early raises CacheContractBroken; a program that refuses raises the error that
    belongs to the request (`_refusal`); a command that cannot be started raises InvalidArgument. `end` leaves no
    process behind; with `own_group`, it also kills the processes that the program started.
    """

    def __init__(self, command: tuple[str, ...], *, own_group: bool) -> None:
        self.broken = False
        self._own_group = own_group
        self._taken: set[int] = set()
        self._talk = Tail()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                process_group=0 if own_group else None,
            )
        except OSError as error:
            raise InvalidArgument(
                f"program {shlex.join(command)!r} must be one that this machine can start, got {error.strerror}"
            ) from None
        self._talk.follow(self._process.stderr)

    def take(self) -> int:
        """Reserve and return the smallest number that no live cache uses."""
        number = next(number for number in count() if number not in self._taken)
        self._taken.add(number)
        return number

    def release(self, number: int) -> None:
        """Give up a number, so that another cache may take it."""
        self._taken.discard(number)

    def ask(self, request: bytes, reply_bytes: int | None) -> bytes:
        """Send a request and return the `reply_bytes` bytes of its reply; None accepts any number of bytes."""
        kind = Request(int.from_bytes(request[:WORD_BYTES], "little"))
        try:
            return self._ask(kind, request, reply_bytes)
        except CacheContractBroken:
            self.broken = True
            raise

    def _ask(self, kind: Request, request: bytes, reply_bytes: int | None) -> bytes:
        stdin, what = self._process.stdin, kind.name.lower()
        assert stdin is not None
        try:
            stdin.write(words(len(request)))
            stdin.write(request)
            stdin.flush()
        except BrokenPipeError:
            raise self._gone(what, "") from None
        length = int.from_bytes(self._read(what, WORD_BYTES, "in the middle of a length"), "little")
        wanted = None if reply_bytes is None else WORD_BYTES + reply_bytes
        most = WORD_BYTES + (LONGEST_STATE_BYTES if reply_bytes is None else max(reply_bytes, LONGEST_SENTENCE_BYTES))
        if not WORD_BYTES <= length <= most:
            raise self._wrong_length(what, wanted, length)
        reply = self._read(what, length, f"before the {length} bytes that it announced")
        first = int.from_bytes(reply[:WORD_BYTES], "little")
        if first == Request.REFUSED:
            raise _refusal(kind, reply[WORD_BYTES:].decode(errors="replace"))
        if first != kind:
            raise CacheContractBroken(
                f"the program must begin its reply to {what} with {int(kind)}, or with 0 to refuse, got {first}"
            )
        if wanted not in (None, length):
            raise self._wrong_length(what, wanted, length)
        return reply[WORD_BYTES:]

    def _read(self, what: str, length: int, place: str) -> bytes:
        """Read exactly `length` bytes of the reply.

        Memory grows with the bytes that arrive, so a program cannot exhaust it by announcing a large length.
        """
        stdout = self._process.stdout
        assert stdout is not None
        found = bytearray()
        while len(found) < length:
            chunk = stdout.read(min(CHUNK_BYTES, length - len(found)))
            if not chunk:
                raise self._gone(what, f" {place}" if found or length > WORD_BYTES else "")
            found += chunk
        return bytes(found)

    def _wrong_length(self, what: str, wanted: int | None, got: int) -> CacheContractBroken:
        rule = f"between 8 and {WORD_BYTES + LONGEST_STATE_BYTES}" if wanted is None else str(wanted)
        return CacheContractBroken(
            f"the program must reply to {what} with a frame of {rule} bytes, got one of {got}; "
            "only frames may be written on its standard output"
        )

    def _gone(self, what: str, place: str) -> CacheContractBroken:
        try:
            status = self._process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            end = "closed its standard output"
        else:
            end = f"ended with status {status}" if status >= 0 else f"was ended by {signal.Signals(-status).name}"
        last = self._talk.last_line()
        return CacheContractBroken(f"the program must reply to {what}, but it {end}{place}" + (last and f": {last}"))

    def end(self) -> None:
        """End the process: close its standard input, wait up to PATIENCE_S seconds, then kill it."""
        process = self._process
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0 if self.broken else PATIENCE_S)
        if self._own_group:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        self._talk.close()


def _refusal(kind: Request, sentence: str) -> LowerBoundError:
    error = {Request.NEW: InvalidArgument, Request.DECODE: CorruptState}.get(kind, CacheContractBroken)
    said = " ".join(sentence.split())[:300] or "it does not say why"
    return error(f"the program refuses {kind.name.lower()}: {said}")


Runs = dict[tuple[str, ...], RunningProgram]
_RUNS_OF_THIS_PROCESS: Runs = {}
_runs: ContextVar[Runs | None] = ContextVar("_runs", default=None)


@contextmanager
def programs_end_here() -> Iterator[None]:
    """A context with its own program processes: those started inside end with it, also if it ends by an exception."""
    runs: Runs = {}
    token = _runs.set(runs)
    try:
        yield
    finally:
        _runs.reset(token)
        _end(runs)


def _end(runs: Runs) -> None:
    for run in runs.values():
        run.end()


atexit.register(_end, _RUNS_OF_THIS_PROCESS)


def _run_of(command: tuple[str, ...]) -> RunningProgram:
    """The running process of a command, in the current `programs_end_here` block or else in this Python process.

    A process that broke the protocol is ended and replaced by a new one.
    """
    inside = _runs.get()
    runs = _RUNS_OF_THIS_PROCESS if inside is None else inside
    known = runs.get(command)
    if known is not None and not known.broken:
        return known
    if known is not None:
        known.end()
    runs[command] = RunningProgram(command, own_group=inside is not None)
    return runs[command]


class Program(Cache):
    """A cache whose methods send requests to a program; `program_cache` makes the class for a given command.

    Contract: that of `Cache`, if the program keeps it; a program that breaks the protocol raises CacheContractBroken.
    """

    family: ClassVar[str] = "program"
    budget_meaning: ClassVar[str] = "as the program takes it"
    command: ClassVar[tuple[str, ...]] = ()

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._run = _run_of(self.command)
        self._number = self._run.take()
        weakref.finalize(self, self._run.release, self._number).atexit = False
        self._run.ask(new_request(self._number, public), 0)

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        self._run.ask(append_request(self._number, scale, keys, values, queries), 0)

    def attend(self, queries: FloatArray) -> FloatArray:
        m, d = len(queries), self.public.d
        reply = self._run.ask(attend_request(self._number, queries), m * d * WORD_BYTES)
        return np.frombuffer(reply, dtype="<f8").astype(np.float64).reshape(m, d)

    def encode(self) -> bytes:
        return self._run.ask(words(Request.ENCODE, self._number), None)

    def decode(self, data: bytes) -> None:
        self._run.ask(words(Request.DECODE, self._number) + bytes(data), 0)


def program_cache(command: str) -> type[Program]:
    """The cache class that plays a command line. The line is split into words as a shell does, but no shell runs it.

    Contract: a line that cannot be split, or that names no command, raises InvalidArgument.
    """
    split = tuple(_split(command))
    return type(
        "Program",
        (Program,),
        {"__doc__": f"The program `{command}`.", "reference": command, "command": split},
    )


def program_target(command: str) -> str:
    """The target "exec:COMMAND" for a command, in which every file is named by its absolute path.

    Contract: the executable is looked up as a shell does, from the current directory. Every other word that names an
    existing file or folder becomes an absolute path, so that the command means the same in a party's private directory.
    A command that cannot be executed raises InvalidArgument.
    """
    executable, *rest = _split(command)
    absolute = [os.path.abspath(word) if os.path.exists(word) else word for word in rest]
    return PREFIX + shlex.join([_executable(executable), *absolute])


def program_places(target: str) -> list[str]:
    """The folders that a party must be able to read to run a target; none for a target that is not "exec:COMMAND".

    They are the folders of all files that the command names. For a file in PLACE/bin or PLACE/shims, the folder is
    PLACE, because such a tool needs files next to its `bin` folder.
    """
    if not is_program(target):
        return []
    executable, *rest = _split(target.removeprefix(PREFIX))
    places = []
    for file in [executable, *(word for word in rest if os.path.isabs(word) and os.path.exists(word))]:
        for path in (file, os.path.realpath(file)):
            folder = path if os.path.isdir(path) else os.path.dirname(path)
            places.append(os.path.dirname(folder) if os.path.basename(folder) in TOOL_FOLDERS else folder)
    return list(dict.fromkeys(places))


def _split(command: str) -> list[str]:
    try:
        split = shlex.split(command)
    except ValueError as error:
        raise InvalidArgument(f"program must be a command line, got {command!r}: {error}") from None
    if not split or not split[0]:
        raise InvalidArgument(f"program must be a command with its arguments, such as './mycache 8', got {command!r}")
    return split


def _executable(word: str) -> str:
    found = word if os.sep in word else shutil.which(word)
    if found is None:
        raise invalid("program", "be on the PATH", word, nearest=f"./{word}" if os.path.isfile(word) else None)
    if not os.path.isfile(found):
        raise invalid("program", "name a file that exists", word)
    if not os.access(found, os.X_OK):
        raise InvalidArgument(f"program must be executable, got {word!r}, which is not; `chmod +x {word}` makes it so")
    return os.path.abspath(found)
