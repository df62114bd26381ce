"""The start of a command: it imports what it needs, and lists tell of commands what the commands say of themselves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from lowerbound.caches.registry import target_of
from lowerbound.cli import app
from lowerbound.cli.deferred import Deferred
from lowerbound.cli.grammar import LONGEST_SENTENCE
from lowerbound.core.geometry import Geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.reduction import plan_reduction
from lowerbound.game.wire import SYMBOL_TYPE
from tests.marks import first_now
from tests.test_cli import Run

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
        for words, each in told.items():
            assert isinstance(each, Deferred), words
            found[words] = each
    return found


def test_lists_tell_what_commands_say() -> None:
    """Law: the sentence by which a list tells a command is the first one of the command's own help, to the letter."""
    commands = deferred()
    assert len(commands) > 35
    for name, one in commands.items():
        assert one.command.get_short_help_str(LONGEST_SENTENCE) == one.get_short_help_str(LONGEST_SENTENCE), name
        assert one.command.name == one.name == name.split()[-1]


def imported_by(*words: str, **environment: str) -> tuple[int, set[str]]:
    """The exit code of a command in a fresh process, and every module that it has imported."""
    command, known = [sys.executable, "-c", PROGRAM, *words], {**os.environ, **environment}
    done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout)
    return code, set(modules)


@pytest.mark.parametrize(
    ("words", "code"),
    first_now([("--help", 0), ("flor", 2), ("--version", 0), ("", 2), ("trace --help", 0), ("var simulat", 2)], 2),
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
        "import sys; from lowerbound.cli import COMMANDS, RESULTS, TRACE, VAR;"
        "inner = [one for group in (RESULTS, TRACE, VAR) for one in group.commands.values()];"
        "told = [one.function.__name__ for one in (*COMMANDS, *inner)];"
        "print(len(told), *(name for name in sys.argv[1:] if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program, *HEAVY], capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(deferred())}\n"


SMALL = ("--tokens", "64", "--d", "64")
NEEDED = {
    ("floor", *SMALL): {"flint", "numpy", "pydantic"},
    ("possible", "--ratio", "100", *SMALL): {"flint", "numpy", "pydantic"},
    ("certify", *SMALL): {"flint", "numpy", "pydantic"},
    ("models",): {"flint", "rich"},
    ("reduce",): {"flint", "numpy"},
    ("attack", "window", "--isolation", "none"): {"flint", "numpy", "rich", "pydantic"},
    ("verify", "--lemma", "covering_codes"): {"flint", "numpy", "rich", "sympy", "z3", "networkx"},
}
"""Which of HEAVY a command may import, once a floor of the same head is known; none imports LATE. Typer loads pydantic
for what is typed and is no text, such as a number."""
LATE = {"scipy.optimize", "numpy.f2py", "array_api_compat", "sympy.physics", "pandas", "torch"}


@pytest.mark.slow
def test_commands_import_what_they_need(tmp_path: Path) -> None:
    """Law: of the large libraries a command imports those that its answer needs, and no more."""
    imported_by(*next(iter(NEEDED)), XDG_CACHE_HOME=str(tmp_path))
    for words, needed in NEEDED.items():
        code, modules = imported_by(*words, XDG_CACHE_HOME=str(tmp_path))
        assert code in (0, 1, 3, None), words
        assert modules & HEAVY <= needed, words
        assert not modules & LATE, words


def test_a_party_imports_its_game() -> None:
    """Law: a party of a game of values imports NumPy and no other library, nor another family, nor the catalogues."""
    program = (
        "import json, sys\n"
        "from lowerbound.game.party import perform\n"
        "job = json.loads(sys.argv[1])\n"
        "perform('alice', job, [bytes.fromhex(sys.argv[2])])\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    plan = plan_reduction(Geometry("small", ScaleSchedule.square([1, 2, 4]), 8))
    game = {"game": plan.game, "reduction": plan.to_json(), "cache": target_of("h2o"), "budget": "1/2", "n_frames": 1}
    frame = plan.draw(PrivateSeed(0), 0).astype(SYMBOL_TYPE).tobytes().hex()
    command = [sys.executable, "-c", program, json.dumps({"games": [game]}), frame]
    modules = set(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    assert modules & (HEAVY | LATE | {"threadpoolctl", "subprocess", "pathlib"}) == {"numpy"}
    assert not modules & {f"lowerbound.game.{each}" for each in ("structured", "frames_reduction", "lattice_pairs")}
    assert not modules & {"lowerbound.core.models", "lowerbound.core.program"}


@pytest.mark.parametrize(
    ("words", "sentence"),
    first_now(
        [
            (("floor", "--tokens", "x", "--d", "8"), "--tokens must be a whole number, got 'x'"),
            (("floor", "--tokens", "0", "--d", "8"), "--tokens must be greater than or equal to 1, got '0'"),
            (("play", "h2o", "--time-limit", "soon"), "--time-limit must be a number, got 'soon'"),
            (
                ("play", "h2o", "--isolation", "nowhere"),
                "must be one of 'sandbox', 'process-shared-files', 'none', got 'nowhere'",
            ),
            (("demo", "--out", __file__), "--out cannot be used: dir"),
            (("certify", "--out"), "--out"),
            (("trace", "play"), "Missing argument"),
        ],
    ),
)
def test_what_is_typed_is_still_checked(run_command: Run, words: tuple[str, ...], sentence: str) -> None:
    """Bad input: only what is a value already goes past typer's own conversion, which refuses everything else."""
    result = run_command(*words)
    assert result.returncode == 2
    assert sentence in result.stderr
