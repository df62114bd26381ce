"""Foreign caches under attack: they live in a process of their own, whatever they do to it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from lowerbound.adversary.outcome import Broken, NotBroken
from lowerbound.adversary.search import attack
from lowerbound.cli.adversary import attack as command
from lowerbound.cli.options import IsolationName
from lowerbound.core.geometry import Geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CacheContractBroken, InvalidArgument, LowerBoundError, TimeLimitExceeded
from lowerbound.game.channel import Isolation
from lowerbound.game.question import Terms
from lowerbound.game.respondent import LiveRespondent, RespondentHere, respondent
from tests.adversary import unruly
from tests.conftest import require
from tests.marks import first_now

SMALL = Geometry("small", ScaleSchedule.parse("1x4 1x1"), 5)
Run = Callable[..., subprocess.CompletedProcess[str]]


def attacked(cache: str, level: Isolation = Isolation.PROCESS, **terms: Any) -> Broken | NotBroken:
    """The outcome on a small place."""
    given = {"geometry": SMALL, "instances": PrivateSeed(0), "isolation": level, **terms}
    return attack(f"tests.adversary.unruly:{cache}", **given)


@pytest.mark.parametrize(
    ("cache", "error", "sentence"),
    first_now(
        [
            ("Leaves", CacheContractBroken, "must let its process reply, but it ended with status 0"),
            ("KillsItself", CacheContractBroken, "must let its process reply, but it ended with status"),
            ("Interrupts", CacheContractBroken, "ended with status -?[0-9]+: KeyboardInterrupt: of its own"),
            ("Quits", CacheContractBroken, "must not raise, but Quits.attend raised SystemExit: 0"),
            ("Sleeps", TimeLimitExceeded, "must finish answer's part within 1 s"),
            ("ClosesOutput", CacheContractBroken, "must let its process reply, but it ended with status"),
            ("Garbles", CacheContractBroken, "must reply with at most 268435456 bytes"),
        ],
        2,
    ),
)
def test_what_ends_its_process_ends_no_search(cache: str, error: type[LowerBoundError], sentence: str) -> None:
    """Forgery: each is one sentence of the judge, which goes on."""
    start = time.monotonic()
    with pytest.raises(error, match=sentence):
        attacked(cache, time_limit_s=1)
    assert time.monotonic() - start < 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cache", "code", "sentence"),
    first_now(
        [
            ("Leaves", 1, "ended with status 0"),
            ("Sleeps", 3, "within 2 s"),
            ("Garbles", 1, "must reply with at most"),
            ("KillsItself", 1, "ended with status"),
            ("Interrupts", 1, "KeyboardInterrupt: of its own"),
            ("Quits", 1, "raised SystemExit: 0"),
            ("ClosesOutput", 1, "ended with status"),
        ],
        2,
        n_slow=0,
    ),
)
def test_the_command_says_so(run_command: Run, tmp_path: Path, cache: str, code: int, sentence: str) -> None:
    """Forgery: one line on standard error, no output, and the exit code of the error, in the strongest isolation."""
    (tmp_path / "unruly.py").write_text(Path(unruly.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    ran = run_command("attack", f"unruly:{cache}", "--time-limit", "2")
    assert (ran.returncode, ran.stdout) == (code, ""), ran
    assert len(ran.stderr.splitlines()) == 1
    assert ran.stderr.startswith("error: the cache")
    assert sentence in ran.stderr


@pytest.mark.slow
def test_a_process_that_ends_is_replaced() -> None:
    """Law: what a cache does not survive is one failed instance, and the next is asked; so a false answer is found."""
    outcome = attacked("LeavesOnce", geometry=None)
    assert isinstance(outcome, Broken)
    with respondent("tests.adversary.unruly:LeavesOnce", Isolation.PROCESS, 10) as cache:
        terms = outcome.terms
        query = outcome.violation.instance.queries
        with pytest.raises(CacheContractBroken, match="ended with status 3"):
            cache.state_and_answers(terms, outcome.violation.instance.tokens, np.repeat(query, 7, axis=0))
        assert not cache.state_and_answers(terms, outcome.violation.instance.tokens, query)[1].any()


def test_a_class_that_is_not_there_is_missed_each_time() -> None:
    """Bad input: whoever asks for a class that cannot be loaded hears so at once, again and again."""
    missing = LiveRespondent("tests.adversary.unruly:Nobody", Isolation.PROCESS, 10)
    for _ in range(2):
        with pytest.raises(InvalidArgument, match="Nobody"):
            missing.make(Terms(SMALL.schedule, SMALL.d, L2Norm()))
    missing.end()


@pytest.mark.slow
def test_prints_go_elsewhere() -> None:
    """Law: standard output belongs to the cache; what it prints changes no answer."""
    assert isinstance(attacked("Chats"), NotBroken)


@pytest.mark.slow
@pytest.mark.parametrize("level", [Isolation.PROCESS, Isolation.SANDBOX])
def test_a_live_respondent_says_what_the_class_says(level: Isolation) -> None:
    """Differential: facts, states, answers and refusals of a party are those of the class in this process."""
    require(level)
    outcome = attack("window", budget="1/4", instances=PrivateSeed(0), isolation=Isolation.NONE)
    assert isinstance(outcome, Broken)
    found = outcome.first.instance
    apart = LiveRespondent("lowerbound.caches.eviction.window:TokenWindow", level, 10)
    try:
        with respondent("lowerbound.caches.eviction.window:TokenWindow", level, 10) as here:
            assert isinstance(here, RespondentHere)
            assert apart.facts == here.facts
            pairs = [one.state_and_answers(found.terms, found.tokens, found.queries) for one in (apart, here)]
            assert pairs[0][0] == pairs[1][0]
            assert np.array_equal(pairs[0][1], pairs[1][1])
    finally:
        apart.end()
    refusing = LiveRespondent("lowerbound.caches.coded.exact:ExactSymbols", Isolation.PROCESS, 10)
    with pytest.raises(InvalidArgument, match="public"):
        refusing.make(found.terms)
    refusing.end()


@pytest.mark.slow
@pytest.mark.secret
def test_a_search_tells_its_seed_and_can_be_repeated() -> None:
    """Law: without a seed every search draws anew; the seed that a search tells, with its commitment, repeats it."""

    def search(instances: PrivateSeed | None = None) -> dict[str, Any]:
        geometry = Geometry("small", ScaleSchedule.parse("1x8 1x1"), 4)
        told = attack("kivi", geometry=geometry, instances=instances, isolation=Isolation.NONE).to_json()
        assert PrivateSeed.parse(told["instance_seed"]).commitment == told["instance_commitment"]
        return {key: value for key, value in told.items() if "seconds" not in key and key != "tried"}

    one, other = search(), search()
    assert one["instance_seed"] != other["instance_seed"]
    assert one == search(PrivateSeed.parse(one["instance_seed"]))


@pytest.mark.slow
@pytest.mark.secret
def test_the_seed_is_in_no_process_of_the_cache(tmp_path: Path) -> None:
    """Forgery: a cache that writes down all its process holds (arguments, environment, public terms) lacks the seed."""
    note = tmp_path / "note"
    (tmp_path / "nosy.py").write_text(
        "import os, sys\nfrom lowerbound.caches.controls.full import Full64\n\n"
        "class Nosy(Full64):\n"
        "    def __init__(self, public):\n"
        "        super().__init__(public)\n"
        f"        with open({str(note)!r}, 'ab') as file:\n"
        "            file.write(repr((sys.argv, dict(os.environ), public)).encode())\n"
        "            file.write(open('/proc/self/cmdline', 'rb').read())\n",
        encoding="utf-8",
    )
    secret = PrivateSeed.fresh()
    script = (
        "import sys; from lowerbound.adversary.search import attack\n"
        "from lowerbound.core.private_seed import PrivateSeed\n"
        "secret = PrivateSeed.parse(sys.stdin.read())\n"
        "attack('nosy:Nosy', instances=secret, isolation='process-shared-files', time_limit_s=1)"
    )
    run = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env={**os.environ},
        input=secret.opening,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    seen = note.read_text(encoding="utf-8")
    assert "seed=0" in seen
    assert secret.opening.removeprefix("0x") not in seen
    assert str(secret.value) not in seen


@pytest.mark.parametrize("text", ["", "x", "-1", "2" * 90, "0x"])
def test_seeds_that_are_none(text: str) -> None:
    """Bad input: one sentence, exit code 2."""
    with pytest.raises(InvalidArgument, match=r"instance seed must be a number in \[0, 2\^256\)"):
        command("full", instance_seed=text)


def test_the_command_tells_the_seed(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: the seed that was given is the seed that is told, as the option that takes it."""
    with pytest.raises(typer.Exit):
        command("window", budget="1/4", isolation=IsolationName.NONE, instance_seed="255")
    assert "\ndrawn with --instance-seed 0xff\n" in capsys.readouterr().out
