"""Recorded keys at the command line: `trace keys`, and --keys TRACE of `play`, `reduce` and `certify`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lowerbound.cli import main
from lowerbound.var.trace.record import record
from tests.var.trace.made import made

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """The command in this process: (exit code, standard output, standard error)."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["lowerbound", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return run


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "tiny.safetensors"
    record(path, model="tiny")
    return path


def json_of(told: tuple[int, str, str]) -> dict[str, Any]:
    assert told[0] == 0, told[2]
    return dict(json.loads(told[1]))


def test_keys(say: Say, traced: Path) -> None:
    """Definition: a row a head, in JSON and in words, of one layer or of all."""
    heads = json_of(say("trace", "keys", traced, "--json"))["heads"]
    assert len(heads) == 24
    assert all(len(head["readings"]) == 4 for head in heads)
    code, out, _ = say("trace", "keys", traced, "--layer", 1)
    assert code == 0
    assert out.count("uncond") == 4
    assert say("trace", "keys", traced, "--layer", 3)[0] == 2


def test_play(say: Say, traced: Path) -> None:
    """Law: a full cache reads every symbol of the readable tokens, and a window does not; the keys are told too."""
    asked = ("--keys", traced, "--layer", 2, "--head", 1, "--lambda", 20, "--isolation", "none")
    told = json_of(say("play", "full-fp32", "window@1/2", *asked, "--json"))
    full, window = told["rows"]
    keys = told["recorded_keys"]
    assert 0 < keys["readable"] < keys["cached"] == 30
    assert keys["readable"] == sum(keys["readable_by_map"]) == len(keys["readable_tokens"])
    assert full["symbols"] == 32 * keys["readable"]
    assert full["errors"] == 0 < window["errors"]
    code, out, _ = say("play", "full-fp32", *asked)
    assert code == 0
    assert "(learned)" in out
    assert f"{keys['readable']} of 30 tokens can be read" in out
    assert f"not readable, so not asked for, and of the public value 0: {30 - keys['readable']} token" in out


def test_a_stack_has_the_same_keys(say: Say, traced: Path) -> None:
    """Definition: --layers and --heads are the stack of the game, with values of their own on the keys of one head."""
    asked = ("--keys", traced, "--layer", 0, "--head", 0, "--layers", 2, "--heads", 3, "--isolation", "none")
    told = json_of(say("play", "full-fp32", *asked, "--json"))
    (row,) = told["rows"]
    assert (row["layers"], row["heads"], row["symbols"]) == (2, 6, 6 * 32 * told["recorded_keys"]["readable"])


def test_reduce(say: Say, traced: Path) -> None:
    """Definition: one symbol is followed on these keys, and decoded."""
    asked = ("reduce", "--keys", traced, "--layer", 1, "--head", 0, "--branch", "uncond")
    told = json_of(say(*asked, "--json"))
    assert told["bit"] == told["decoded"]
    assert told["recorded_keys"]["branch"] == "uncond"
    assert "exact sum over the recorded keys" in say(*asked)[1]


def test_certify(say: Say, traced: Path, tmp_path: Path) -> None:
    """Definition: the document is written, and `check` verifies it; a sharper query proves more."""
    path = tmp_path / "floor.json"
    asked = ("certify", "--keys", traced, "--layer", 2, "--head", 1)
    code, out, _ = say(*asked, "-o", path)
    assert code == 0
    assert "on these keys, which are public, with values free" in out
    assert say("check", path)[1].endswith("VERIFIED\n")
    sharp, flat = (json_of(say(*asked, "--lambda", x, "--json")) for x in (100, 20))
    assert sharp["bits"] > flat["bits"] > 0
    assert sharp["asked_tokens"] >= flat["asked_tokens"]
    assert flat["claim"]["multiplier"] == "20"
    assert flat["learned"] == pytest.approx(14.72, abs=0.01)


