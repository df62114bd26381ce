"""The README tells what happens now: its transcripts are run, its links lead somewhere, its table is the book's."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from lowerbound.cli import app
from lowerbound.prove.book import load_book
from lowerbound.prove.summary import BEGIN, END, HEADLINES
from tests.test_cli import Run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRANSCRIPTS = re.findall(r"```console\n\$ lowerbound ([^\n]*)\n(.*?)\n```", README, re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "told"), TRANSCRIPTS, ids=[command.split()[0] for command, _ in TRANSCRIPTS])
def test_transcripts_are_what_the_commands_print(run_command: Run, command: str, told: str) -> None:
    """Known value: each command of a transcript, run now, prints what stands there."""
    assert run_command(*shlex.split(command)).stdout.rstrip() == told


def test_there_are_transcripts() -> None:
    """Law: the pattern above finds what it is meant to find."""
    assert len(TRANSCRIPTS) == README.count("$ lowerbound ") >= 2


def lines_under(heading: str) -> list[str]:
    """The commands of the first block under a heading, without their comments."""
    block = README.split(f"## {heading}\n")[1].split("```\n")[1]
    return [line.split("#")[0].strip() for line in block.splitlines()]


@pytest.mark.long
@pytest.mark.timeout(600)
def test_what_runs_anywhere_runs_in_an_empty_directory(run_command: Run) -> None:
    """Law: the lines of "runs anywhere" run as they stand, one after the other, in a directory that holds nothing."""
    lines = lines_under("On the command line: runs anywhere")
    assert len(lines) > 15
    for line in lines:
        done = run_command(*shlex.split(line.removeprefix("lowerbound ")))
        # IMPOSSIBLE and BROKEN are answers, and end with 1.
        assert done.returncode in ((0, 1) if " possible " in line or " attack " in line else (0,)), (line, done.stderr)
        assert done.stdout.strip(), line


@pytest.mark.slow
def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    """Law: the quickstart runs as it stands, in a process of its own and an empty directory."""
    source = README.split("## In Python\n")[1].split("```python\n")[1].split("```")[0]
    assert len([line for line in source.splitlines() if line.strip()]) <= 15
    done = subprocess.run([sys.executable, "-c", source], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1] == "VERIFIED"


def test_links_lead_somewhere() -> None:
    """Law: every link and picture that is a path is in the checkout, and every anchor of the book is a lemma."""
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            assert (ROOT / path).exists(), target
            assert not anchor or f"## {anchor}\n" in (ROOT / path).read_text(encoding="utf-8"), target


def test_commands_exist() -> None:
    """Law: every command that is shown is one of the command line's."""
    names = set(typer.main.get_group(app).commands)
    shown = set(re.findall(r"^(?:\$ )?lowerbound ([a-z]\w*)", README, re.MULTILINE))
    assert shown <= names, shown - names
    assert len(shown) > 8


def test_the_table_tells_the_book() -> None:
    """Law: the table between the marks has the headlines with the ranges of the book; statuses are tested with Coq."""
    table = README.split(BEGIN)[1].split(END)[0]
    book = load_book(ROOT / "proofs")
    for lemma_id, title in HEADLINES.items():
        assert f"| [{title}](proofs/BLUEPRINT.md#{lemma_id}) | {book.find(lemma_id).range} |" in table
    assert f"{len(book.lemmas)} lemmas" in table
