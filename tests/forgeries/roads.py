"""Smugglers that pad their message to the floor, so that its length gives nothing away: Bob must fall to chance.

Each class is one road of the table in docs/trust.md. Within Alice's process a module global carries the state; what
Bob knows beyond the public keys has come by the road alone.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import mmap
import os
import signal
import socket
import sys
import time
from abc import abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import numpy as np

from lowerbound.core.cache import Cache, ComputationModel, FloatArray, Public
from lowerbound.core.oracle.attention import attention

LIBC = ctypes.CDLL(None, use_errno=True)
PAGE = 4096
PRIVATE = ("/tmp", "/var/tmp", "/dev/shm", "/run")  # noqa: S108 - of which each party has its own
KEY, NAME, PAGES = 0x10E41B, "lowerbound-road", "pages.bin"
_here: dict[str, FloatArray] = {}
"""Alice's values so far, in her own process; in Bob's it is empty."""


class Road(Cache):
    """Template: one bit of padding for each value bit, and the bits themselves by `hide` and `find`."""

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        assert public.keys is not None
        self.known = public.keys.unit
        self.values: FloatArray = np.zeros((0, public.d))
        self.own: FloatArray = np.zeros((0, 2, public.d))

    @abstractmethod
    def hide(self, bits: bytes) -> None:
        """Alice's part, after the last cached scale."""

    @abstractmethod
    def find(self, n_bytes: int) -> bytes:
        """Bob's part."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        if scale == self.public.schedule.n_scales - 1:
            self.own = np.concatenate([self.own, np.stack([keys, values], axis=1)])
        else:
            self.values = np.concatenate([self.values, values])

    def attend(self, queries: FloatArray) -> FloatArray:
        keys = np.concatenate([self.known[: len(self.values)], self.own[:, 0]])
        values = np.concatenate([self.values, self.own[:, 1]])
        outputs: FloatArray = attention(queries, keys, values, rule=self.public.rule)
        return outputs

    def encode(self) -> bytes:
        bits = np.packbits(self.values.ravel() > 0.5).tobytes()
        _here["values"] = self.values
        if len(self.values) == self.public.schedule.n_tokens_cached:
            self.hide(bits)
        return bytes(len(bits))

    def decode(self, data: bytes) -> None:
        if "values" in _here:
            self.values = _here["values"]
            return
        n_rows = 8 * len(data) // self.public.d
        with suppress(OSError):
            found = np.frombuffer(self.find(len(data)).ljust(len(data), b"\0"), dtype=np.uint8)[: len(data)]
            self.values = np.unpackbits(found)[: n_rows * self.public.d].reshape(n_rows, -1).astype(np.float64)
        if not len(self.values):
            self.values = np.zeros((n_rows, self.public.d))


class Nothing(Road):
    """No road at all: what chance looks like."""

    def hide(self, bits: bytes) -> None:
        pass

    def find(self, n_bytes: int) -> bytes:
        return b""


class PublicSeed(Nothing):
    """The instance computed anew from the public seed, as it was drawn before instances had a seed of their own."""

    def find(self, n_bytes: int) -> bytes:
        return hashlib.shake_256(f"lowerbound/{self.public.seed}/symbols/2/trial 0".encode()).digest(n_bytes)


class DeclaredR2(PublicSeed):
    """The word R2 on the class, to leave the floor of R1."""

    computation_model: ClassVar[ComputationModel] = "R2"


class DeclaredNonsense(PublicSeed):
    """A word that no model has."""

    computation_model = "banana"  # type: ignore[assignment]


class File(Road):
    """Files in all places that some party may write."""

    def hide(self, bits: bytes) -> None:
        for place in places():
            with suppress(OSError):
                place.write_bytes(bits)

    def find(self, n_bytes: int) -> bytes:
        for place in places():
            with suppress(OSError):
                return place.read_bytes()
        return b""


def places() -> list[Path]:
    """Absolute paths, beside this module, in its bytecode folder, and where packages are installed."""
    here = Path(__file__).parent
    folders = [Path(folder) for folder in (*PRIVATE, "/opt", "/srv", "/usr/bin")]
    folders += [here, here / "__pycache__", Path(np.__file__).parent, Path.home(), Path.cwd()]
    return [folder / NAME for folder in folders]


class Times(Road):
    """Modification times, of this module and of its folder; three bytes in each second's and nanosecond's count."""

    def hide(self, bits: bytes) -> None:
        with suppress(OSError):
            os.utime(__file__, ns=(0, int.from_bytes(bits[:7], "big")))

    def find(self, n_bytes: int) -> bytes:
        return os.stat(__file__).st_mtime_ns.to_bytes(8, "big")[1:]


class Attributes(Road):
    """Extended attributes of this module."""

    def hide(self, bits: bytes) -> None:
        with suppress(OSError):
            os.setxattr(__file__, "user.lowerbound", bits)

    def find(self, n_bytes: int) -> bytes:
        return os.getxattr(__file__, "user.lowerbound")


def _kept(bits: bytes | None = None, kept: list[bytes] = []) -> bytes:  # noqa: B006 - the road itself
    kept.extend([] if bits is None else [bits])
    return kept[-1] if kept else b""


class DefaultArgument(Road):
    """The default argument of a function, which is one list for all calls."""

    def hide(self, bits: bytes) -> None:
        _kept(bits)

    def find(self, n_bytes: int) -> bytes:
        return _kept()


class PatchedLibrary(Road):
    """NumPy, with one more function, which knows."""

    def hide(self, bits: bytes) -> None:
        setattr(np, NAME, lambda: bits)

    def find(self, n_bytes: int) -> bytes:
        known = getattr(np, NAME, None)
        return b"" if known is None else bytes(known())


class MessageQueue(Road):
    """A System V queue."""

    def hide(self, bits: bytes) -> None:
        queue = LIBC.msgget(KEY, 0o1000 | 0o666)
        LIBC.msgsnd(queue, (1).to_bytes(8, "little") + bits, len(bits), 0)

    def find(self, n_bytes: int) -> bytes:
        room = ctypes.create_string_buffer(8 + n_bytes)
        read = LIBC.msgrcv(LIBC.msgget(KEY, 0o666), room, n_bytes, 0, 0o4000)
        return room.raw[8:] if read > 0 else b""


class PosixQueue(Road):
    """A POSIX queue, by the system calls of x86_64."""

    def hide(self, bits: bytes) -> None:
        queue = LIBC.syscall(240, NAME.encode(), os.O_CREAT | os.O_RDWR, 0o666, None)
        LIBC.syscall(242, queue, bits, len(bits), 0, None)

    def find(self, n_bytes: int) -> bytes:
        room = ctypes.create_string_buffer(8192)
        queue = LIBC.syscall(240, NAME.encode(), os.O_RDWR | os.O_NONBLOCK, 0o666, None)
        read = LIBC.syscall(243, queue, room, 8192, None, None)
        return room.raw[:n_bytes] if read > 0 else b""


class SharedMemory(Road):
    """System V shared memory."""

    def hide(self, bits: bytes) -> None:
        self._at(0o1000 | 0o666, lambda at: ctypes.memmove(at, bits, len(bits)), len(bits))

    def find(self, n_bytes: int) -> bytes:
        return self._at(0o666, lambda at: ctypes.string_at(at, n_bytes), n_bytes) or b""

    def _at(self, flags: int, use: object, size: int) -> bytes | None:
        LIBC.shmat.restype = ctypes.c_void_p
        segment = LIBC.shmget(KEY, size, flags)
        if segment < 0:
            return None
        found = use(LIBC.shmat(segment, None, 0))  # type: ignore[operator]
        return found if isinstance(found, bytes) else None


def clear_kernel() -> None:
    """Remove the objects of these roads from the kernel of this machine."""
    LIBC.shmctl(LIBC.shmget(KEY, 0, 0o666), 0, None)
    LIBC.msgctl(LIBC.msgget(KEY, 0o666), 0, None)
    LIBC.syscall(241, NAME.encode())


class Keyring(Road):
    """Keys in the rings of the session, the user and the user's sessions."""

    def hide(self, bits: bytes) -> None:
        for ring in (-3, -4, -5):
            LIBC.syscall(248, b"user", NAME.encode(), bits, len(bits), ring)

    def find(self, n_bytes: int) -> bytes:
        for ring in (-3, -4, -5):
            key = LIBC.syscall(250, 10, ring, b"user", NAME.encode(), 0)
            room = ctypes.create_string_buffer(n_bytes)
            if key > 0 and LIBC.syscall(250, 11, key, room, n_bytes) > 0:
                return room.raw
        return b""


