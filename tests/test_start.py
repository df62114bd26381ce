"""The start of a command: it imports what it needs, and lists tell of commands what the commands say of themselves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from lowerbound.cli import app
from lowerbound.cli.deferred import Deferred
from lowerbound.cli.grammar import LONGEST_SENTENCE

ROOT = Path(__file__).parent.parent
HEAVY = {"numpy", "scipy", "sympy", "z3", "networkx", "matplotlib", "flint", "rich", "pydantic", "safetensors"}
PROGRAM = """import contextlib, io, json, os, sys
from lowerbound.cli import main

sys.argv[0] = "lowerbound"
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    try:
        main()
    except SystemExit as end:
        code = end.code
print(json.dumps([code, sorted(sys.modules)]))
"""
"""A program that runs a command as it is typed, and tells its exit code and what it has imported."""


def deferred() -> dict[str, Deferred]:
    """Every command by its words, those of groups too."""
    found: dict[str, Deferred] = {}
    for name, command in typer.main.get_group(app).commands.items():
        inner = getattr(command, "commands", None)
        told = {name: command} if inner is None else {f"{name} {each}": one for each, one in inner.items()}
        for words, one in told.items():
            assert isinstance(one, Deferred)
            found[words] = one
    return found


def test_lists_tell_what_commands_say() -> None:
    """Law: the sentence by which a list tells a command is the first one of the command's own help, to the letter."""
    commands = deferred()
    assert len(commands) > 35
    for name, one in commands.items():
        assert one.command.get_short_help_str(LONGEST_SENTENCE) == one.get_short_help_str(LONGEST_SENTENCE), name
        assert one.command.name == one.name == name.split()[-1]


def imported_by(*words: str) -> tuple[int, set[str]]:
    """The exit code of a command in a fresh process, and every module that it has imported."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout)
    return code, set(modules)


@pytest.mark.parametrize(
    ("words", "code"), [("--help", 0), ("--version", 0), ("", 2), ("flor", 2), ("trace --help", 0), ("var simulat", 2)]
)
def test_a_list_of_commands_imports_none(words: str, code: int) -> None:
    """Law: help, the version and the answer to a typing error import no command, and nothing that one needs."""
    ended, modules = imported_by(*words.split())
    assert ended == code
    home = {name for name in modules if name.startswith("lowerbound.")}
    assert home <= {
        "lowerbound.cli",
        "lowerbound.cli.deferred",
        "lowerbound.cli.grammar",
        "lowerbound.cli.signals",
        "lowerbound.errors",
        "lowerbound.report",
        "lowerbound.report.terminal",
    }
    assert not modules & HEAVY


def test_the_help_of_commands_imports_no_library() -> None:
    """Law: what the help of all commands imports is the command line, and no scientific package."""
    program = (
        "import sys; from tests.test_start import deferred, HEAVY;"
        "told = [command.function.__name__ for command in deferred().values()];"
        "print(len(told), sorted(HEAVY & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(deferred())} []\n"
