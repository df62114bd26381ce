"""Truth here: the page that documents the protocol, the same idea in Python, and programs that break it on purpose."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.eviction.window import TokenWindow
from lowerbound.caches.registry import play
from lowerbound.core import program
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.program import (
    Program,
    Request,
    append_request,
    attend_request,
    new_request,
    program_cache,
    program_places,
    program_target,
    programs_end_here,
    words,
)
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CacheContractBroken, CorruptState, InvalidArgument, TimeLimitExceeded
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import Reduction
from tests.conftest import require
from tests.marks import first_now

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "programs.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "docs" / "programs" / "window.c"
STUB = ROOT / "tests" / "forgeries" / "program.py"
SCHEDULE = ScaleSchedule.parse("1x1 2x3 4x5 6x8", n_context=3)


def stub(way: str, *more: str) -> str:
    return shlex.join([sys.executable, "-S", str(STUB), way, *more])


def compiled(folder: Path, *flags: str) -> Path:
    """The example as the page says to build it; a missing compiler skips, loudly, and is a failure in CI."""
    compiler = shutil.which("cc")
    if compiler is None:
        assert "CI" not in os.environ, "CI must have a C compiler"
        pytest.skip("needs cc: there is no C compiler on this machine")
    strict = ["-std=c99", "-O2", "-Wall", "-Wextra", "-pedantic", "-Werror", *flags]
    subprocess.run([compiler, *strict, "-o", str(folder / "window"), str(EXAMPLE), "-lm"], check=True)
    return folder / "window"


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("program"))


def processes_with(token: str) -> list[str]:
    """Processes of this machine, in any namespace, with `token` among their arguments."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = entry.read_bytes().split(b"\0")
        except OSError:
            continue
        if token.encode() in arguments:
            found.append(entry.parent.name)
    return found


def test_the_page_shows_the_bytes_that_are_sent() -> None:
    """Known value: the page's hexdump is the frame of the append that it describes."""
    (dump,) = re.findall(r"```hexdump\n(.*?)```", PAGE, re.DOTALL)
    shown = bytes.fromhex("".join(re.findall(r"^[0-9a-f]{8}((?: {1,2}[0-9a-f]{2}){16})", dump, re.MULTILINE)))
    sent = append_request(0, 1, np.array([[1.0, 0.0]]), np.array([[0.5, 1.0]]), np.array([[0.25, 0.0]]))
    assert shown == words(len(sent)) + sent
    (reply,) = re.findall(r"The reply is `([0-9a-f ]+)`", PAGE)
    assert bytes.fromhex(reply) == words(8, Request.APPEND)


def test_the_page_lists_the_requests() -> None:
    """Definition: the table's kinds are those of the code, and the version is the code's."""
    listed = {name: int(kind) for kind, name in re.findall(r"^\| (\d) ([A-Z]+) \|", PAGE, re.MULTILINE)}
    assert listed == {kind.name: int(kind) for kind in Request if kind is not Request.REFUSED}
    assert f"The version is {program.VERSION}." in PAGE


def test_requests_have_the_documented_fields() -> None:
    """Known value: NEW word by word; an unknown query is m = 0, an unnamed budget 0/1."""
    terms = Public(SCHEDULE, 6, L2Norm(10.0), seed=2**64 + 5, budget=Fraction(2, 7))
    factor = int.from_bytes(np.float64(10.0).tobytes(), "little")
    sides = [1, 1, 2, 3, 4, 5, 6, 8]
    assert new_request(9, terms) == words(1, 9, 1, 5, 6, 1, factor, 2, 7, 3, 4, 2, *sides)
    scaled = int.from_bytes(np.float64(1 / 6**0.5).tobytes(), "little")
    unnamed = new_request(0, Public(SCHEDULE, 6, Scaled()))
    assert unnamed == words(1, 0, 1, 0, 6, 0, scaled, 0, 1, 3, 4, 2, *sides)
    rows = np.zeros((2, 6))
    assert append_request(0, 3, rows, rows)[:40] == words(2, 0, 3, 2, 0)
    assert attend_request(4, rows) == words(3, 4, 2) + bytes(96)
    with pytest.raises(InvalidArgument, match="denominator below 2"):
        new_request(0, Public(SCHEDULE, 6, Scaled(), budget=Fraction(1, 2**64)))


