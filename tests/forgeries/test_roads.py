"""Forgery: smugglers whose message is padded to the floor; a road is closed where Bob falls to chance."""

from __future__ import annotations

import fcntl
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import CacheContractBroken, InvalidArgument, TimeLimitExceeded
from lowerbound.game import channel, sandbox
from lowerbound.game import duel as duel_module
from lowerbound.game.channel import Isolation, walls
from lowerbound.game.duel import Row, duel
from lowerbound.game.foreign_turn import LOCK
from lowerbound.game.reduction import Reduction
from lowerbound.game.sandbox import HOME
from tests.conftest import require
from tests.forgeries import roads
from tests.marks import first_now

pytestmark = pytest.mark.secret
LEVELS = [Isolation.PROCESS, Isolation.SANDBOX]
FILES = ["File", "Attributes"]
KERNEL = ["SharedMemory", "MessageQueue", "PosixQueue", "AbstractSocket", "Loopback"]
PYTHON = ["DefaultArgument", "PatchedLibrary"]


def travelled(small: Reduction, road: str, level: Isolation) -> Row:
    require(level)
    return duel(small, f"tests.forgeries.roads:{road}", isolation=level)


def needs_walls() -> None:
    """Skip, loudly, where a process cannot have namespaces of its own; in CI that is a failure."""
    if not walls():
        assert "CI" not in os.environ, "CI must let a process have namespaces: unshare failed"
        pytest.skip("needs unshare: processes were not walled off")


def is_chance(row: Row) -> bool:
    return row.error_low <= 0.5 <= row.error_high


@pytest.fixture(autouse=True)
def _clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for place in roads.places():
        place.unlink(missing_ok=True)


@pytest.mark.parametrize("level", first_now(reversed(LEVELS)))
@pytest.mark.parametrize("road", first_now(["Nothing", "PublicSeed", "DeclaredR2"]))
def test_what_is_public_tells_nothing(small: Reduction, road: str, level: Isolation) -> None:
    """Forgery: the instance computed from the public seed, and a model that the defendant declares."""
    row = travelled(small, road, level)
    assert is_chance(row)
    assert row.state_bits == 64 + small.n_symbols
    assert row.computation_model == ("R2" if road == "DeclaredR2" else "R1")


def test_a_known_instance_seed_is_a_road(small: Reduction) -> None:
    """Law: who can guess the seed of the instances reads them, so that --instance-seed makes no measurement."""
    row = duel(
        small, "tests.forgeries.roads:PublicSeed", isolation=Isolation.PROCESS, instances=PrivateSeed(small.seed)
    )
    assert row.errors == 0


def test_no_other_model_is_declared(small: Reduction) -> None:
    """Bad input: a class may ask to be played in R1 or R2; any other word is refused."""
    for level in (Isolation.NONE, *LEVELS):
        with pytest.raises((InvalidArgument, CacheContractBroken), match="computation model"):
            travelled(small, "DeclaredNonsense", level)


@pytest.mark.parametrize(
    "road", first_now([FILES[0], *PYTHON, *FILES[1:], "Times", *KERNEL, "Keyring", "Forks"], n_slow=5)
)
def test_the_sandbox_closes_it(small: Reduction, road: str) -> None:
    """Forgery: files in eleven places, times, attributes, System V memory, sockets, keyrings, counts of processes."""
    row = travelled(small, road, Isolation.SANDBOX)
    assert is_chance(row), row.error


@pytest.mark.parametrize("road", first_now([*PYTHON, *KERNEL]))
def test_a_process_closes_it(small: Reduction, road: str) -> None:
    """Forgery: objects of Python do not cross, nor System V memory, queues and sockets where there are namespaces."""
    needs_walls()
    assert is_chance(travelled(small, road, Isolation.PROCESS))