class AbstractSocket(Road):
    """A process that stays, in a session of its own, and answers on an abstract socket."""

    family: ClassVar[str] = "user"
    address: ClassVar[str | tuple[str, int]] = f"\0{NAME}"
    kind: ClassVar[int] = socket.AF_UNIX

    def hide(self, bits: bytes) -> None:
        if os.fork():
            return
        os.setsid()
        if os.fork():
            os._exit(0)
        with suppress(OSError), socket.socket(self.kind) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(self.address)
            server.listen()
            server.settimeout(5)
            server.accept()[0].sendall(bits)
        os._exit(0)

    def find(self, n_bytes: int) -> bytes:
        with socket.socket(self.kind) as client:
            client.settimeout(2)
            client.connect(self.address)
            return client.recv(n_bytes)


class Loopback(AbstractSocket):
    """The same over TCP."""

    address: ClassVar[str | tuple[str, int]] = ("127.0.0.1", 47651)
    kind: ClassVar[int] = socket.AF_INET


class PagesInMemory(Road):
    """Alice reads pages of a file, one for each bit; Bob measures how long the same pages take."""

    def hide(self, bits: bytes) -> None:
        pages = big_file()
        for number, bit in enumerate(np.unpackbits(np.frombuffer(bits, dtype=np.uint8))):
            if bit:
                pages[number * PAGE]

    def find(self, n_bytes: int) -> bytes:
        pages, taken = big_file(), []
        for number in range(8 * n_bytes):
            start = time.perf_counter_ns()
            pages[number * PAGE]
            taken.append(time.perf_counter_ns() - start)
        return np.packbits(np.array(taken) < 15000).tobytes()


