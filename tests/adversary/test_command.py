"""The command `attack`, as a user runs it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from lowerbound.certify.witness import rerun
from lowerbound.cli.adversary import attack
from lowerbound.cli.options import IsolationName
from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.kernel.verdict import Outcome

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.slow
def test_a_cache_breaks(run_command: Run, tmp_path: Path) -> None:
    """Law: exit code 1, since a promise is refuted; the tokens in words, a witness in the file, and one last word."""
    result = run_command(
        "attack", "streaming@1/4", "-o", "w.json", "--isolation", "process-shared-files", "--guarantee", "relative"
    )
    assert (result.returncode, result.stderr) == (1, "")
    assert result.stdout.splitlines()[-1] == "BROKEN"
    assert "error / eta = 100" in result.stdout
    document = (tmp_path / "w.json").read_bytes()
    assert rerun(document, isolation=Isolation.NONE).outcome is Outcome.VERIFIED
    assert f"witness: {len(document)} bytes in w.json" in result.stdout


def test_json_of_both_verdicts(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Law: one object on standard output, and exit code 1 only if it broke; no file without a witness."""
    with pytest.raises(typer.Exit) as ended:
        attack("h2o", budget="1/4", isolation=IsolationName.NONE, as_json=True)
    assert ended.value.exit_code == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["budget"], told["file"]) == ("broken", "1/4", None)
    attack("full", schedule="1x4 1x1", d=5, out=tmp_path / "w.json", isolation=IsolationName.NONE, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["verdict"], told["budget"], told["bytes"]) == ("not broken", None, None)
    assert not (tmp_path / "w.json").exists()


def test_what_does_not_break_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: what was tried is told, and that it proves nothing; the last line is NOT BROKEN."""
    attack("full", schedule="1x4 1x1", d=5, eta="1/1000", isolation=IsolationName.NONE)
    told = capsys.readouterr().out
    assert "this proves nothing" in told
    assert told.splitlines()[-1] == "NOT BROKEN"
    assert all(word in told for word in ("gap", "starve", "null space", "census", "between levels", "response"))


def test_unusable_words(run_command: Run) -> None:
    """Definition: exit code 2 and one sentence."""
    result = run_command("attack", "h2o", "--eta", "2")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: eta must lie in (0, 1), got '2'\n"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"cache": "h2o@1/4", "budget": "1/2"}, "given once"),
        ({"cache": "nope"}, "not known"),
    ],
)
def test_words_that_contradict(words: dict[str, Any], reason: str) -> None:
    """Definition: two budgets, a file nowhere, a cache that nobody knows."""
    with pytest.raises(InvalidArgument, match=reason):
        attack(**words)
