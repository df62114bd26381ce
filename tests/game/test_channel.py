"""Forgeries: caches that smuggle fall to chance at the level that promises it, and are caught where they do not."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from threading import Event

import pytest

from lowerbound.caches.registry import play
from lowerbound.errors import (
    AccountingError,
    CacheContractBroken,
    IsolationUnavailable,
    LowerBoundError,
    TimeLimitExceeded,
    UnknownName,
)
from lowerbound.game import channel, sandbox
from lowerbound.game import duel as duel_module
from lowerbound.game.channel import Isolation, strongest, walls
from lowerbound.game.reduction import Reduction
from lowerbound.game.tally import misread
from tests.conftest import require
from tests.forgeries import smugglers
from tests.marks import first_now

IN_PROCESS = ["ModuleGlobal", "Closure", "ClassAttribute", "Environment", "CurrentDirectory", "HomeDirectory"]
ON_THE_MACHINE = ["AbsoluteFile", "LoopbackSocket"]


def name_of(smuggler: str) -> str:
    return f"tests.forgeries.smugglers:{smuggler}"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    smugglers.clean()
    yield
    smugglers.clean()


@pytest.fixture
def inherited_descriptor(tmp_path: Path) -> Iterator[int]:
    """A file that is open in the judge and marked as inheritable."""
    descriptor = os.open(tmp_path / "lowerbound-inherited", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(descriptor, True)
    yield descriptor
    os.close(descriptor)


def assert_chance(reduction: Reduction, smuggler: str, level: Isolation) -> None:
    """Nothing arrived: 64 bits, and errors like a coin's at confidence 1 - 10^-6."""
    row = play(reduction, name_of(smuggler), trials=8, isolation=level)
    assert row.state_bits == 64
    assert row.error_low <= 0.5 <= row.error_high
    assert row.floor_bits == 0


@pytest.mark.parametrize("smuggler", first_now(IN_PROCESS, n_slow=2))
@pytest.mark.parametrize("level", first_now([Isolation.SANDBOX, Isolation.PROCESS]))
def test_memory_of_the_process_does_not_cross(small: Reduction, smuggler: str, level: Isolation) -> None:
    """Forgery: globals, closures, class attributes, environment, current directory and home."""
    require(level)
    assert_chance(small, smuggler, level)


@pytest.mark.parametrize("level", first_now([Isolation.SANDBOX, Isolation.PROCESS]))
def test_inherited_descriptors_do_not_cross(small: Reduction, level: Isolation, inherited_descriptor: int) -> None:
    """Forgery: a descriptor that is open and inheritable in the judge."""
    require(level)
    assert os.get_inheritable(inherited_descriptor)
    assert_chance(small, "InheritedDescriptor", level)


@pytest.mark.parametrize("smuggler", first_now(ON_THE_MACHINE))
def test_files_and_sockets_do_not_cross_the_sandbox(small: Reduction, smuggler: str) -> None:
    """Forgery: absolute paths and a server left behind."""
    require(Isolation.SANDBOX)
    assert_chance(small, smuggler, Isolation.SANDBOX)
    assert not any(place.exists() for place in smugglers.AbsoluteFile.places)


@pytest.mark.parametrize("smuggler", [*IN_PROCESS, "AbsoluteFile"])
def test_without_isolation_a_smuggler_is_an_accounting_error(small: Reduction, smuggler: str) -> None:
    """Forgery: what a level does not promise is caught by the floor, loudly."""
    with pytest.raises(AccountingError, match=r"sent 64 bits for 336 symbols .* not a result"):
        play(small, name_of(smuggler), isolation=Isolation.NONE)


@pytest.mark.slow
def test_what_a_process_does_not_promise_is_caught(small: Reduction) -> None:
    """Forgery: files cross at level process, and the floor catches a cache that sends too little."""
    with pytest.raises(AccountingError, match="at isolation process-shared-files"):
        play(small, name_of("AbsoluteFile"), isolation=Isolation.PROCESS)


def test_sockets_and_processes_do_not_cross_where_there_are_walls(small: Reduction) -> None:
    """Forgery: a server left behind answers no Bob without its network, and is not left behind."""
    if walls():
        with pytest.raises(CacheContractBroken, match="Network is unreachable"):
            play(small, name_of("LoopbackSocket"), isolation=Isolation.PROCESS)
    else:
        with pytest.raises(AccountingError, match="at isolation process-shared-files"):
            play(small, name_of("LoopbackSocket"), isolation=Isolation.PROCESS)


def test_folders_of_killed_judges_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: what a judge that is dead left behind goes, and nothing of a living one, or of another name."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left = tmp_path / f"lowerbound-{dead.pid}-abc_1"
    kept = [tmp_path / f"lowerbound-{os.getpid()}-abc", tmp_path / "lowerbound-x", tmp_path / f"other-{dead.pid}-abc"]
    for folder in (left, *kept):
        (folder / "deep").mkdir(parents=True)
    channel.own_prefix.cache_clear()
    assert channel.own_prefix() == f"lowerbound-{os.getpid()}-"
    assert not left.exists()
    assert all(folder.exists() for folder in kept)


def test_an_inherited_descriptor_is_a_real_road(small: Reduction, inherited_descriptor: int) -> None:
    """Non-vacuity: without isolation the descriptor carries everything."""
    assert inherited_descriptor > 2
    with pytest.raises(AccountingError):
        play(small, name_of("InheritedDescriptor"), isolation=Isolation.NONE)


