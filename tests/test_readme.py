"""The README tells what happens now: its transcripts are run, its links lead somewhere, its table is the book's."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lowerbound.cli import COMMANDS, app
from lowerbound.prove.book import load_book
from lowerbound.prove.summary import BEGIN, END, HEADLINES
from tests.test_cli import Run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRANSCRIPTS = re.findall(r"```console\n\$ lowerbound ([^\n]*)\n(.*?)\n```", README, re.DOTALL)


@pytest.mark.parametrize(("command", "told"), TRANSCRIPTS, ids=[command.split()[0] for command, _ in TRANSCRIPTS])
def test_transcripts_are_what_the_commands_print(run_command: Run, command: str, told: str) -> None:
    """Known value: each command of a transcript, run now, prints what stands there."""
    assert run_command(*shlex.split(command)).stdout.rstrip() == told


def test_there_are_transcripts() -> None:
    """Law: the pattern above finds what it is meant to find."""
    assert len(TRANSCRIPTS) == README.count("$ lowerbound ") >= 2


def test_links_lead_somewhere() -> None:
    """Law: every link and picture that is a path is in the checkout, and every anchor of the book is a lemma."""
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            assert (ROOT / path).exists(), target
            assert not anchor or f"## {anchor}\n" in (ROOT / path).read_text(encoding="utf-8"), target


def test_commands_exist() -> None:
    """Law: every command that is shown is one of the command line's."""
    names = {command.__name__ for command in COMMANDS} | {str(group.name) for group in app.registered_groups}
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
