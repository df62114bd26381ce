"""Hostile arguments, defects and foreign exceptions: one sentence each, under the exit code that the README promises.

The commands run in this process, with the words of a command line.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from experiments.__main__ import main as run_experiments
from lowerbound.cli import main
from lowerbound.cli.grammar import DEBUG
from lowerbound.core.geometry import Geometry
from lowerbound.core.scalars import plainly, rational
from lowerbound.errors import InvalidArgument, quoted
from lowerbound.game.reduction import plan_reduction
from paper_figures.__main__ import main as draw_figures
from tests.marks import first_now

Command = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parent.parent
NONE = ("--isolation", "none")
PHASE = ("phase", "--d", "64", "--tokens", "100")
PLAY = ("play", "full", *NONE)
LONG = "1" * 5000

BOOM = """
import numpy as np
from lowerbound.caches.controls.full import Full16


class Boom(Full16):
    def append(self, *rows):
        return fold(rows)


def fold(rows):
    return np.zeros(3).reshape(7)
"""


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run `lowerbound WORDS` in an empty directory: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setenv(DEBUG, "0")

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lowerbound", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return int(ended.value.code or 0), told.out, told.err

    return run


@pytest.mark.parametrize(
    "words",
    [
        *[("floor", f"--eta={x}") for x in ("1e400", "1e-400", "nan", "inf", "", " ", "1/0", LONG)],
        *[("floor", f"--eta={x}") for x in ("\u0663", "1e5000000000")],
        *[("certify", f"--eta={x}") for x in ("1e400", "-1e400", "-1", "+1")],
        *[("certify", f"--delta={x}") for x in ("-1e400", "-1", "1")],
        *[("possible", f"--ratio={x}") for x in ("1e400", "1e-400", "-0", "1/" + "9" * 300)],
        ("possible", "--ratio=10", "--eta=1e-400"),
        *[("dimension", "--d=8", f"--mu={x}") for x in ("1e400", "1e-400", "1")],
        *[("dimension", f"--d={x}") for x in ("-1", "2147483648", "1" + "0" * 30, LONG, "1e400", "1.5")],
        *[(*PHASE, f"--lambda={x}") for x in ("1e400", "1e100", "-1", "\uff11")],
        *[(*PHASE, f"--eta={x}") for x in ("1e-400", "0")],
        ("phase", "--d=64", "--tokens=1" + "0" * 30),
        *[("reduce", f"--{x}") for x in ("lambda=1e400", "d=2147483648", "token=-1", "coordinate=999", "seed=-1")],
        *[("reduce", f"--{x}") for x in ("seed=1" + "0" * 30, "levels=999999999", "model=", "model=" + "x" * 5000)],
        *[(*PLAY, f"--{x}") for x in ("lambda=1e400", "trials=2147483648", "layers=2147483648", "heads=0")],
        *[(*PLAY, f"--time-limit={x}") for x in ("inf", "1e400", "nan", "-1", "0")],
        *[(*PLAY, f"--schedule={x}") for x in ("", "0x0", "1x" + "9" * 5000, "-1x2")],
        (*PLAY, "--keys-and-values=zoom", "--lambda=1e400"),
        (*PLAY, "--transcript=t", "--time-limit=-1"),
        *[("attack", "full", *NONE, f"--time-limit={x}") for x in ("inf", "1e400", "nan")],
        ("attack", "full", *NONE, "--eta=1e400"),
        ("var", "state", "--heads=999999999"),
        *[("var", "decode", f"--swamp={x}") for x in ("inf", "nan", "1")],
        *[("check", path) for path in ("folder", "missing", "", "missing/x")],
        *[("verify", "--certificates", path) for path in ("folder", "missing")],
        *[("trace", "check", path) for path in ("folder", "missing", "empty", "binary")],
        *[("results", "list", path) for path in ("folder", "missing", "binary")],
        *[("sweep", path, "--store=s.db") for path in ("folder", "missing", "binary", "empty")],
        *[("verify", "--proofs", path) for path in ("folder", "missing", "binary", "broken")],
        ("demo", "--out=binary"),
        ("dimension", "--d=8", "--mu=1/8", "-o", "folder"),
    ],
    ids=lambda words: " ".join(words)[:50],
)  # fmt: skip
def test_hostile_words_are_unusable(command: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Bad input: exit code 2, no traceback, no result, and a last line of at most 500 characters."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("1 / 0\n", encoding="utf-8")
    code, out, err = command(*words)
    assert (code, out) == (2, ""), err
    assert "Traceback" not in err
    assert err.splitlines()[-1][:6].lower() == "error:"
    assert len(err.splitlines()[-1]) <= 500


@pytest.mark.parametrize("words", [("check", "binary"), ("check", "deep"), ("verify", "--certificates", "deep")])
def test_hostile_documents_are_rejected(command: Command, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Forgery: bytes that are no text, and JSON nested deeper than Python recurses, are NOT VERIFIED, exit code 1."""
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "deep").write_text("[" * 100_000, encoding="utf-8")
    code, out, err = command(*words)
    assert (code, out.splitlines()[-1], err) == (1, "NOT VERIFIED", "")


