"""`lowerbound trace` as a user meets it: what it prints, JSON, exit codes, refusals of one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from lowerbound.cli import main
from lowerbound.var.trace.file import read_trace
from tests.var.trace.made import made

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """The command in this process: (exit code, standard output, standard error)."""

    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["lowerbound", "trace", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def traced(tmp_path: Path, say: Say) -> Path:
    path = tmp_path / "image.safetensors"
    code, out, _ = say("record", path, "--image", "texture", "--seed", 2)
    assert code == 0
    assert "an image of texture, quantised" in out
    return path


def json_of(told: tuple[int, str, str]) -> dict[str, Any]:
    assert told[0] == 0, told[2]
    return dict(json.loads(told[1]))


def test_record(say: Say, tmp_path: Path) -> None:
    """Definition: a file that reads as what JSON says, and is not overwritten without --force."""
    path = tmp_path / "a"
    told = json_of(say("record", path, "--json", "--precision", "float64"))
    assert told["missed"] is None
    assert told["file_bytes"] == path.stat().st_size
    assert read_trace(path).dtype == "float64"
    assert say("record", path)[0] == 2
    assert say("record", path, "--force")[0] == 0
    assert read_trace(path).dtype == "float32"


def test_inspect(say: Say, traced: Path) -> None:
    """Definition: a row a head in JSON, a row a layer in words, a row a head of one layer."""
    heads = json_of(say("inspect", traced, "--json"))["heads"]
    assert len(heads) == 24
    assert all(head["gap"] == pytest.approx(head["multiplier"] * (1 - head["coherence"])) for head in heads)
    assert "median [least, most]" in say("inspect", traced)[1]
    assert say("inspect", traced, "--layer", "1")[1].count("uncond") == 4


def test_check(say: Say, traced: Path) -> None:
    """Forgery: the recorded file agrees, exit 0; with two heads' outputs exchanged it is refuted, exit 1."""
    assert json_of(say("check", traced, "--json"))["verdict"] == "agrees"
    tensors = load_file(traced)
    tensors["layer.1.o"] = np.ascontiguousarray(tensors["layer.1.o"][:, [1, 0, 2, 3]])
    save_file(tensors, traced, metadata=dict(read_trace(traced).metadata))
    code, out, _ = say("check", traced)
    assert code == 1
    assert "24 heads: refuted" in out
    assert "agrees 4/8, refuted 4/8" in out
    assert say("check", traced, "--layer", "0")[0] == 0


def test_play(say: Say, traced: Path) -> None:
    """Definition: every cache at every budget, its bytes and errors, and that they are no proof."""
    rows = json_of(say("play", traced, "h2o", "full-fp16@1", "--budget", "1/4", "--budget", "1/2", "--json"))["rows"]
    assert [(row["cache"], row["budget"]) for row in rows] == [("h2o", "1/4"), ("h2o", "1/2"), ("full-fp16", None)]
    assert rows[0]["state_bytes"] < rows[1]["state_bytes"] < rows[2]["state_bytes"]
    assert rows[2]["worst_error"] < 0.01 < rows[0]["worst_error"]
    assert "Empirical, never proved" in say("play", traced, "pyramidkv")[1]


@pytest.mark.slow
def test_compare(say: Say, traced: Path) -> None:
    """Definition: points, floors and their quotients, for the heads that were asked; words say whose floor it is."""
    words = ("compare", traced, "--eta", "0.1", "--layer", "1", "--head", "2")
    told = json_of(say(*words, "--json"))
    assert len(told["points"]) == 2 * 12
    (floor,) = told["floors"]
    for row in told["distances"]:
        enough = [point["bits"] for point in told["points"] if point["worst_error"] <= 0.1]
        assert row["floor_bits"] == floor["bits"]
        assert row["played_bits"] >= min(enough)
        assert row["ratio"] == row["played_bits"] / floor["bits"]
    said = " ".join(say(*words)[1].split())
    assert f"{floor['bits']:,} bits forced (Theorem {floor['theorem']}" in said
    assert "Empirical, never proved" in said
    assert "The floor is about the worst case" in said


@pytest.mark.slow
def test_rows_tell_their_budgets(say: Say, traced: Path) -> None:
    """Known value: kivi plays 1/8 if it is told no budget, and h2o beside h2o@1 are two rows of the table."""
    assert "kivi@1/8" in say("play", traced, "kivi")[1]
    said = say("compare", traced, "h2o", "h2o@1", "--layer", "1", "--head", "0")[1]
    assert "h2o@1/2" in said
    assert "h2o@1 " in said


