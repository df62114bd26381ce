"""The sandbox of one party: bubblewrap, with a root of its own that shows libraries, read-only, and nothing else.

What a party sees: the libraries of the system, this interpreter, the module path, and the places of its programs. Of
/proc it sees its own processes; counters of the whole machine are empty there. Everything it writes is its own, and
ends with it. `seccomp` closes what no namespace does.

Pages of files that one party read stay in the machine's memory, and another can measure it, at thousands of bits a
second. `forget_pages` drops them between the parties of a game with foreign code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from lowerbound.game import seccomp

HOME = "/dev/shm/home"  # noqa: S108 - on the sandbox's own /dev, which only its party sees
FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Folders of the system; on most machines they are links into /usr."""
SETTINGS = ("alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "passwd", "group")
"""Files of /etc that libraries need."""
PROCESSORS = "/sys/devices/system/cpu"
"""BLAS and OpenMP read there how many processors there are."""
PRIVATE = ("/tmp", "/var/tmp", "/run")  # noqa: S108 - replaced by private ones

OPEN_IN_PROC = frozenset({"self", "thread-self", "cpuinfo", "mounts", "filesystems", "version", "net", "sys"})
"""What stays of /proc besides processes; every other file there counts what the whole machine does."""
COUNTERS = ("fs", "kernel/random", "kernel/ns_last_pid", "kernel/pty", "kernel/keys")
FIXED = ("meminfo", "stat", "loadavg", "uptime")
"""Counters of which a party sees what they were when the first party started: some libraries cannot start without."""


DROP_CACHES = Path("/proc/sys/vm/drop_caches")
_attempt = threading.Lock()


def sandbox_problem() -> str | None:
    """The reason why this machine cannot make a sandbox, or None if it can. The attempt is made once and cached."""
    with _attempt:
        return _problem()


def try_ahead() -> None:
    """Make that attempt beside what follows, which is mostly imports; who asks before its end waits for it.

    Contract: no error comes from here; it comes to the one who asks.
    """
    threading.Thread(target=_quietly, daemon=True).start()


def _quietly() -> None:
    with suppress(Exception):
        sandbox_problem()


@lru_cache
def _problem() -> str | None:
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed (Debian: apt-get install bubblewrap)"
    with sandboxed(["/bin/true"], []) as (command, inherited):
        probe = subprocess.run(
            command,
            pass_fds=inherited,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=20,
        )
    return None if probe.returncode == 0 else f"bubblewrap cannot start here: {probe.stderr.strip()[:200]}"


@contextmanager
def sandboxed(
    command: Sequence[str], places: Iterable[str], hidden: Iterable[str] = ()
) -> Iterator[tuple[list[str], list[int]]]:
    """(the command that runs `command` in a sandbox, the descriptors that it has to inherit).

    The sandbox shows `places`, but is empty where a file in `hidden` is.
    """
    inherited: list[int] = []
    try:
        whole = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        root = [*_root(places, inherited), *_masks(places, hidden)]
        if (program := seccomp.program()) is not None:
            inherited.append(os.memfd_create("seccomp"))
            os.write(inherited[-1], program)
            os.lseek(inherited[-1], 0, os.SEEK_SET)
            whole += ["--seccomp", str(inherited[-1])]
        yield [*whole, *root, "--chdir", HOME, "--", *command], inherited
    finally:
        for descriptor in inherited:
            os.close(descriptor)


def _root(places: Iterable[str], inherited: list[int]) -> list[str]:
    shown = ["--tmpfs", "/"]
    for folder in FOLDERS:
        if os.path.islink(folder):
            shown += ["--symlink", os.readlink(folder), folder]
    for name in SETTINGS:
        shown += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    shown += ["--ro-bind-try", PROCESSORS, PROCESSORS]
    for folder in PRIVATE:
        shown += ["--tmpfs", folder]
    roots, masked = visible(places)
    for root in roots:
        shown += ["--ro-bind", root, root]
    for folder in masked:
        shown += ["--tmpfs", folder, "--remount-ro", folder]
    shown += ["--dev", "/dev", "--proc", "/proc"]
    for entry in _counters():
        shown += (
            ["--tmpfs", entry, "--remount-ro", entry] if os.path.isdir(entry) else ["--ro-bind", "/dev/null", entry]
        )
    for name, text in _fixed().items():
        copy = os.memfd_create(name)
        os.write(copy, text)
        os.lseek(copy, 0, os.SEEK_SET)
        inherited.append(copy)
        shown += ["--ro-bind-data", str(copy), f"/proc/{name}"]
    return [*shown, "--dir", HOME]


def _masks(places: Iterable[str], hidden: Iterable[str]) -> list[str]:
    roots, _ = visible(places)
    files = [os.path.abspath(file) for file in hidden if os.path.exists(file)]
    seen = [file for file in files if any(Path(file).is_relative_to(root) for root in roots)]
    return [word for file in seen for word in ("--ro-bind", "/dev/null", file)]


def visible(places: Iterable[str]) -> tuple[list[str], list[str]]:
    """(what of this machine's files a party sees, folders within which it does not see).

    Contract: the libraries of the system, this interpreter and `places`, none inside another. The packages of the
    interpreter that a virtual environment was made from are seen only if `places` has them.
    """
    libraries = sysconfig.get_config_var("MULTIARCH") or ""
    system = ["/usr/bin", "/usr/sbin", "/usr/lib64", "/usr/lib32", f"/usr/lib/{libraries}", *FOLDERS]
    asked = [os.path.abspath(place) for place in places]
    wanted = [place for place in [*system, *asked, sys.prefix, sys.base_prefix] if os.path.exists(place)]
    roots: list[Path] = []
    for place in sorted({Path(place) for place in wanted if place not in FOLDERS or not os.path.islink(place)}):
        if place != Path("/") and not any(place.is_relative_to(root) for root in roots):
            roots.append(place)
    packages = sysconfig.get_path("purelib", vars={"base": sys.base_prefix})
    masked = [packages] if os.path.isdir(packages) and packages not in asked else []
    return [str(root) for root in roots], masked


@lru_cache
def _counters() -> list[str]:
    """The files and folders of /proc that tell what the whole machine does."""
    hidden = [name for name in os.listdir("/proc") if not name.isdigit() and name not in OPEN_IN_PROC.union(FIXED)]
    deeper = [name for name in COUNTERS if os.path.exists(f"/proc/sys/{name}")]
    return [f"/proc/{name}" for name in sorted(hidden)] + [f"/proc/sys/{name}" for name in deeper]


@lru_cache
def _fixed() -> dict[str, bytes]:
    return {name: Path("/proc", name).read_bytes() for name in FIXED}


def forget_pages(places: Iterable[str]) -> None:
    """Drop from memory what was read of files that a sandbox with these places shows.

    Then the next party cannot tell, by the time that it takes, which of them another has read. The superuser's kernel
    drops all files of the machine, and the names that were looked up in vain. For others, each visible file is told to
    go, which takes about 10 microseconds a file, and names stay. Pages that a running process has mapped, such as those
    of this interpreter, stay; they were there before.
    """
    try:
        DROP_CACHES.write_text("3")
        return
    except OSError:
        roots, masked = visible(places)
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in masked]
            for name in names:
                with suppress(OSError):
                    _forget(os.path.join(folder, name))


def _forget(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)
