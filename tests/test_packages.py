"""The list of third parties' packages: every row is complete, every hook exists, and no false quote gets through."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from experiments import package_hooks
from experiments.packages import LIST, METADATA, Package, folder_of, main, misquoted, packages
from lowerbound.errors import InvalidArgument

HOOKS = "experiments.package_hooks"
A_ROW: dict[str, Any] = {
    "name": "a",
    "version": "1",
    "target": "cache:a:A()",
    "needs": {},
    "claim": "4",
    "says": "4 times",
}


def test_every_row_is_pinned() -> None:
    """Definition: a row has one version, of itself and of all that it needs, a target, and words with their file."""
    listed = packages()
    assert len(listed) >= 12
    for each in listed:
        for version in (each.version, *each.needs.values()):
            assert all(part.isdigit() for part in version.split("."))
        assert each.target.count(":") >= 2
        assert all(words and file for words, file in each.quotes)


def test_hooks_exist() -> None:
    """Law: every hook that the list names is in the module of hooks, and each of the module's is named."""
    text = LIST.read_text(encoding="utf-8")
    own = {name for name, held in vars(package_hooks).items() if getattr(held, "__module__", None) == HOOKS}
    named = {name for name in own if f"{HOOKS}:{name}" in text}
    assert own == named
    assert text.count(HOOKS) == sum(text.count(f"{HOOKS}:{name}") for name in own)


def test_claims_are_compared_in_float16() -> None:
    """Known value: 15 times less than float32 is 7.5 times less than float16."""
    flash = next(each for each in packages() if each.name == "flashcodec-kv")
    assert (flash.of, flash.claim, flash.claimed_of_fp16) == ("fp32", "15", Fraction(15, 2))


@pytest.mark.parametrize(("text", "wrong"), [("it is\n  4 times smaller", []), ("3 times", ["4 times"])])
def test_false_quotes_are_found(text: str, wrong: list[str], tmp_path: Path) -> None:
    """Forgery: words that the installed package does not have are reported; line breaks do not matter."""
    package = Package(**A_ROW, says_where=METADATA)
    info = folder_of(tmp_path, "a", "1") / "a-1.dist-info"
    assert misquoted(package, tmp_path) == ["4 times"]
    info.mkdir(parents=True)
    (info / "METADATA").write_text(text, encoding="utf-8")
    assert misquoted(package, tmp_path) == wrong


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([{**A_ROW, "says_where": METADATA, "speed": 1}], "a field of a must be one of .*, got 'speed'"),
        ([{**A_ROW, "says_where": METADATA}] * 2, "a package must be listed once, got 'a' 2 times"),
        ([{**A_ROW, "says_where": METADATA, "claim": "0.5"}], "claim must be at least 1"),
        ([{**A_ROW, "says_where": METADATA, "of": "fp8"}], "of must be one of fp16, fp32"),
        ([{**A_ROW, "says_where": METADATA, "simulates": "so"}], "simulates_where must be told of a exactly if"),
    ],
)
def test_bad_lists_are_refused(rows: list[object], sentence: str, tmp_path: Path) -> None:
    """Bad input: a list with an unknown field, a name twice, or fields that contradict each other gets one sentence."""
    path = tmp_path / "packages.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(InvalidArgument, match=sentence):
        packages(path)


def test_a_folder_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input: without a folder nothing is installed, and one sentence says so."""
    assert main([]) == 2
    assert "must name one folder" in capsys.readouterr().err
