"""The separation of Alice and Bob: each party runs in a fresh process, and only bytes pass between them.

Each party gets a job (the public configuration) and its own private input, and writes one reply. The isolation levels
differ in what they prevent from passing between the parties:

* `none` prevents nothing. Both parties run in the judge's process, for speed.
* `process` prevents Python objects (globals, closures, class attributes), environment variables, inherited descriptors
  and the current directory. Each party has a fresh interpreter, a constant environment, and its own temporary home and
  working directory.
* `sandbox` also prevents files at absolute paths, sockets and processes left behind. It uses Debian's bubblewrap with a
  read-only root, a private /tmp and home, no network, and no process that outlives its party.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from lowerbound import errors
from lowerbound.core.program import PREFIX, program_places, programs_end_here
from lowerbound.errors import (
    CacheContractBroken,
    IsolationUnavailable,
    LowerBoundError,
    TimeLimitExceeded,
    invalid,
)
from lowerbound.game.party import perform
from lowerbound.game.wire import Frames, Role, read_frames, write_frames

OWN_CACHES = "lowerbound.caches."
"""The prefix of this package's own cache modules, which the judge's process may import at every isolation level."""

LONGEST_TIME_LIMIT_S = 10**7
"""116 days."""

_SANDBOX_HOME = "/dev/shm/home"  # noqa: S108 - on the sandbox's own /dev, which only its party sees
_MAIN = "lowerbound.game.party:main"


class Isolation(StrEnum):
    """The isolation levels between Alice and Bob, weakest first."""

    NONE = "none"
    PROCESS = "process"
    SANDBOX = "sandbox"


@lru_cache
def sandbox_problem() -> str | None:
    """The reason why this machine cannot make a sandbox, or None if it can. The attempt is made once and cached."""
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian: apt-get install bubblewrap)"
    with tempfile.TemporaryDirectory() as directory:
        probe = subprocess.run(
            [*_sandbox_command(Path(directory), []), "/bin/true"],
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )
    return None if probe.returncode == 0 else f"bubblewrap cannot start here: {probe.stderr.strip()[:200]}"


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
) -> Frames:
    """Run one party on its job and private input, and return the frames of its reply.

    Contract: returns the frames that the party wrote. It raises the error of this package that the party raised,
    TimeLimitExceeded if the party does not finish in time, CacheContractBroken if its process dies, and
    IsolationUnavailable if the machine does not support the level. The party sees `job`, `private`, and `search_path`
    as its module path.
    """
    check_time_limit(time_limit_s)
    if isolation is Isolation.NONE:
        return _converse_here(role, job, private, time_limit_s, search_path)
    with (
        tempfile.TemporaryFile() as question,
        tempfile.TemporaryFile() as reply,
        tempfile.TemporaryFile() as talk,
    ):
        write_frames(question, [role.encode(), json.dumps(job).encode(), *private])
        question.seek(0)
        streams = Streams(question, reply, talk)
        with party_process(_MAIN, job, streams, isolation=isolation, search_path=search_path) as process:
            try:
                process.wait(timeout=time_limit_s)
            except subprocess.TimeoutExpired:
                raise late(role, time_limit_s) from None
        reply.seek(0)
        talk.seek(0)
        return _read_reply(role, process.returncode, reply, talk)


@dataclass(frozen=True)
class Streams:
    """What a party has as standard input, output and error: open files, or subprocess.PIPE."""

    stdin: IO[bytes] | int
    stdout: IO[bytes] | int
    stderr: IO[bytes] | int


@contextmanager
def party_process(
    main: str, job: dict[str, Any], streams: Streams, *, isolation: Isolation, search_path: Sequence[str]
) -> Iterator[subprocess.Popen[bytes]]:
    """A running party: a fresh interpreter that calls the function `main`, "package.module:function", at this level.

    Contract: when the context ends, so does the party, with its process group. `job` names the caches (as "cache", or
    in its "games") whose programs the sandbox has to show. A level that this machine does not support raises
    IsolationUnavailable.
    """
    if isolation is Isolation.SANDBOX and (problem := sandbox_problem()) is not None:
        raise IsolationUnavailable(
            f"isolation must be one that this machine gives, got 'sandbox': {problem}; "
            "the nearest valid choice is 'process'"
        )
    with tempfile.TemporaryDirectory(prefix="lowerbound-") as home:
        path = list(search_path)
        module, _, function = main.partition(":")
        start = f"import sys; sys.path[:] = {path!r}; from {module} import {function}; {function}()"
        command = [sys.executable, "-I", "-B", "-c", start]
        environment = _environment(home)
        if isolation is Isolation.SANDBOX:
            environment = _environment(_SANDBOX_HOME)
            places = [place for game in job.get("games", [job]) for place in program_places(game["cache"])]
            command = [*_sandbox_command(Path(home), [*path, *places]), *command]
        process = subprocess.Popen(
            command,
            stdin=streams.stdin,
            stdout=streams.stdout,
            stderr=streams.stderr,
            cwd=home,
            env=environment,
            close_fds=True,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            _kill_group(process)


def _read_reply(role: Role, returncode: int, reply: IO[bytes], talk: IO[bytes]) -> Frames:
    try:
        frames = read_frames(reply)
        verdict = json.loads(frames[0])
    except (ValueError, IndexError):
        last = talk.read().decode(errors="replace").strip().splitlines()[-1:]
        raise CacheContractBroken(
            f"the cache must let {role}'s process reply, but it ended with status {returncode}"
            + (f": {last[0][:300]}" if last else "")
        ) from None
    if verdict is not None:
        raise raised(verdict)
    return frames[1:]


def raised(failure: dict[str, str]) -> LowerBoundError:
    """The error that `party.failure` described, as an instance of its class; the party's traceback is a note to it."""
    kinds = {kind.__name__: kind for kind in errors.ALL}
    error = kinds.get(failure["kind"], LowerBoundError)(failure["message"])
    error.add_note(f"In the process of the cache:\n{failure['traceback']}")
    return error


def check_time_limit(seconds: float, name: str = "time limit") -> None:
    """Raise InvalidArgument unless a time limit is positive and one that a clock can be set to."""
    if not 0 < seconds <= LONGEST_TIME_LIMIT_S:
        nearest = f"{LONGEST_TIME_LIMIT_S:,}" if seconds > 0 else None
        raise invalid(name, f"be > 0 seconds and at most {LONGEST_TIME_LIMIT_S:,}", seconds, nearest=nearest)


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
    """The environment of a party: constants, and this process's OpenBLAS kernel settings if there are any."""
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


def _sandbox_command(home: Path, search_path: Sequence[str]) -> list[str]:
    hidden = ["/tmp", "/var/tmp", "/run", "/home", os.path.expanduser("~")]  # noqa: S108 - replaced by private ones
    command = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    command += ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"]
    for directory in dict.fromkeys(hidden):
        if os.path.isdir(directory):
            command += ["--tmpfs", directory]
    needed = dict.fromkeys([*search_path, sys.prefix, sys.base_prefix])
    for place in needed:
        inside_hidden = any(Path(place).is_relative_to(directory) for directory in hidden)
        if inside_hidden and os.path.exists(place):
            command += ["--ro-bind", place, place]
    return [*command, "--dir", _SANDBOX_HOME, "--chdir", _SANDBOX_HOME, "--"]


def _converse_here(
    role: Role, job: dict[str, Any], private: Sequence[bytes], time_limit_s: float, search_path: Sequence[str]
) -> Frames:
    with alarm(role, time_limit_s), programs_end_here(), party_path_here(search_path):
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