def test_a_transcript_adds_up(say: Say, traced: Path, tmp_path: Path) -> None:
    """Definition: a game on recorded keys is written down; CONSISTENT, as no catalogue has the keys to play again."""
    path = tmp_path / "game.json"
    asked = ("--keys", traced, "--layer", 0, "--head", 0, "--isolation", "none", "--transcript", path)
    assert say("play", "full-fp32", *asked)[0] == 0
    code, out, _ = say("check", path)
    assert code == 3
    assert out.endswith("CONSISTENT\n")


HEAD = ("--layer", "0", "--head", "0")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("play", "full", "--keys", "nowhere.safetensors", *HEAD), "trace must be a file"),
        (("play", "full", "--keys", "TRACE.no", *HEAD), "key family"),
        (("play", "full", "--keys", "./", *HEAD), "trace must be a file"),
        (("play", "full", "--keys", __file__, *HEAD), "must be a safetensors file"),
        (("play", "full", "--keys", "TRACE"), "must be given with --layer and --head"),
        (("play", "full", "--keys", "TRACE", "--layer", "0"), "must be given with --layer and --head"),
        (("play", "full", "--keys", "TRACE", "--layer", "3", "--head", "0"), "layer must lie in [0, 2]"),
        (("play", "full", "--keys", "TRACE", "--layer", "0", "--head", "4"), "head must lie in [0, 3]"),
        (("play", "full", "--keys", "TRACE", *HEAD, "--branch", "c"), "branch 'c' is not known"),
        (("play", "full", "--layer", "0"), "--layer must be given with --keys TRACE"),
        (("play", "full", "--keys", "kerdock", "--branch", "cond"), "--branch must be given with --keys TRACE"),
        (("play", "full", "--keys-and-values", "C", "--keys", "TRACE", *HEAD), "--keys must be left out"),
        (("reduce", "var-d16", "--keys", "TRACE", *HEAD), "the place must fit the trace in --keys, which has the maps"),
        (("reduce", "--tokens", "30", "--d", "32", "--keys", "TRACE", *HEAD), "the place must fit the trace"),
        (("reduce", "--schedule", "1 2 3 4 6", "--d", "8", "--keys", "TRACE", *HEAD), "which has the d 32, got 8"),
        (("certify", "--keys", "kerdock"), "--keys is for recorded keys"),
        (("certify", "--lambda", "3"), "--lambda is for recorded keys"),
        (("certify", "--keys", "TRACE", *HEAD, "--theorem", "B"), "--theorem must be left out"),
        (("certify", "--keys", "TRACE", *HEAD, "--guarantee", "relative"), "--guarantee must be additive"),
        (("certify", "--keys", "TRACE", *HEAD, "--lambda", "1"), "no token of trace of tiny, layer 0, head 0, cond"),
    ],
)
def test_mistakes_are_one_sentence(say: Say, traced: Path, words: tuple[str, ...], sentence: str) -> None:
    """Bad input: exit 2, or 1 for what is impossible, and one line that says what is there."""
    code, out, err = say(*(str(traced) if word == "TRACE" else word for word in words))
    assert code in (1, 2)
    assert not out
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_another_rule_is_refused(say: Say, tmp_path: Path) -> None:
    """Bad input: where logits are scaled inner products, norms of keys count, and directions are no addresses."""
    path = made(tmp_path / "scaled.safetensors")
    for words in (("trace", "keys", path), ("play", "full", "--keys", path, *HEAD)):
        code, _, err = say(*words)
        assert code == 2
        assert "logit_rule l2norm" in err


def test_a_fitting_place_may_be_said(say: Say, traced: Path) -> None:
    """Definition: a place with the trace's maps, dimension and rule changes nothing."""
    asked = ("reduce", "--keys", traced, *HEAD, "--json")
    fits = ("--schedule", "1x1 2x2 3x3 4x4 6x6", "--d", 32)
    assert json_of(say(*asked, *fits)) == json_of(say(*asked))
