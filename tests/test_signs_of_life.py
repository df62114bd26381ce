"""A command that works for longer than a breath says on a terminal what it is at, and nowhere else."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lowerbound.cli import COMMANDS, TRACE, VAR
from lowerbound.cli.deferred import Deferred
from tests.pseudo_terminal import on_a_terminal

AT_ONCE = {"notebooks", "sums"}
"""Commands that look something up, or convert a few files."""
ELSEWHERE = {"figures"}
"""Commands whose work is that of another program, which tells each picture as it is drawn."""
SIGNS = ("working(", "progress(", "_Bar()")


@pytest.mark.parametrize(
    "one", [*COMMANDS, *VAR.commands.values(), *TRACE.commands.values()], ids=lambda one: str(one.name)
)
def test_every_command_gives_a_sign(one: Deferred) -> None:
    """Law: the module of every command shows progress, unless the command does nothing that takes time."""
    command = one.function
    source = inspect.getsource(sys.modules[command.__module__])
    assert any(sign in source for sign in SIGNS) or command.__name__ in AT_ONCE | ELSEWHERE


PLACE = ["--tokens", "64", "--d", "16"]


@pytest.mark.parametrize(
    ("words", "sign"),
    [
        (["certify", *PLACE], "an instance, and its certificate"),
        *(
            pytest.param(words, sign, marks=pytest.mark.slow)
            for words, sign in (
                (["floor", *PLACE], "an instance for each theorem"),
                (["possible", *PLACE, "--ratio", "4"], "the strongest floor"),
                (["reduce", *PLACE], "one bit of it"),
                (["dimension", "--d", "8", "--mu", "1/2"], "a certificate for each coherence"),
                (["time", "--model", "var-d16", "--questions", "1"], "binary tree"),
                (["var", "simulate", "--model", "tiny", "--cache", "h2o@1/4"], "with h2o"),
            )
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_the_sign_is_for_a_terminal_alone(words: list[str], sign: str, tmp_path: Path) -> None:
    """Law: on a terminal standard error names the work, and standard output is one JSON object; a pipe gets no word."""
    done = on_a_terminal(sys.executable, "-m", "lowerbound", *words, "--json", cwd=tmp_path, piped=True)
    assert sign in done.stderr
    assert json.loads(done.stdout)
    if words[0] == "certify":  # once is enough
        piped = subprocess.run(
            [sys.executable, "-m", "lowerbound", *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (piped.returncode, piped.stderr) == (0, "")