@pytest.mark.parametrize("rule", first_now([Scaled(), L2Norm(10.0)]), ids=["scaled", "l2norm"])
@pytest.mark.parametrize("budget", first_now([None, Fraction(1, 3), Fraction(1)]))
def test_the_c_window_answers_as_the_python_one(tmp_path: Path, rule: Rule, budget: Fraction | None) -> None:
    """Differential: scale by scale the C program, built with its memory checked, is TokenWindow but for rounding;
    its bits have a closed form, and its state decodes to itself."""
    command = shlex.quote(str(compiled(tmp_path, "-fsanitize=address,undefined", "-fno-sanitize-recover=all")))
    terms, d = Public(SCHEDULE, 6, rule, budget=budget), 6
    generator = np.random.default_rng(3)
    with programs_end_here():
        ours, theirs = TokenWindow(terms), program_cache(command)(terms)
        assert not theirs.attend(np.ones((2, d))).any()
        for scale in range(SCHEDULE.n_scales - 1):
            keys, values, queries = generator.standard_normal((3, SCHEDULE.tokens_at(scale), d)).astype(np.float16)
            for cache in (ours, theirs):
                given = [rows.astype(np.float64) for rows in (keys, values, queries)]
                cache.append(given[0], given[1], scale, given[2])
            asked = generator.standard_normal((5, d))
            assert np.abs(ours.attend(asked) - theirs.attend(asked)).max() < 1e-12
            state = theirs.encode()
            ours.encode()
            kept = min(ours.n_seen, ours.capacity)
            assert len(state) == kept * 2 * d * 4
            assert np.abs(ours.attend(asked) - theirs.attend(asked)).max() < 1e-12
            copy = program_cache(command)(terms)
            copy.decode(state)
            assert copy.encode() == state
            assert np.array_equal(copy.attend(asked), theirs.attend(asked))
            for forgery in (state[:-1], state + bytes(2 * d * 4 * 100), b"\xff" * len(state)):
                with pytest.raises(CorruptState, match="whole tokens of finite numbers"):
                    copy.decode(forgery)


@pytest.mark.slow
def test_the_c_window_plays_as_the_python_one(window: Path, small: Reduction, isolation: Isolation) -> None:
    """Differential: at every level the C program errs on the same symbols' number; float32 takes twice the bits."""
    terms: dict[str, Any] = {"budget": "1/4", "trials": 3, "isolation": isolation}
    ours, theirs = play(small, "window", **terms), play(small, f"exec:{window}", **terms)
    assert (theirs.errors, theirs.symbols, theirs.budget) == (ours.errors, ours.symbols, "1/4")
    kept = 21 // 4
    assert ours.state_bits == 64 + 32 + 32 * kept * 16
    assert theirs.state_bits == 64 + 64 * kept * 16
    assert theirs.cache == f"exec:{window}"
    assert theirs.family == "program"
    assert theirs.ledger == {"payload": 64 * kept * 16, "length_prefix": 64}


def test_the_example_is_short() -> None:
    """Law: a whole cache in C, under 150 lines of at most 120 columns."""
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert len(lines) < 150
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("level", [Isolation.NONE, Isolation.PROCESS])
def test_a_party_is_one_run(small: Reduction, tmp_path: Path, level: Isolation) -> None:
    """Definition: the program is started twice, once for Alice and once for Bob, however many trials there are."""
    log = tmp_path / "starts"
    row = play(small, f"exec:{stub('honest', str(log))}", trials=3, isolation=level)
    assert row.errors == 0
    assert row.state_bits == 64 + 21 * 16 * 2 * 64
    starts = log.read_text(encoding="utf-8").split()
    assert len(starts) == 2


WAYS = {
    "dies": (CacheContractBroken, "reply to append, but it ended with status 3: the disk of rows is full"),
    "killed": (CacheContractBroken, "reply to attend, but it was ended by SIGSEGV"),
    "short": (
        CacheContractBroken,
        "reply to encode, but it ended with status 0 before the 1000 bytes that it announced",
    ),
    "half a length": (CacheContractBroken, "reply to encode, but it ended with status 0 in the middle of a length"),
    "long": (CacheContractBroken, "reply to attend with a frame of 2696 bytes, got one of 2704"),
    "chatty": (CacheContractBroken, "reply to new with a frame of 8 bytes, got one of .*only frames may be written"),
    "closes": (CacheContractBroken, "reply to append, but it closed its standard output"),
    "endless": (
        CacheContractBroken,
        "reply to encode with a frame of between 8 and 2147483656 bytes, got one of 109951",
    ),
    "another kind": (CacheContractBroken, "begin its reply to attend with 3, or with 0 to refuse, got 7"),
    "refuses terms": (InvalidArgument, "the program refuses new: a budget is needed here"),
    "refuses": (CacheContractBroken, "the program refuses append: no more: \N{SNOWMAN}"),
    "refuses states": (CorruptState, "the program refuses decode: it does not say why"),
    "nan": (CacheContractBroken, "Program.attend must return finite numbers"),
    "empty": (CacheContractBroken, "reply to new with a frame of 8 bytes, got one of 0"),
}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_broken_programs_give_one_sentence(small: Reduction, way: str) -> None:
    """Forgery: each way of breaking the protocol is named."""
    kind, sentence = WAYS[way]
    with pytest.raises(kind, match=sentence) as caught:
        play(small, f"exec:{stub(way)}", isolation=Isolation.NONE)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("way", first_now(["dies", "chatty", "refuses terms"]))
