"""`lowerbound var` as a user meets it: what it prints, JSON, exit codes, refusals of one sentence."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from lowerbound.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]


Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """The command in this process: (exit code, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["lowerbound", "var", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return run


def json_of(told: tuple[int, str, str]) -> dict[str, Any]:
    assert told[0] == 0, told[2]
    return dict(json.loads(told[1]))


@pytest.mark.slow
def test_simulate(run_command: Run, say: Say) -> None:
    """Definition: measured bytes beside floors, the error of logits, the share of ids, in words and JSON."""
    words = ("simulate", "--model", "tiny", "--cache", "h2o", "--budget", "1/4", "--seed", "0")
    told = json_of(say(*words, "--json"))
    assert told["cache"] == "h2o"
    assert told["budget"] == "1/4"
    assert 0 < told["state_bytes"] < told["full_cache_bytes"]
    assert 0 < told["realised_floor_bytes"] < told["floor_bytes"]
    assert 0 < told["logit_error"] < 1
    said = run_command("var", *words).stdout
    assert "floor, model R1, independent streams" in said
    assert f"{told['state_bytes'] / 1000:,.3f} kB" in said


@pytest.mark.slow
def test_ranks(say: Say) -> None:
    """Known value: the first scales of VAR-256 with their ranks, joint injectivity, and the affine dimension 33."""
    told = json_of(say("ranks", "var-d16", "--scales", "6", "--json"))
    assert [row["rank"] for row in told["scales"]] == [0, 1, 4, 12, 21, 35]
    assert told["injective"] is True
    assert told["first_layer"]["dimension"] == 33
    said = say("ranks", "tiny", "--phi")[1]
    assert "random kernels of phi" in said
    assert "is injective" in said
    assert "dimension exactly 32 = min(32, 32 + 1)" in said


def test_realise(say: Say) -> None:
    """Definition: free keys and values of every head of the small model, with the error and where it comes from."""
    told = json_of(say("realise", "--json"))
    assert told["streams"] == 12
    assert told["value_error"] < told["expected_error"]
    assert "12 free streams at once" in say("realise")[1]


def test_sums(say: Say) -> None:
    """Known value: 512 streams by assumption, 256 in one network, one secret with public weights."""
    told = json_of(say("sums", "var-d16", "--json"))
    assert [row["streams"] for row in told["sums"]] == [512, 256, 1]
    assert "one secret, the token ids" in " ".join(say("sums", "var-d16")[1].split())


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
def test_refusals(say: Say, words: str, sentence: str) -> None:
    """Bad input: exit code 2, one sentence on standard error, nothing on standard output."""
    code, out, err = say(*words.split())
    assert code == 2
    assert out == ""
    assert sentence in err
