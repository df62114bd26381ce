"""The separation of Alice and Bob: each party runs in a fresh process, and only bytes pass between them.

Each party gets a job (the public configuration) and its own private input, and writes one reply. The isolation levels
differ in what they prevent from passing between the parties:

* `none` prevents nothing. Both parties run in the judge's process, for speed.
* `process-shared-files` prevents Python objects (globals, closures, class attributes), environment variables, inherited
  descriptors and the current directory. Each party has a fresh interpreter, a constant environment, and its own
  temporary home and working directory; and, where the machine allows it, no network, and no process that outlives it.
* `sandbox` also prevents files, and what the kernel keeps of them (`game.sandbox`). It needs Debian's bubblewrap.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import IO, Any
from weakref import WeakSet

from lowerbound.core.kinds import PREFIX, is_wrapped
from lowerbound.core.processes import started
from lowerbound.core.program import program_places, programs_end_here
from lowerbound.core.tail import Tail
from lowerbound.core.threads import one_thread
from lowerbound.core.time_limit import check_time_limit
from lowerbound.errors import (
    CacheContractBroken,
    InvalidArgument,
    IsolationUnavailable,
    TimeLimitExceeded,
)
from lowerbound.game import sandbox
from lowerbound.game.party import perform
from lowerbound.game.reply import opened
from lowerbound.game.sandbox import sandbox_problem
from lowerbound.game.wire import MOST_REPLY_BYTES, Frames, Role, read_frames, write_frames
from lowerbound.kernel.codec import Rejected

OWN_CACHES = "lowerbound.caches."
"""The prefix of this package's own cache modules, which the judge's process may import at every isolation level."""

_MAIN = "lowerbound.game.party:main"


_running: set[subprocess.Popen[bytes]] = set()
_stopped: WeakSet[threading.Thread] = WeakSet()


class Isolation(StrEnum):
    """The isolation levels between Alice and Bob, weakest first."""

    NONE = "none"
    PROCESS = "process-shared-files"
    SANDBOX = "sandbox"


def strongest() -> Isolation:
    """The strongest isolation level that this machine supports."""
    return Isolation.SANDBOX if sandbox_problem() is None else Isolation.PROCESS


def module_path(targets: Iterable[str]) -> list[str]:
    """Where a party of these caches finds modules: where this process does, and then in the working directory.

    Contract: absolute paths that exist. Only a party of a foreign class gets the working directory, where the class may
    lie. A library may try to import modules that are not installed: a file of such a name beside the class would be run
    by the judge, or by a party of this package's own caches.
    """
    own = [os.path.abspath(entry) for entry in sys.path if os.path.exists(entry or ".")]
    foreign = any(not target.startswith((OWN_CACHES, PREFIX)) for target in targets)
    return list(dict.fromkeys([*own, os.getcwd()] if foreign else own))


@contextmanager
def party_path_here(search_path: Sequence[str]) -> Iterator[None]:
    """A context in which this process finds modules where a party does, for isolation `none`."""
    own = sys.path[:]
    sys.path[:] = search_path
    try:
        yield
    finally:
        sys.path[:] = own


def converse(
    role: Role,
    job: dict[str, Any],
    private: Sequence[bytes],
    *,
    isolation: Isolation,
    time_limit_s: float,
    search_path: Sequence[str] = (),
    hidden: Sequence[str] = (),
    most_frames: int,
) -> Frames:
    """Run one party on its job and private input, and return the frames of its reply, at most `most_frames`.

    Contract: returns the frames that the party wrote; `reply` says what they may hold. It raises the error that the
    party reported, TimeLimitExceeded if the party does not finish in time, CacheContractBroken if its process dies or
    writes no such reply, and IsolationUnavailable if the machine does not support the level. The party sees `job`,
    `private`, and `search_path` as its module path; a sandbox shows it none of the files in `hidden`.
    """
    check_time_limit(time_limit_s)
    if isolation is Isolation.NONE:
        return _converse_here(role, job, private, time_limit_s, search_path)
    with (
        tempfile.TemporaryFile() as question,
        tempfile.TemporaryFile() as reply,
        closing(Tail()) as talk,
    ):
        write_frames(question, [role.encode(), json.dumps(job).encode(), *private])
        question.seek(0)
        streams = Streams(question, reply, subprocess.PIPE)
        terms: dict[str, Any] = {"isolation": isolation, "search_path": search_path, "hidden": hidden}
        with party_process(_MAIN, job, streams, **terms) as process:
            talk.follow(process.stderr)
            try:
                _wait_for(process, time_limit_s)
            except subprocess.TimeoutExpired:
                raise late(role, time_limit_s) from None
        reply.seek(0)
        return _read_reply(role, process.returncode, reply, talk, most_frames)


def _wait_for(process: subprocess.Popen[bytes], limit_s: float) -> None:
    """Popen.wait, which with a limit looks 20 times a second, but woken by the end of the process where that is told.

    Contract: raises TimeoutExpired if the process has not ended within the limit.
    """
    start = time.monotonic()
    with suppress(AttributeError, OSError):  # no descriptors of processes on this system, or none left
        descriptor = os.pidfd_open(process.pid)
        try:
            end = select.poll()
            end.register(descriptor, select.POLLIN)
            end.poll(min(1000 * limit_s, 2**31 - 1))
        finally:
            os.close(descriptor)
    process.wait(timeout=max(0.0, limit_s - (time.monotonic() - start)))


@dataclass(frozen=True)
class Streams:
    """What a party has as standard input, output and error: open files, or subprocess.PIPE."""

    stdin: IO[bytes] | int
    stdout: IO[bytes] | int
    stderr: IO[bytes] | int


@contextmanager
def party_process(
    main: str,
    job: dict[str, Any],
    streams: Streams,
    *,
    isolation: Isolation,
    search_path: Sequence[str],
    hidden: Sequence[str] = (),
) -> Iterator[subprocess.Popen[bytes]]:
    """A running party: a fresh interpreter that calls the function `main`, "package.module:function", at this level.

    Contract: when the context ends, so does the party, with its process group. `job` names the caches (as "cache", or
    in its "games") whose programs the sandbox has to show. A level that this machine does not support raises
    IsolationUnavailable.
    """
    if isolation is Isolation.SANDBOX and (problem := sandbox_problem()) is not None:
        raise IsolationUnavailable(
            f"isolation must be one that this machine gives, got 'sandbox': {problem}; "
            "the nearest valid choice is 'process-shared-files'"
        )
    with tempfile.TemporaryDirectory(prefix=own_prefix()) as home, ExitStack() as stack:
        path = list(search_path)
        module, _, function = main.partition(":")
        start = f"import sys; sys.path[:] = {path!r}; from {module} import {function}; {function}()"
        command = [sys.executable, "-I", "-B", "-c", start]
        environment, inherited = _environment(home), list[int]()
        if isolation is Isolation.SANDBOX:
            environment = _environment(sandbox.HOME)
            caches = [game["cache"] for game in job.get("games", [job])]
            command, inherited = stack.enter_context(sandbox.sandboxed(command, [*path, *places_of(caches)], hidden))
        else:
            command = [*walls(), *command]
        with started(
            command,
            _kill_group,
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            cwd=home,
            env=environment,
            close_fds=True,
            pass_fds=inherited,
            start_new_session=True,
        ) as process:
            _running.add(process)
            try:
                if threading.current_thread() in _stopped:
                    raise KeyboardInterrupt
                yield process
            finally:
                _running.discard(process)


@lru_cache
def walls() -> list[str]:
    """The command that takes a network, System V objects and processes that stay from a party without a sandbox.

    Contract: the words go in front of the party's command; none where this machine does not allow it.
    """
    rights = [] if os.geteuid() == 0 else ["--user", "--map-current-user"]
    words = ["unshare", *rights, "--net", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    try:
        tried = subprocess.run([*words, "true"], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return words if tried.returncode == 0 else []


@lru_cache
def own_prefix() -> str:
    """How the names of this process's temporary folders begin; the first call removes those of judges that were killed.

    Contract: only folders of this user whose name has the number of a process that does not run are removed.
    """
    for name in os.listdir(tempfile.gettempdir()):
        path = os.path.join(tempfile.gettempdir(), name)
        left = re.fullmatch("lowerbound-([0-9]{1,9})-[a-z0-9_]+", name)
        if left and not os.path.exists(f"/proc/{left[1]}") and os.lstat(path).st_uid == os.geteuid():
            shutil.rmtree(path, ignore_errors=True)
    return f"lowerbound-{os.getpid()}-"


def places_of(caches: Iterable[str]) -> list[str]:
    """What a party has to see for the programs among these caches: their folders, and all that the system installs."""
    found = [place for cache in caches for place in program_places(cache)]
    return [*found, "/usr"] if found else []


def end_parties() -> None:
    """End all parties of this process; a thread that runs now, other than this one, gets KeyboardInterrupt if it starts
    another.

    It is for an interruption, which reaches the main thread alone: threads that play games then end too.
    """
    _stopped.update(each for each in threading.enumerate() if each is not threading.current_thread())
    for process in list(_running):
        _kill_group(process)


def _read_reply(role: Role, returncode: int, reply: IO[bytes], talk: Tail, most_frames: int) -> Frames:
    what = "it did not"
    try:
        frames = read_frames(reply, most_frames=most_frames + 1, most_bytes=MOST_REPLY_BYTES)
        error = opened(frames[0]) if frames else None
    except (ValueError, Rejected) as broken:
        frames, error, what = [], None, str(broken)
    if error is not None:
        raise error
    if not frames:
        last = talk.last_line()
        raise CacheContractBroken(
            f"the cache must let {role}'s process reply, but {what}, and it ended with status {returncode}"
            + (f": {last}" if last else "")
        )
    return frames[1:]


def late(role: Role, time_limit_s: float) -> TimeLimitExceeded:
    """The error for a party that exceeded its time limit."""
    return TimeLimitExceeded(
        f"the cache must finish {role}'s part within {time_limit_s:g} s, and did not; a larger time limit may let it"
    )


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment(home: str) -> dict[str, str]:
    """The environment of a party: constants, and this process's OpenBLAS kernel settings if there are any.

    BLAS gets one thread: a game consists of many small products, and several parties may run side by side.
    """
    fixed = {
        "HOME": home,
        "TMPDIR": home,
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }
    kernel = {name: os.environ[name] for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ}
    return fixed | kernel


def refuse_here(caches: Iterable[str]) -> None:
    """Raise InvalidArgument if one of these caches must not run in this process: its message is a pickle."""
    for cache in filter(is_wrapped, caches):
        raise InvalidArgument(
            f"isolation must be a process of its own for {cache.partition('#')[0]!r}, whose message runs code when it "
            "is read, got 'none'; the nearest valid choice is 'process-shared-files'"
        )


def _converse_here(
    role: Role, job: dict[str, Any], private: Sequence[bytes], time_limit_s: float, search_path: Sequence[str]
) -> Frames:
    refuse_here(game["cache"] for game in job.get("games", [job]))
    with alarm(role, time_limit_s), one_thread(), programs_end_here(), party_path_here(search_path):
        return perform(role, json.loads(json.dumps(job)), list(private))


@contextmanager
def alarm(role: Role, time_limit_s: float) -> Iterator[None]:
    """A context that raises TimeLimitExceeded if its code runs longer than `time_limit_s` seconds.

    Only the main thread can be interrupted; in other threads the context does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(signum: int, frame: Any) -> None:
        raise late(role, time_limit_s)

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, time_limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