@pytest.mark.parametrize("level", first_now([Isolation.SANDBOX, Isolation.PROCESS]))
def test_broken_programs_give_the_same_sentence_behind_a_wall(small: Reduction, way: str, level: Isolation) -> None:
    """Forgery: a level changes nothing about what is said."""
    require(level)
    kind, sentence = WAYS[way]
    with pytest.raises(kind, match=sentence):
        play(small, f"exec:{stub(way)}", isolation=level)


@pytest.mark.parametrize("command", ["/bin/cat", "/bin/true", "/bin/echo a cache"])
def test_programs_that_are_no_caches(small: Reduction, command: str) -> None:
    """Bad input: an echo, a silence and a text are not mistaken for answers."""
    with pytest.raises(CacheContractBroken, match=r"must reply to new|must begin its reply to new") as caught:
        play(small, f"exec:{command}", isolation=Isolation.NONE)
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("level", first_now(Isolation))
@pytest.mark.parametrize("way", first_now(["leaves another", "hangs", "dies"], n_slow=1))
def test_no_process_is_left_behind(small: Reduction, tmp_path: Path, level: Isolation, way: str) -> None:
    """Law: at every level a program, and what it started, is gone when its party is, in time or not."""
    require(level)
    token = str(tmp_path / f"token {level} {way}")
    limit = 2 if way == "hangs" else 60
    ends = {"hangs": pytest.raises(TimeLimitExceeded), "dies": pytest.raises(CacheContractBroken)}
    with ends.get(way, nullcontext()):
        play(small, f"exec:{stub(way, token)}", isolation=level, time_limit_s=limit)
    for _ in range(50):
        if not processes_with(token):
            return
        time.sleep(0.1)
    raise AssertionError(f"still there: {processes_with(token)}")


def test_an_interrupted_block_ends_its_programs(tmp_path: Path) -> None:
    """Law: programs end with the block that started them, whatever ended it; outside, with this process."""
    token = str(tmp_path / "interrupted")

    def session() -> None:
        with programs_end_here():
            program_cache(stub("honest", token))(Public(SCHEDULE, 4, Scaled()))
            assert len(processes_with(token)) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        session()
    assert not processes_with(token)


def test_threads_do_not_share_a_run(tmp_path: Path) -> None:
    """Law: two games in two threads have runs of their own."""
    log = tmp_path / "starts"

    def session() -> None:
        with programs_end_here():
            program_cache(stub("honest", str(log)))(Public(SCHEDULE, 4, Scaled()))

    threads = [threading.Thread(target=session) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(log.read_text(encoding="utf-8").split())) == 2


def test_caches_of_one_run_are_independent() -> None:
    """Law: numbers tell living caches apart, and the number of one that is gone is used again, empty."""
    terms = Public(SCHEDULE, 4, Scaled())
    ones: FloatArray = np.ones((2, 4))
    with programs_end_here():
        cache_class = program_cache(stub("honest"))
        first, second = cache_class(terms), cache_class(terms)
        first.append(ones, ones, 0, ones)
        assert np.array_equal(first.attend(ones), ones)
        assert not second.attend(ones).any()
        assert (first._number, second._number) == (0, 1)
        del first
        third = cache_class(terms)
        assert third._number == 0
        assert not third.attend(ones).any()
        assert third.encode() == b""


def test_a_broken_run_is_replaced(tmp_path: Path) -> None:
    """Degenerate case: outside a game, a new cache after a failure starts the program again."""
    cache_class = program_cache(stub("dies"))
    rows: FloatArray = np.ones((1, 4))
    for _ in range(2):
        cache = cache_class(Public(SCHEDULE, 4, Scaled()))
        with pytest.raises(CacheContractBroken, match="status 3"):
            cache.append(rows, rows, 0, rows)
        with pytest.raises(CacheContractBroken, match="status 3"):
            cache.attend(rows)