@pytest.mark.slow
def test_a_cache_that_cannot_store_a_trace(say: Say, tmp_path: Path) -> None:
    """Known value: keys beyond float16 refuse one row by name, the others are told, and the exit code is 2."""
    path = made(tmp_path / "hugek", change=lambda q, k, v: (q * 1e-3, k * 1e5, v))
    for command in ("play", "compare"):
        code, out, err = say(command, path, "full-fp16", "full")
        assert code == 2
        assert "full " in out
        assert "full-fp16" not in out
        assert err.startswith("error: full-fp16: values must be finite in float16, got ")
        assert err.count("\n") == 1
        code, out, _ = say(command, path, "full-fp16", "full", "--json")
        told = json.loads(out)
        assert code == 2
        assert [failure["cache"] for failure in told["failures"]] == ["full-fp16"]
        assert {row["cache"] for row in told["rows" if command == "play" else "points"]} == {"full"}
        assert say(command, path, "full-fp16")[:2] == (2, "")


def test_a_trace_of_one_scale(say: Say, tmp_path: Path) -> None:
    """Bad input: nothing is cached before a single scale: one sentence, exit code 2; its outputs are still checked."""
    path = made(tmp_path / "one", "1x1")
    for words in (("play", path, "full"), ("compare", path), ("inspect", path)):
        code, out, err = say(*words)
        assert (code, out) == (2, "")
        assert err.startswith("error: trace must cache")
        assert err.count("\n") == 1
    assert say("check", path)[0] == 0


@pytest.mark.slow
def test_a_trace_of_huge_values(say: Say, tmp_path: Path) -> None:
    """Known value: values near 1e300 agree with attention, and outputs of the other head are refuted; no traceback."""
    path = made(tmp_path / "hugev", change=lambda q, k, v: (q, k, v * 1e300))
    assert say("check", path)[0] == 0
    assert json_of(say("check", path, "--json"))["verdict"] == "agrees"
    for words in (("inspect", path), ("play", path, "full"), ("compare", path, "full")):
        assert say(*words)[0] == 0
    forged = made(tmp_path / "forged", change=lambda q, k, v: (q, k, v * 1e300), outputs=lambda o: np.flip(o, axis=1))
    assert say("check", forged)[0] == 1
    beyond = made(tmp_path / "beyond", outputs=lambda o: o * 1e307)
    code, out, _ = say("check", beyond, "--json")
    assert (code, json.loads(out)["verdict"]) == (1, "refuted")


@pytest.mark.slow
def test_shared_heads_and_prompts_are_told(say: Say, tmp_path: Path) -> None:
    """Definition: in words and in JSON, by every command that reads a trace."""
    path = made(tmp_path / "shared", heads=4, key_heads=2, context=3)
    for words in (
        ("inspect", path),
        ("check", path),
        ("play", path, "full"),
        ("compare", path, "full", "--eta", "0.01"),
    ):
        code, out, _ = say(*words)
        assert code == 0
        assert "heads 0 and 1 share keys and values; heads 2 and 3" in out
        assert "3 of them of the prompt" in out
        told = json_of(say(*words, "--json"))
        assert (told["shared_heads"], told["prompt_tokens"]) == ([[0, 1], [2, 3]], 3)
    assert "stored in float16" in say("check", made(tmp_path / "coarse", stored="float16"))[1]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("record no/a", "directory that exists"),
        ("record a --image edgs", "'edges'"),
        ("record a --model var-d61", "did you mean var-d16"),
        ("record a --condition 5000", "lie in [0, 999]"),
        ("inspect none", "which is missing"),
        ("inspect .", "which is no file"),
        ("inspect {}/../text", "be a safetensors file"),
        ("inspect {} --layer 3", "nearest valid choice is 2"),
        ("play {}", "Missing argument 'CACHE...'"),
        ("play {} h20", "did you mean h2o?"),
        ("play {} h2o --budget 2", "a fraction of the whole, got '2'"),
        ("play {} recompute", "must be played in model R2"),
        ("compare {} pyramidkv", "divides one budget among many"),
        ("compare {} --budget 1/2", "must come with a cache"),
        ("compare {} --eta 0.7", "strictly between 0 and 1/2"),
        ("compare {} --head 4", "nearest valid choice is 3"),
    ],
)
def test_refusals(say: Say, traced: Path, monkeypatch: pytest.MonkeyPatch, words: str, sentence: str) -> None:
    """Bad input: exit code 2, one sentence on standard error, nothing on standard output, no file."""
    monkeypatch.chdir(traced.parent)
    Path("text").write_text("not a trace")
    code, out, err = say(*(word.replace("{}/../", "").replace("{}", traced.name) for word in words.split()))
    assert code == 2
    assert out == ""
    assert sentence in err
    assert sorted(path.name for path in Path().iterdir()) == [traced.name, "text"]