@pytest.mark.parametrize("road", first_now(KERNEL))
def test_without_walls_they_are_roads(small: Reduction, road: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the same roads lead somewhere without namespaces, so that closing them means something."""
    monkeypatch.setattr(channel, "walls", list)
    try:
        assert travelled(small, road, Isolation.PROCESS).errors == 0
    finally:
        roads.clear_kernel()


@pytest.mark.slow
@pytest.mark.parametrize("road", first_now(FILES))
def test_a_process_leaves_files_open(small: Reduction, road: str) -> None:
    """Law: the same roads lead somewhere at level process, so that closing them in the sandbox means something."""
    assert travelled(small, road, Isolation.PROCESS).errors == 0


def evict(file: Path) -> None:
    """A file of four thousand pages on the disk, and none of them in memory."""
    with file.open("wb") as pages:
        pages.write(os.urandom(2**24))
        pages.flush()
        os.fsync(pages.fileno())
        os.posix_fadvise(pages.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


@pytest.mark.slow
def test_pages_in_memory(small: Reduction, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgery: which pages Alice read. With the pages dropped between the parties it is chance; without, a road."""
    evict(tmp_path / roads.PAGES)
    assert is_chance(travelled(small, "PagesInMemory", Isolation.SANDBOX))
    monkeypatch.setattr(sandbox, "DROP_CACHES", tmp_path / "nobody" / "may")
    evict(tmp_path / roads.PAGES)
    assert is_chance(travelled(small, "PagesInMemory", Isolation.SANDBOX))
    monkeypatch.setattr(duel_module, "forget_pages", lambda _: None)
    least = 1.0
    for _ in range(20):  # other tests on this machine drop pages, and take time, too
        evict(tmp_path / roads.PAGES)
        least = min(least, travelled(small, "PagesInMemory", Isolation.SANDBOX).error)
        if least < 0.3:
            break
    print(f"without dropping pages: error {least:.3f}")
    assert least < 0.3


@pytest.mark.slow
def test_foreign_games_take_turns(small: Reduction) -> None:
    """Law: while one game with foreign code is played in a sandbox, no other one begins, here or in another process."""
    require(Isolation.SANDBOX)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(duel, small, "tests.forgeries.roads:Slow", isolation=Isolation.SANDBOX)
        refused = 0
        with LOCK.expanduser().open("rb") as lock:
            while not slow.done():
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    fcntl.flock(lock, fcntl.LOCK_UN)
                except BlockingIOError:
                    refused += 1
                time.sleep(0.05)
        assert is_chance(slow.result())
    assert refused > 20


def alive(mark: str) -> int:
    """How many processes of this machine have a mark in their command line, which forks inherit."""
    count = 0
    for name in os.listdir("/proc"):
        with suppress(OSError):
            count += name.isdigit() and mark.encode() in Path("/proc", name, "cmdline").read_bytes()
    return count


@pytest.mark.slow
@pytest.mark.parametrize("level", first_now(reversed(LEVELS), n_slow=0))
@pytest.mark.parametrize("road", ["ForkBomb", "KillsAll"])
def test_a_party_ends_whole(small: Reduction, tmp_path: Path, road: str, level: Isolation) -> None:
    """Forgery: processes that double, and signals to all who can be reached, cost one error and end with the party.

    Where the wall around a party dies last on a busy machine, the party may still reply: its row is one of chance.
    """
    require(level)
    if level is Isolation.PROCESS:
        needs_walls()
    most = 0
    with ThreadPoolExecutor() as pool:
        game = pool.submit(duel, small, f"tests.forgeries.roads:{road}", isolation=level, time_limit_s=8)
        while not game.done():
            most = max(most, alive(str(tmp_path)))
            time.sleep(0.02)
        failure = game.exception()
        assert isinstance(failure, TimeLimitExceeded | CacheContractBroken) or is_chance(game.result())
    for _ in range(300):  # the kernel has ended them all, but each needs its turn on a busy machine to go
        if not alive(str(tmp_path)):
            break
        time.sleep(0.1)
    print(f"{road} at {level}: {most} processes at once, {alive(str(tmp_path))} left")
    assert most > (4 if road == "ForkBomb" else 0)  # a party alone has three: the walls' two, and its interpreter
    assert alive(str(tmp_path)) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("road", "sentence"), [("Hungry", "memory|Memory"), ("OpensFiles", "Too many open files")])
def test_a_party_has_limits(small: Reduction, road: str, sentence: str) -> None:
    """Resources: memory and open files of a party are limited, and going over is one sentence about the cache."""
    with pytest.raises(CacheContractBroken, match=sentence):
        travelled(small, road, Isolation.SANDBOX)


def test_what_a_party_sees_in_the_sandbox(small: Reduction, tmp_path: Path) -> None:
    """Law: no calls around the walls, no other process, no counter, no network, no place to write, no hidden file."""
    require(Isolation.SANDBOX)
    store = tmp_path / "store.sqlite"
    store.write_bytes(b"secret")
    with pytest.raises(CacheContractBroken) as raised:
        duel(small, "tests.forgeries.roads:Prober", isolation=Isolation.SANDBOX, hidden=[str(store)])
    message = str(raised.value)
    told = json.loads(message[message.index("{") : message.rindex("}") + 1])
    assert set(told["calls"].values()) <= {"ENOSYS", "EPERM"}, told["calls"]
    assert max(told["processes"]) <= 10
    assert told["counters"] == []
    assert told["interfaces"] in (["lo"], [])
    assert not {"work", "home", "opt", "sys", "srv", "boot"} & set(told["root"]) - {"work", "sys"}
    assert set(told["writable"]) <= {*roads.PRIVATE, HOME}
    assert told["store"] is False
