"""Truth here: what the house asks of a cache's file, the laws that its template obeys too, and what a user is told."""

from __future__ import annotations

import ast
import json
import math
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lowerbound.caches.description import description, file_of, template
from lowerbound.caches.registry import CACHES
from lowerbound.caches.template import Mine
from lowerbound.core.cache import Public
from lowerbound.errors import InvalidArgument, UnknownName
from tests.contracts.laws import CacheLaws
from tests.marks import first_now

Run = Callable[..., subprocess.CompletedProcess[str]]
LONGEST = 120
SHORTEST = 20
ADAPTERS = "lowerbound.caches.thirdparty."
"""Adapters are one file a library, and need the library to be imported; their classes obey the law of docstrings."""

OWN = {name: target for name, target in CACHES.items() if not target.startswith(ADAPTERS)}
FILES = sorted({str(file_of(target)) for target in OWN.values()})


class TestTemplate(CacheLaws):
    """Law: the file that users start from is a cache like any other."""

    cache = Mine
    not_applicable = {  # noqa: RUF012
        "test_a_larger_budget_keeps_what_a_smaller_one_kept": "every third token is not among every second",
        "test_a_larger_budget_restores_no_worse": "a token is kept as it is or not at all",
        "test_facts_are_stated": "the family is the user's, until the user names one",
    }

    def bits(self, n: int, place: Public) -> int:
        return 32 * place.d * math.ceil(n / math.ceil(1 / self.budget_at(place)))


def test_a_cache_is_a_short_file() -> None:
    """Law: one idea a file, 20 to 120 lines."""
    for path in FILES:
        assert SHORTEST <= len(Path(path).read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_a_cache_says_what_it_costs_and_what_breaks_it() -> None:
    """Law: the class's own docstring has the bits and what breaks it; read from the file, as a reader does."""
    for name in CACHES:
        path, class_name = file_of(CACHES[name]), CACHES[name].partition(":")[2]
        assert path is not None
        classes = [n for n in ast.parse(Path(path).read_text(encoding="utf-8")).body if isinstance(n, ast.ClassDef)]
        (text,) = [ast.get_docstring(node) or "" for node in classes if node.name == class_name]
        words = " ".join(text.split())
        assert "Bits:" in words
        assert "Broken by:" in words
        assert not text.partition("\n\n")[0].endswith(":")


def test_a_cache_is_described() -> None:
    """Definition: class, file, reference, its words in full, and a command that plays it."""
    for name in OWN:
        told = description(name)
        assert told["target"] == CACHES[name]
        assert Path(told["file"]).is_file()
        assert told["reference"]
        assert told["text"].startswith(told["idea"])
        assert "Broken by:" in " ".join(told["text"].split())
        assert re.fullmatch(rf"lowerbound play {name}(@\d+/\d+|@1)?", told["play"])
        assert json.loads(json.dumps(told))["name"] == name


def test_foreign_code_is_described_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the module is found without running it, and runs in a process of its own."""
    package = tmp_path / "far" / "away"
    package.mkdir(parents=True)
    for folder in (package.parent, package):
        (folder / "__init__.py").write_text("")
    (package / "thing.py").write_text(
        "from lowerbound.caches.controls.full import Full16\n\nclass Thing(Full16):\n    '''Far.'''\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    told = description("far.away.thing:Thing")
    assert (told["text"], told["file"]) == ("Far.", str(package / "thing.py"))
    assert not any(module.startswith("far") for module in sys.modules)
    with pytest.raises(UnknownName, match="did you mean Thing"):
        description("far.away.thing:Thin")
    assert file_of("nowhere.at.all:Thing") is None
    with pytest.raises(InvalidArgument, match="importable module"):
        description("far.away.things:Thing")


@pytest.mark.slow
def test_describe_speaks(run_command: Run) -> None:
    """Definition: the whole story on one screen, and as JSON."""
    shown = run_command("caches", "--describe", "gear")
    assert shown.returncode == 0, shown.stderr
    for word in (
        "class      lowerbound.caches.low_rank.gear:GEAR",
        "arXiv:2403.05527",
        "Bits:",
        "Broken by:",
        "play gear@1/16",
    ):
        assert word in shown.stdout
    told = json.loads(run_command("caches", "--describe", "gear", "--json").stdout)
    assert (told["name"], told["default_budget"], told["computation_model"]) == ("gear", "1/16", "R1")
    assert told["text"] in shown.stdout


@pytest.mark.parametrize(
    ("name", "sentence"),
    first_now(
        [
            ("gaer", "did you mean gear"),
            ("", "cache '' is not known"),
            ("mine:Mine", "must name an importable module"),
            ("exec:./mine", "must name a file that exists"),
            ("json:loads", "must name a subclass of lowerbound.Cache"),
        ],
    ),
)
def test_describe_bad_input(run_command: Run, name: str, sentence: str) -> None:
    """Bad input: one sentence, exit code 2."""
    result = run_command("caches", "--describe", name)
    assert (result.returncode, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_the_template_plays_from_an_empty_directory(run_command: Run, tmp_path: Path) -> None:
    """Definition: `lowerbound caches --template > mine.py && lowerbound play mine:Mine`."""
    printed = run_command("caches", "--template")
    assert printed.stdout == template()
    assert json.loads(run_command("caches", "--template", "--json").stdout) == {"template": template()}
    (tmp_path / "mine.py").write_text(printed.stdout, encoding="utf-8")
    result = run_command("play", "mine:Mine", "--schedule", "1x1 2x2 4x4 8x8", "--d", "16", "--json")
    assert result.returncode == 0, result.stderr
    (row,) = json.loads(result.stdout)["rows"]
    assert row["state_bits"] == 64 + 32 + 32 * 16 * 11
    assert row["family"] == "user"
    assert SHORTEST <= len(template().splitlines()) <= LONGEST
