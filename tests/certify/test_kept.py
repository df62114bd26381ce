"""Proposals of earlier runs: read again for the same question and program, judged like others, and never believed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lowerbound.certify import kept
from lowerbound.certify.certified import _certified, certified
from lowerbound.certify.kept import folder, proposed, read_again
from lowerbound.certify.theorems import _instance
from lowerbound.core.geometry import Geometry
from lowerbound.errors import Undecided
from tests.test_cli import Run, json_of


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of their own for the proposals of each test; nothing found before is remembered."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kept, "_read", [])
    yield folder()
    _forget()


def _forget() -> None:
    _certified.cache_clear()
    _instance.cache_clear()


def test_a_question_is_searched_once(place: Path) -> None:
    """Definition: the second answer is that of the first search; another question, or a lost file, is searched anew."""
    searches: list[int] = []

    def search() -> list[int]:
        searches.append(1)
        return [len(searches), 2**70]

    def asked(question: int) -> tuple[int, ...]:
        return proposed("numbers", question, search, lambda found: tuple(found))

    assert [asked(1), asked(1), asked(2)] == [(1, 2**70), (1, 2**70), (2, 2**70)]
    assert read_again() == ["numbers"]
    for file in place.iterdir():
        file.unlink()
    assert asked(1) == (3, 2**70)


def test_what_nothing_can_be_made_of_is_not_there(place: Path) -> None:
    """Forgery: a file that is cut, of another question, or of the wrong form leads to a new search."""
    assert proposed("n", 1, lambda: [5], lambda found: found[0] + 1) == 6
    (file,) = place.iterdir()
    for forged in (b"", b"{", b"[]", b'{"asked": "x", "found": [7]}', json.dumps({"asked": '["n", 1]'}).encode()):
        file.write_bytes(forged)
        assert proposed("n", 1, lambda: [5], lambda found: found[0] + 1) == 6
    file.write_text(json.dumps({"asked": '["n", 1]', "found": {}}), encoding="utf-8")
    assert proposed("n", 1, lambda: [5], lambda found: found[0] + 1) == 6
    assert read_again() == []


def test_what_is_large_is_not_kept(place: Path) -> None:
    """Definition: a proposal of more than MOST_BYTES is found anew each time."""
    assert proposed("n", 1, lambda: "x" * kept.MOST_BYTES, len) == kept.MOST_BYTES
    assert not place.exists()


def test_a_place_that_cannot_be_written_is_no_obstacle(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: without a home, or with a file in its place, everything is searched."""
    place.parent.parent.mkdir(parents=True, exist_ok=True)
    place.parent.write_text("a file", encoding="utf-8")
    assert proposed("n", 1, lambda: 3, int) == 3

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(kept, "folder", homeless)
    assert proposed("n", 1, lambda: 3, int) == 3


def test_old_programs_make_place(place: Path) -> None:
    """Law: the folders of at most MOST_PROGRAMS programs are kept, the new one among them, whatever the clock says."""
    for number in range(kept.MOST_PROGRAMS + 3):
        (place.parent / str(number)).mkdir(parents=True)
        os.utime(place.parent / str(number), (2**32 + number, 2**32 + number))
    proposed("n", 1, lambda: 3, int)
    newest = {str(number) for number in range(4, kept.MOST_PROGRAMS + 3)}
    assert {each.name for each in place.parent.iterdir()} == {place.name, *newest}


def test_a_kept_design_is_judged(place: Path, small_geometry: Geometry) -> None:
    """Forgery: a design that somebody else wrote proves no bit more; the floor that it claims is not verified."""
    terms: dict[str, Any] = {"eta": "0.01", "delta": 0, "theorem": "C'"}
    honest = certified(small_geometry, **terms)
    assert honest is not None
    _forget()
    again = certified(small_geometry, **terms)
    assert again is not None
    assert again.document() == honest.document()
    assert read_again() == ["the design of theorem C'"]
    (file,) = place.iterdir()
    told = json.loads(file.read_bytes())
    told["found"]["bits"] += 100
    file.write_text(json.dumps(told), encoding="utf-8")
    _forget()
    forged = certified(small_geometry, **terms)
    assert forged is not None
    assert forged.bits < honest.bits
    told["found"]["payload"]["multiplier"] = "1000000"
    file.write_text(json.dumps(told), encoding="utf-8")
    _forget()
    with pytest.raises(Undecided, match="is not verified"):
        certified(small_geometry, **terms)


@pytest.mark.slow
def test_commands_say_what_they_have_read(run_command: Run) -> None:
    """Law: with --json a command names the proposals of earlier runs; the rest of its answer is the same."""
    words = ("certify", "--tokens", "40", "--d", "16", "--theorem", "C'", "--json")
    first, second = (json_of(run_command(*words)) for _ in range(2))
    assert (first.pop("read_again"), second.pop("read_again")) == ([], ["the design of theorem C'"])
    assert first == second


def test_a_program_has_one_name() -> None:
    """Law: the name of the folder, which is that of the sources, is the same in another process."""
    program = "from lowerbound.certify.kept import digest; print(digest())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == kept.digest() == folder().name