def test_facts_of_a_program() -> None:
    """Definition: a program is described without being started."""
    facts = program_cache("/nowhere/mycache --fast").facts()
    assert (facts.family, facts.reference) == ("program", "/nowhere/mycache --fast")
    assert facts.idea == facts.text == "The program `/nowhere/mycache --fast`."
    assert issubclass(program_cache("x"), Program)


def test_files_of_a_command_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: the executable and every word that names a file from here; the places are their folders."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my tools").mkdir()
    tool = tmp_path / "my tools" / "run"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    (tmp_path / "rows.bin").write_bytes(b"")
    target = program_target("'my tools/run' rows.bin --fast missing.bin")
    assert shlex.split(target) == [f"exec:{tool}", str(tmp_path / "rows.bin"), "--fast", "missing.bin"]
    assert program_target(target.removeprefix("exec:")) == target
    assert program_places(target) == [str(tool.parent), str(tmp_path)]
    assert program_places("json:loads") == []
    bin_folder = tmp_path / "env" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "python").symlink_to(tool)
    assert program_places(f"exec:{bin_folder / 'python'}") == [str(tmp_path / "env"), str(tool.parent)]


def test_a_program_is_seen_inside_the_sandbox(window: Path, small: Reduction, tmp_path: Path) -> None:
    """Law: a program below /tmp, reached by a link from another folder there, plays where /tmp is hidden."""
    require(Isolation.SANDBOX)
    (tmp_path / "link").symlink_to(window)
    row = play(small, f"exec:{tmp_path / 'link'}", budget="1", isolation=Isolation.SANDBOX)
    assert row.errors == 0


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_play_exec(run_command: Run, tmp_path: Path, window: Path) -> None:
    """Definition: --exec plays beside names, more than once, under --budget, labelled as it was written."""
    shutil.copy(window, tmp_path / "window")
    words = (
        "play",
        "window",
        "--exec",
        "./window",
        "exec:./window",
        "--budget",
        "1/4",
        "--schedule",
        "1x1 2x2 4x4 8x8",
    )
    result = run_command(*words, "--d", "16", "--isolation", "process-shared-files", "--instance-seed", "0")
    assert result.returncode == 0, result.stderr
    lines = [line.split("│")[1:4] for line in result.stdout.splitlines() if line.startswith("│")]
    labels, bits, errors = ([cell.strip() for cell in column] for column in zip(*lines, strict=True))
    assert labels == ["window@1/4", "exec:./window@1/4", "exec:./window@1/4"]
    assert bits == ["2,656", "5,184", "5,184"]
    assert len(set(errors)) == 1


CANNOT_BE_RUN = {
    "": "must be a command with its arguments",
    "   ": "must be a command with its arguments",
    "'' a": "must be a command with its arguments",
    "./window 'half": "must be a command line",
    "./nothing": "must name a file that exists",
    "lowerbound-nothing": "must be on the PATH",
    "text.txt": "must be on the PATH, got 'text.txt'; the nearest valid choice is ./text.txt",
    "./text.txt": "`chmod +x ./text.txt` makes it so",
    ".": "must be on the PATH",
    "./": "must name a file that exists",
}
CANNOT_BE_STARTED = {
    "./words": "must be one that this machine can start, got Exec format error",
    "./orphan": "must be one that this machine can start, got No such file or directory",
}


@pytest.fixture
def useless(tmp_path: Path) -> Path:
    """A folder with files that are no programs."""
    (tmp_path / "text.txt").write_text("not a program\n")
    for name, text in (("words", "not a program\n"), ("orphan", "#!/nowhere/interpreter\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize("command", CANNOT_BE_RUN)
def test_commands_that_cannot_be_run(useless: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Bad input: one sentence, before anything is started."""
    monkeypatch.chdir(useless)
    with pytest.raises(InvalidArgument, match=re.escape(CANNOT_BE_RUN[command])):
        program_target(command)


@pytest.mark.parametrize("command", first_now(["", "./text.txt", *CANNOT_BE_STARTED]))
@pytest.mark.usefixtures("useless")
def test_play_exec_bad_input(run_command: Run, command: str) -> None:
    """Bad input: one sentence, exit code 2, no row."""
    result = run_command("play", "--exec", command, "--isolation", "none")
    assert result.returncode == 2
    assert {**CANNOT_BE_RUN, **CANNOT_BE_STARTED}[command] in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
