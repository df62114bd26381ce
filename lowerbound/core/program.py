"""A cache in any language: a program that answers requests on standard input and output.

A request and a reply are frames: a length (8 bytes), then that many bytes. Everything inside a frame is made of 8-byte
words, little-endian unsigned integers or float64, but for a state, whose bytes are the program's own. A request begins
with its number and the number of a cache; a reply begins with the number of the request, or with 0 and a sentence.
docs/programs.md is the same as a table, with the bytes of an example.

A party starts the program once, and keeps a cache in it for every `Program` that is alive; Alice's run and Bob's are
different processes, apart from each other as their parties are.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from enum import IntEnum
from fractions import Fraction
from itertools import count
from typing import ClassVar

import numpy as np

from lowerbound.core.cache import Cache, FloatArray, Public
from lowerbound.core.rules import L2Norm
from lowerbound.errors import CacheContractBroken, CorruptState, InvalidArgument, LowerBoundError, invalid

VERSION = 1
PREFIX = "exec:"
WORD_BYTES = 8
LONGEST_STATE_BYTES = 2**33
LONGEST_SENTENCE_BYTES = 4096
CHUNK_BYTES = 2**20
TOOL_FOLDERS = ("bin", "shims")
PATIENCE_S = 1.0
"""How long a program may take to end once its standard input is closed."""


class Request(IntEnum):
    """What a program is asked; REFUSED is not asked, but begins a reply that is a sentence."""

    REFUSED = 0
    NEW = 1
    APPEND = 2
    ATTEND = 3
    ENCODE = 4
    DECODE = 5


def words(*numbers: int) -> bytes:
    """Unsigned integers as 8 bytes each, little-endian."""
    return struct.pack(f"<{len(numbers)}Q", *numbers)


def floats(rows: FloatArray) -> bytes:
    """Float64 entries, little-endian, row by row."""
    return np.ascontiguousarray(rows, dtype="<f8").tobytes()


def new_request(number: int, public: Public) -> bytes:
    """Cache `number` starts empty; what follows is everything that it may know before it sees a token."""
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
    """Cache `number` takes in one scale."""
    asked = keys[:0] if queries is None else queries
    head = words(Request.APPEND, number, scale, len(keys), len(asked))
    return b"".join([head, floats(keys), floats(values), floats(asked)])


def attend_request(number: int, queries: FloatArray) -> bytes:
    """Cache `number` answers queries."""
    return words(Request.ATTEND, number, len(queries)) + floats(queries)


class RunningProgram:
    """One run of a program, and the numbers of the caches that it holds.

    Contract: `ask` returns the reply to a request, without its first word; a program that dies, replies with another
    number of bytes or ends its reply early raises CacheContractBroken, and one that refuses raises the error that
    belongs to the request. `end` leaves no process behind: with `own_group`, none of those that it started either.
    """

    def __init__(self, command: tuple[str, ...], *, own_group: bool) -> None:
        self.broken = False
        self._own_group = own_group
        self._taken: set[int] = set()
        self._talk = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._talk,
                process_group=0 if own_group else None,
            )
        except OSError as error:
            self._talk.close()
            raise InvalidArgument(
                f"program {shlex.join(command)!r} must be one that this machine can start, got {error.strerror}"
            ) from None

    def take(self) -> int:
        """The smallest number that no living cache has."""
        number = next(number for number in count() if number not in self._taken)
        self._taken.add(number)
        return number

    def release(self, number: int) -> None:
        """Let another cache have the number."""
        self._taken.discard(number)

    def ask(self, request: bytes, reply_bytes: int | None) -> bytes:
        """The reply to a request, of `reply_bytes` bytes; None means any number of them."""
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
        """Exactly `length` bytes, never more at once than have arrived."""
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
        last = self._last_line()
        return CacheContractBroken(f"the program must reply to {what}, but it {end}{place}" + (last and f": {last}"))

    def _last_line(self) -> str:
        self._talk.seek(max(0, self._talk.seek(0, os.SEEK_END) - LONGEST_SENTENCE_BYTES))
        lines = self._talk.read().decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def end(self) -> None:
        """Close its standard input, wait a moment, then kill it."""
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
    """Programs that are started in this block are runs of its own, and end with it, whatever ends it."""
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
    """The run of this block or process; a broken one is replaced."""
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
    """A cache whose methods are requests to a program; `program_cache` makes the class of a command.

    Contract: that of `Cache`, as far as the program keeps it; one that breaks the protocol raises CacheContractBroken.
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

    @property
    def claimed_ratio(self) -> Fraction | None:
        return None

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
    """The cache class of a command line, which is split as a shell would and run without one."""
    split = tuple(_split(command))
    return type(
        "Program",
        (Program,),
        {"__doc__": f"The program `{command}`.", "reference": command, "command": split},
    )


def program_target(command: str) -> str:
    """The target "exec:COMMAND" under which a command is played, its files by their absolute paths.

    Contract: the executable is looked for as a shell would, from here; every other word that names a file or folder
    from here becomes its absolute path, so that the command means the same in a party's private directory. One
    that cannot be executed raises InvalidArgument.
    """
    executable, *rest = _split(command)
    absolute = [os.path.abspath(word) if os.path.exists(word) else word for word in rest]
    return PREFIX + shlex.join([_executable(executable), *absolute])


def program_places(target: str) -> list[str]:
    """The folders that a party must see to run a target: those of every file that the command names.

    Of a tool in PLACE/bin or PLACE/shims that is PLACE: what it needs stands beside.
    """
    if not target.startswith(PREFIX):
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