def test_foreign_code_does_not_run_in_the_judge(small: Reduction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgery: a module that patches the judge when imported never meets it, unless isolation is none."""
    monkeypatch.setattr(duel_module, "misread", misread)
    row = play(small, "tests.forgeries.judge_patch:Honest", trials=4, isolation=Isolation.PROCESS)
    assert row.error > 0.3
    assert vars(duel_module)["misread"] is misread
    with pytest.raises(AccountingError):
        play(small, "tests.forgeries.judge_patch:Honest", trials=4, isolation=Isolation.NONE)


@pytest.mark.parametrize(
    ("cache", "sentence"),
    first_now(
        [
            ("WrongShape", r"attend must return shape \(21, 16\), got \(21, 15\)"),
            ("NotNumbers", "attend must return numbers, got str"),
            ("NotANumber", "attend must return finite numbers, got NaN"),
            ("Raises", "must not raise, but Raises.attend raised ZeroDivisionError"),
            ("RaisesAtStart", "constructor raised RuntimeError: no thanks"),
            ("Exits", "Exits.append raised SystemExit: 7"),
            ("ForgetsOnDecode", r"must answer after encode\(\) as its copy does after decode"),
            ("ChangesOnDecode", r"must answer after encode\(\) as its copy does after decode"),
            ("NotBytes", "encode must return bytes, got str"),
        ],
        n_slow=3,
    ),
)
def test_broken_caches_give_one_sentence(small: Reduction, isolation: Isolation, cache: str, sentence: str) -> None:
    """Bad input: each way of breaking the contract is named, at every level."""
    with pytest.raises(CacheContractBroken, match=sentence):
        play(small, f"tests.forgeries.broken:{cache}", isolation=isolation)


@pytest.mark.parametrize("level", first_now([Isolation.SANDBOX, Isolation.PROCESS]))
def test_a_party_that_dies_is_reported(small: Reduction, level: Isolation) -> None:
    """Bad input: a process that ends without a reply."""
    require(level)
    with pytest.raises(CacheContractBroken, match="ended with status 9"):
        play(small, "tests.forgeries.broken:Dies", isolation=level)


@pytest.mark.slow
def test_a_cache_that_hangs_meets_the_time_limit(small: Reduction, isolation: Isolation) -> None:
    """Bad input: no answer in time is exit code 3, not a verdict."""
    with pytest.raises(TimeLimitExceeded, match="must finish alice's part within 2 s") as caught:
        play(small, "tests.forgeries.broken:Hangs", isolation=isolation, time_limit_s=2)
    assert caught.value.exit_code == 3


def test_a_false_ledger_breaks_the_contract(small: Reduction, isolation: Isolation) -> None:
    """Forgery: items that do not add up to the bytes."""
    with pytest.raises(CacheContractBroken, match="ledger"):
        play(small, "tests.forgeries.broken:FalseLedger", isolation=isolation)


def test_what_a_cache_prints_does_not_disturb_the_game(small: Reduction, isolation: Isolation) -> None:
    """Law: standard output belongs to the cache, the reply goes elsewhere."""
    assert play(small, "tests.forgeries.broken:Chatty", isolation=isolation).error == 0


@pytest.mark.parametrize(
    ("cache", "sentence"),
    first_now(
        [
            ("tests.forgeries.broken:NotACache", "must name a subclass of lowerbound.Cache"),
            ("tests.forgeries.broken:Wrongshape", "did you mean WrongShape"),
            ("tests.forgeries.missing:Cache", "must name an importable module, got ModuleNotFoundError"),
            ("lowerbound.core.cache:Cache", "must define append, attend, decode, encode"),
            ("fulll", "did you mean full"),
        ],
    ),
)
def test_names_that_lead_to_no_cache(small: Reduction, isolation: Isolation, cache: str, sentence: str) -> None:
    """Bad input: unknown names offer the near ones, at every level."""
    with pytest.raises(LowerBoundError, match=sentence) as caught:
        play(small, cache, isolation=isolation)
    assert caught.value.exit_code == 2
    assert ("did you mean" not in sentence) or isinstance(caught.value, UnknownName)


def test_the_sandbox_is_tried_once_and_errors_come_to_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: who asks while the machine is tried ahead waits for that attempt; what ended it ends the question alone."""
    tried = Event()

    def too_late(*_: object, **__: object) -> None:
        tried.set()
        time.sleep(0.2)
        raise subprocess.TimeoutExpired("bwrap", 20)

    monkeypatch.setattr(sandbox, "_problem", lru_cache(sandbox._problem.__wrapped__))
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/bwrap")
    with monkeypatch.context() as hanging:
        hanging.setattr(subprocess, "run", too_late)
        sandbox.try_ahead()
        assert tried.wait(10)
        with pytest.raises(subprocess.TimeoutExpired):
            sandbox.sandbox_problem()
    count = []

    def refuses(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        count.append(1)
        time.sleep(0.2)
        return subprocess.CompletedProcess([], 1, "", "no namespaces")

    with monkeypatch.context() as refusing:
        refusing.setattr(subprocess, "run", refuses)
        sandbox.try_ahead()
        assert sandbox.sandbox_problem() == "bubblewrap cannot start here: no namespaces"
    assert len(count) == 1


def test_a_missing_sandbox_is_refused_or_replaced(small: Reduction, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad input: asked for by name it is refused with the nearest level; by default the next strongest is used."""
    monkeypatch.setattr(channel, "sandbox_problem", lambda: "bubblewrap is not installed")
    assert strongest() is Isolation.PROCESS
    with pytest.raises(IsolationUnavailable, match="nearest valid choice is 'process-shared-files'"):
        play(small, "random", isolation=Isolation.SANDBOX)