def test_a_defect_is_no_refutation(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: an exception that is no error of lowerbound exits 4 in one sentence; --debug shows its traceback as well."""

    def broken(*_: object, **__: object) -> None:
        raise KeyError("a row")

    monkeypatch.setattr("lowerbound.certify.floors.floor", broken)
    sentence = "error: unexpected: KeyError: 'a row'; this is a defect of lowerbound; --debug shows where\n"
    assert command("floor") == (4, "", sentence)
    for words in (("--debug", "floor"), ("floor", "--debug")):
        code, out, err = command(*words)
        assert (code, out) == (4, "")
        assert err.startswith("Traceback (most recent call last):\n")
        assert err.endswith(sentence)
    monkeypatch.setenv(DEBUG, "1")
    assert "Traceback" in command("floor")[2]


def test_too_little_memory_is_undecided(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a machine too small for an instance says nothing about it: exit code 3."""

    def full(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("lowerbound.certify.floors.floor", full)
    assert command("floor")[0] == 3


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["process-shared-files", "none"])
def test_a_caches_own_exception_tells_its_line(command: Command, tmp_path: Path, isolation: str) -> None:
    """Law: the sentence names the file and line of the user's code, not NumPy's; --debug shows the traceback."""
    (tmp_path / "boom.py").write_text(BOOM, encoding="utf-8")
    sys.modules.pop("boom", None)
    code, out, err = command("play", "boom:Boom", "--isolation", isolation)
    assert (code, out) == (1, "")
    assert "Boom.append raised ValueError: cannot reshape array of size 3 into shape (7,) (boom.py:12)" in err
    assert "Traceback" not in err
    _, _, err = command("--debug", "play", "boom:Boom", "--isolation", isolation)
    assert 'boom.py", line 12, in fold' in err
    assert err.splitlines()[-1].startswith("error: the cache must not raise")


@pytest.mark.parametrize(
    ("target", "meant"),
    [("boom.py:Boom", "boom:Boom"), ("a/boom.py:Boom", "a.boom:Boom"), ("../boom.py", "boom:CLASS")],
)
def test_a_file_is_no_module(command: Command, target: str, meant: str) -> None:
    """Bad input: a file instead of a module is told what to type."""
    code, out, err = command("play", target, *NONE)
    assert (code, out) == (2, "")
    assert f"did you mean {meant}?" in err


def test_a_module_that_cannot_be_imported_tells_its_line(command: Command, tmp_path: Path) -> None:
    """Bad input: what the import of the user's module raised, with file and line."""
    (tmp_path / "unready.py").write_text("import json\n\njson.loads('{')\n", encoding="utf-8")
    code, _, err = command("play", "unready:Cache", *NONE)
    assert code == 2
    assert "(unready.py:3)" in err


def test_a_cache_that_cannot_be_played_costs_its_own_row(command: Command) -> None:
    """Law: the other caches are played, the refused ones are named, and the exit code is the worst."""
    code, out, err = command("play", "h20", "full", "h2o@2", "exact", *NONE)
    assert code == 2
    names = [line.split(" ")[1] for line in out.splitlines() if line.startswith("│")]
    # A cell that is folded goes on in a line without a name.
    assert [name for name in names if name] == ["full", "exact"]
    assert re.findall(r"^error: (\w+): ", err, re.MULTILINE) == ["h20", "h2o"]


@pytest.mark.parametrize(("theorem", "eta"), first_now([("reduce", "0.4999999999999"), ("floor", "0.499999999999")]))
def test_reasons_are_the_condition_tested(command: Command, theorem: str, eta: str) -> None:
    """Law: the printed inequality holds between the printed numbers, and the suggested eta works."""
    code, _, err = command(theorem, f"--eta={eta}")
    assert code == 2
    found = re.search(r"tau = (\S+), .* rho = (\S+), .*1 - 2 eta = (\S+) and .* eta is about (\S+)$", err.strip())
    assert found is not None, err
    tau, rho, gap = map(float, found.groups()[:3])
    assert 2 * (tau + rho) >= gap
    assert command(theorem, f"--eta={found[4]}")[0] == 0


def test_suggested_multipliers_work(small_geometry: Geometry) -> None:
    """Law: the lambda that a refusal suggests is not refused."""
    with pytest.raises(InvalidArgument, match="nearest possible lambda") as refused:
        plan_reduction(small_geometry, multiplier=1)
    plan_reduction(small_geometry, multiplier=str(refused.value).rsplit(" ", 1)[1])


def test_the_suggested_delta_works(command: Command) -> None:
    """Law: the failure probability that `floor` suggests has a certificate."""
    _, _, err = command("floor", "--delta", "0.6")
    nearest = err.split()[-1]
    assert command("certify", "--delta", nearest)[1].splitlines()[-1] == "VERIFIED"


def test_an_error_below_its_limit_is_not_printed_as_the_limit(command: Command) -> None:
    """Law: `possible` tells eta = 0.4999999999999 as it is."""
    assert "within 0.4999999999999 (" in command("possible", "--ratio=10", "--eta=0.4999999999999")[1]
    assert [plainly(each) for each in (Fraction(1, 100), Fraction(1, 2), 0.499999999)] == ["0.01", "0.5", "0.499999999"]


def test_numbers_are_read_within_floats() -> None:
    """Definition: 0, and sizes from 1e-100 to 1e100, exactly; other sizes, and text in other digits, are refused."""
    assert rational("1e-100") == Fraction(1, 10**100)
    assert rational("-1e100") == -(10**100)
    assert rational("-0") == 0
    for value in ("1e-101", "1e101", Fraction(1, 10**101), 10**101):
        with pytest.raises(InvalidArgument, match="x must be 0 or have a size from 1e-100 to 1e100"):
            rational(value, name="x")
    with pytest.raises(InvalidArgument, match="at most 400 digits"):
        rational(LONG)
    with pytest.raises(InvalidArgument, match="must be a number such as"):
        rational("\u0661")


def test_long_values_are_cut_in_sentences() -> None:
    """Definition: at most 60 characters of a value, and then its length."""
    assert quoted("x" * 100) == "'" + "x" * 59 + "... (102 characters)"
    assert quoted(10**5000) == "a number of more than 4300 digits"
    assert quoted([1, "a"]) == "[1, 'a']"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["frontier", "maps", "frontier"], "figure must be named once, got 'frontier' 2 times"),
        (["--out", "a", "--out", "b"], "--out must be given at most once"),
        (["--out", "--out"], "--out must be followed by a folder"),
        (["--out=a"], "option must be --out DIR or --pages, got '--out=a'"),
    ],
)
def test_figures_drop_no_word(capsys: pytest.CaptureFixture[str], words: list[str], sentence: str) -> None:
    """Bad input: a name or an option given twice, or an unknown option, is refused before anything is drawn."""
    assert draw_figures(words) == 2
    assert capsys.readouterr() == ("", f"error: {sentence}\n")


def test_experiments_drop_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input: an experiment named twice is refused before anything is run."""
    assert run_experiments(["maps", "maps"]) == 2
    assert capsys.readouterr().err == "error: experiment must be named once, got 'maps' 2 times\n"


@pytest.mark.parametrize(
    "words",
    [
        "play full --transcript {}",
        "attack h2o --out {}",
        "audit full --html {}",
        "audit full --badge {}",
        "audit full --out {}",
        "possible --ratio 3 --certificate {}",
        "possible --ratio 3 --picture {}",
        "certify --out {}",
        "dimension --d 64 --mu 1/8 --out {}",
        "var draw --out {}",
        "var cache --out {}",
        "var f-hat --out {}",
    ],
)
def test_files_that_cannot_be_written_are_told_before_any_work(command: Command, tmp_path: Path, words: str) -> None:
    """Bad input: a file in a folder that is not there, and a folder in place of a file, in one sentence each."""
    option = words.split()[-2]
    for path, rule in ((tmp_path / "none" / "file.png", "in a folder that exists"), (tmp_path, "got the folder")):
        code, out, err = command(*(word.replace("{}", str(path)) for word in words.split()))
        assert (code, out) == (2, "")
        assert err.startswith(f"error: {option} must name a file")
        assert rule in err
