"""Caches that send no bytes and try to reach Bob by another road. Each road is named with the level that closes it."""

from __future__ import annotations

import os
import socket
import tempfile
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lowerbound.core.cache import Cache, FloatArray, Public
from lowerbound.core.oracle.attention import attention

ABSOLUTE_FILE = Path(tempfile.gettempdir()) / "lowerbound-smuggled-state"
RELATIVE_FILE = Path("smuggled-state")
HOME_FILE = "smuggled-state"
PORT = 47653
INHERITED_FD_VARIABLE = "LOWERBOUND_TEST_INHERITED_FD"

_module_global: list[bytes] = []


class Smuggler(Cache):
    """Template: stores everything somewhere, encodes nothing."""

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.rows: FloatArray = np.zeros((0, 2, public.d))

    @abstractmethod
    def hide(self, state: bytes) -> None: ...

    @abstractmethod
    def find(self) -> bytes: ...

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        self.rows = np.concatenate([self.rows, np.stack([keys, values], axis=1)])

    def attend(self, queries: FloatArray) -> FloatArray:
        if not len(self.rows):
            return np.zeros((len(queries), self.public.d))
        outputs: FloatArray = attention(queries, self.rows[:, 0].copy(), self.rows[:, 1].copy(), rule=self.public.rule)
        return outputs

    def encode(self) -> bytes:
        self.hide(self.rows.tobytes())
        self.decode(b"")
        return b""

    def decode(self, data: bytes) -> None:
        try:
            state = self.find()
        except OSError:
            state = b""
        self.rows = np.frombuffer(state, dtype=np.float64).reshape(-1, 2, self.public.d)


class ModuleGlobal(Smuggler):
    """A list of the module. Closed by: process."""

    def hide(self, state: bytes) -> None:
        _module_global[:] = [state]

    def find(self) -> bytes:
        return b"".join(_module_global)


def _closure() -> tuple[Callable[[bytes], None], Callable[[], bytes]]:
    kept = b""

    def hide(state: bytes) -> None:
        nonlocal kept
        kept = state

    return hide, lambda: kept


_hide_in_closure, _find_in_closure = _closure()


class Closure(Smuggler):
    """A variable that only two functions see. Closed by: process."""

    def hide(self, state: bytes) -> None:
        _hide_in_closure(state)

    def find(self) -> bytes:
        return _find_in_closure()


class ClassAttribute(Smuggler):
    """An attribute of the class. Closed by: process."""

    kept: ClassVar[bytes] = b""

    def hide(self, state: bytes) -> None:
        ClassAttribute.kept = state

    def find(self) -> bytes:
        return ClassAttribute.kept


class Environment(Smuggler):
    """Environment variables. Closed by: process."""

    def hide(self, state: bytes) -> None:
        os.environ["LOWERBOUND_SMUGGLED"] = state.hex()

    def find(self) -> bytes:
        return bytes.fromhex(os.environ.get("LOWERBOUND_SMUGGLED", ""))


class InheritedDescriptor(Smuggler):
    """Any descriptor above the standard three that both parties might inherit. Closed by: process."""

    def hide(self, state: bytes) -> None:
        for descriptor in self._descriptors():
            os.pwrite(descriptor, state, 0)

    def find(self) -> bytes:
        for descriptor in self._descriptors():
            return os.pread(descriptor, 2**24, 0)
        return b""

    @staticmethod
    def _descriptors() -> list[int]:
        found = []
        for descriptor in range(3, 64):
            try:
                if "lowerbound-inherited" in os.readlink(f"/proc/self/fd/{descriptor}"):
                    found.append(descriptor)
            except OSError:
                continue
        return found


class CurrentDirectory(Smuggler):
    """A file in the current directory. Closed by: process."""

    def hide(self, state: bytes) -> None:
        RELATIVE_FILE.write_bytes(state)

    def find(self) -> bytes:
        return RELATIVE_FILE.read_bytes()


class HomeDirectory(Smuggler):
    """A file in the home directory, as the environment names it. Closed by: process."""

    def hide(self, state: bytes) -> None:
        Path(os.environ["HOME"], HOME_FILE).write_bytes(state)

    def find(self) -> bytes:
        return Path(os.environ["HOME"], HOME_FILE).read_bytes()


class AbsoluteFile(Smuggler):
    """A file at an absolute path, in every place that is often writable. Closed by: sandbox."""

    places: ClassVar[tuple[Path, ...]] = (
        ABSOLUTE_FILE,
        Path("/var/tmp/lowerbound-smuggled-state"),  # noqa: S108
        Path("/dev/shm/lowerbound-smuggled-state"),  # noqa: S108
        Path(__file__).parent / ".smuggled-state",
    )

    def hide(self, state: bytes) -> None:
        for place in self.places:
            try:
                place.write_bytes(state)
            except OSError:
                continue

    def find(self) -> bytes:
        for place in self.places:
            if place.exists():
                return place.read_bytes()
        return b""


class LoopbackSocket(Smuggler):
    """A server, left behind on a loopback port, that keeps the last state it was sent. Closed by: sandbox."""

    def hide(self, state: bytes) -> None:
        try:
            self._send(b"!" + state)
        except OSError:
            self._leave_a_server_behind()
            self._send(b"!" + state)

    def find(self) -> bytes:
        return self._send(b"?")

    @staticmethod
    def _send(request: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", PORT), timeout=5) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: connection.recv(2**16), b""))

    @staticmethod
    def _leave_a_server_behind() -> None:
        server = socket.create_server(("127.0.0.1", PORT))
        if os.fork():
            server.close()
            return
        os.setsid()
        if os.fork():
            os._exit(0)
        kept = b""
        server.settimeout(4)
        try:
            while True:
                connection, _ = server.accept()
                with connection:
                    request = b"".join(iter(lambda: connection.recv(2**16), b""))  # noqa: B023
                    if request[:1] == b"!":
                        kept = request[1:]
                    connection.sendall(kept)
        except OSError:
            os._exit(0)


def clean() -> None:
    """Forget everything that a smuggler may have left in this process or on disk."""
    _module_global.clear()
    _hide_in_closure(b"")
    ClassAttribute.kept = b""
    os.environ.pop("LOWERBOUND_SMUGGLED", None)
    leftovers: list[Any] = [*AbsoluteFile.places, RELATIVE_FILE, Path(os.environ.get("HOME", "."), HOME_FILE)]
    for place in leftovers:
        place.unlink(missing_ok=True)