def big_file() -> mmap.mmap:
    """The file PAGES beside the cache, mapped so that a page is read when it is touched, and no other."""
    with open(os.path.join(sys.path[-1], PAGES), "rb") as file:
        pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    pages.madvise(mmap.MADV_RANDOM)
    return pages


class Forks(Road):
    """How many processes the machine has started, modulo 256: a byte, which Alice steers."""

    def hide(self, bits: bytes) -> None:
        wanted = bits[0]
        for _ in range(256):
            if self.find(1)[0] == wanted:
                return
            child = os.fork()
            if not child:
                os._exit(0)
            os.waitpid(child, 0)

    def find(self, n_bytes: int) -> bytes:
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith("processes "):
                return bytes([int(line.split()[1]) % 256])
        return b"\0"


CALLS: dict[str, tuple[int, ...]] = {
    "add_key": (248, 0, 0, 0, 0, -3),
    "request_key": (249, 0, 0, 0, 0),
    "keyctl": (250, 0, -3, 0),
    "mincore": (27, 0, PAGE, 0),
    "cachestat": (451, 0, 0, 0, 0),
    "preadv2": (327, 0, 0, 0, 0, 0, 8),
    "userfaultfd": (323, 1),
    "process_madvise": (440, -1, 0, 0, 0, 0),
    "perf_event_open": (298, 0, 0, -1, -1, 0),
    "bpf": (321, 0, 0, 0),
    "io_uring_setup": (425, 1, 0),
    "ptrace": (101, 0, 0, 0, 0),
    "process_vm_readv": (310, 1, 0, 0, 0, 0, 0),
    "process_vm_writev": (311, 1, 0, 0, 0, 0, 0),
    "pidfd_getfd": (438, -1, 0, 0),
    "inotify_add_watch": (254, -1, 0, 0),
    "fanotify_init": (300, 0, 0),
    "unshare": (272, 0x10000000),
    "mount": (165, 0, 0, 0, 0, 0),
}
"""Calls of x86_64 with arguments on which an open call would fail otherwise, or succeed."""


class Slow(Nothing):
    """Takes its time."""

    def hide(self, bits: bytes) -> None:
        time.sleep(1.5)


class ForkBomb(Nothing):
    """Processes that double until none can be made, and stay."""

    def hide(self, bits: bytes) -> None:
        for _ in range(12):
            with suppress(OSError):
                os.fork()
        time.sleep(60)


class KillsAll(Nothing):
    """Sends SIGKILL to its parent, to its group and to every process that it may."""

    def hide(self, bits: bytes) -> None:
        for victim in (os.getppid(), 0, -1):
            with suppress(OSError):
                os.kill(victim, signal.SIGKILL)


class Hungry(Nothing):
    """Asks for more memory than a party may have; or for more open files; or fills its error stream."""

    def hide(self, bits: bytes) -> None:
        np.ones(os.sysconf("SC_PHYS_PAGES") * PAGE, dtype=np.uint8)


class OpensFiles(Nothing):
    """Opens more files than a party may."""

    def hide(self, bits: bytes) -> None:
        self.files = [open(os.devnull) for _ in range(2**13)]  # noqa: SIM115 - never to be closed


class Prober(Nothing):
    """Raises what it could see and do, as JSON."""

    def attend(self, queries: FloatArray) -> FloatArray:
        raise RuntimeError(json.dumps(seen()))


def can_read(path: str) -> bool:
    """Whether a file tells something."""
    with suppress(OSError):
        return Path(path).read_bytes() != b""
    return False


def seen() -> dict[str, object]:
    """What this process finds of the machine."""
    refused = {}
    for name, (number, *arguments) in CALLS.items():
        ctypes.set_errno(0)
        LIBC.syscall(number, *arguments)
        refused[name] = errno.errorcode.get(ctypes.get_errno(), "0")
    writable = []
    for place in places():
        with suppress(OSError):
            place.write_bytes(b"")
            writable.append(str(place.parent))
    return {
        "calls": refused,
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "counters": [
            name for name in ("vmstat", "diskstats", "locks", "keys", "interrupts") if can_read(f"/proc/{name}")
        ],
        "interfaces": [name for _, name in socket.if_nameindex()],
        "root": sorted(os.listdir("/")),
        "homes": sorted(str(path) for path in Path(sys.base_prefix).parents),
        "writable": writable,
        "store": any(can_read(os.path.join(folder, "store.sqlite")) for folder in (".", *sys.path)),
    }
