"""`lowerbound var` as a user meets it: what it prints, JSON, exit codes, refusals of one sentence."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from lowerbound.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]


def json_of(result: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout))


def test_simulate(run_command: Run) -> None:
    """Definition: measured bytes beside floors, the error of logits, the share of ids, in words and JSON."""
    words = ("var", "simulate", "--model", "tiny", "--cache", "h2o", "--budget", "1/4", "--seed", "0")
    told = json_of(run_command(*words, "--json"))
    assert told["cache"] == "h2o"
    assert told["budget"] == "1/4"
    assert 0 < told["state_bytes"] < told["full_cache_bytes"]  # type: ignore[operator]
    assert 0 < told["realised_floor_bytes"] < told["floor_bytes"]  # type: ignore[operator]
    assert 0 < told["logit_error"] < 1  # type: ignore[operator]
    said = run_command(*words).stdout
    assert "floor, model R1, independent streams" in said
    assert f"{told['state_bytes'] / 1000:,.3f} kB" in said  # type: ignore[operator]


def test_ranks(run_command: Run) -> None:
    """Known value: the first scales of VAR-256 with their ranks, joint injectivity, and the affine dimension 33."""
    told = json_of(run_command("var", "ranks", "var-d16", "--scales", "6", "--json"))
    assert [row["rank"] for row in told["scales"]] == [0, 1, 4, 12, 21, 35]  # type: ignore[attr-defined]
    assert told["injective"] is True
    assert told["first_layer"]["dimension"] == 33  # type: ignore[index]
    said = run_command("var", "ranks", "tiny", "--phi").stdout
    assert "random kernels of phi" in said
    assert "is injective" in said
    assert "dimension exactly 32 = min(32, 32 + 1)" in said


def test_realise(run_command: Run) -> None:
    """Definition: free keys and values of every head of the small model, with the error and where it comes from."""
    told = json_of(run_command("var", "realise", "--json"))
    assert told["streams"] == 12
    assert told["value_error"] < told["expected_error"]  # type: ignore[operator]
    assert "12 free streams at once" in run_command("var", "realise").stdout


def test_sums(run_command: Run) -> None:
    """Known value: 512 streams by assumption, 256 in one network, one secret with public weights."""
    told = json_of(run_command("var", "sums", "var-d16", "--json"))
    assert [row["streams"] for row in told["sums"]] == [512, 256, 1]  # type: ignore[attr-defined]
    assert "one secret, the token ids" in " ".join(run_command("var", "sums", "var-d16").stdout.split())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("simulate", "Missing option '--cache'"),
        ("simulate --cache h20", "did you mean h2o?"),
        ("simulate --cache h2o --model tinny", "did you mean tiny"),
        ("simulate --cache h2o --budget 1/1000", "nearest valid choice is 1/30"),
        ("simulate --cache h2o --top-p 2", "top_p must lie in [0, 1]"),
        ("realise tiny --branches 2", "no more rows than width - 1 = 127, got 2 x 66"),
        ("realise star-d16", "got star-d16 of STAR"),
        ("ranks tiny --scales 9", "scales must be at most 5"),
        ("ranks var-d30-1024", "nearest valid choice is 11"),
        ("ranks tiny-infinity --phi", "of the VAR family"),
        ("sums vard16", "did you mean var-d16"),
    ],
)
def test_refusals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, sentence: str
) -> None:
    """Bad input: exit code 2, one sentence on standard error, nothing on standard output."""
    monkeypatch.setattr("sys.argv", ["lowerbound", "var", *words.split()])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr()
    assert stopped.value.code == 2
    assert said.out == ""
    assert sentence in said.err
