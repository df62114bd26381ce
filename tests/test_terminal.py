"""Forgery: foreign text on a terminal, in tables, spreadsheets and figures; streams and signals that end a command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.report.figure import frontier, save
from lowerbound.report.terminal import console, folds
from lowerbound.sweep.export import exported
from lowerbound.sweep.store import Stored
from tests.marks import first_now
from tests.pseudo_terminal import on_a_terminal

HOSTILE = "[red]x[/red] [link=http://a]\x1b]0;title\x07\x1b[2J\x9b31m\u202etxt\nVERIFIED"
SHOWN = r"\x1b]0;title\x07\x1b[2J\x9b31m\u202etxt\nVERIFIED"
ESCAPES = ("\x1b]", "\x1b[2J", "\x9b", "\u202e", "\x07")

HANGS = """
import time
from lowerbound.caches.controls.full import Full16


class Hangs(Full16):
    def append(self, *rows):
        open("/proc/self/cmdline").close()
        time.sleep(1000)
"""

TABLE = """
import sys
from rich.table import Table
from lowerbound.report.terminal import console, shown_streams
hostile = sys.argv[1]
with shown_streams():
    table = Table(title=hostile, caption=hostile)
    table.add_column(hostile)
    table.add_row(hostile)
    console().print(table)
    print(hostile)
    print(hostile, file=sys.stderr)
"""


def test_a_terminal_obeys_no_foreign_text() -> None:
    """Forgery: titles, cells and prints with markup and escapes are shown; the table's own style is obeyed."""
    done = on_a_terminal(sys.executable, "-c", TABLE, HOSTILE)
    assert done.returncode == 0
    told = done.stderr
    assert not any(escape in told for escape in ESCAPES)
    assert "\x1b[1m" in told or "\x1b[3m" in told
    assert told.count("[red]x[/red]") >= 3
    assert told.count(r"\x1b]0;title") >= 3


def run(
    words: list[str], tmp_path: Path, *, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lowerbound", *words],
        cwd=tmp_path,
        stdout=stdout,
        stderr=stderr,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "words",
    first_now(
        [
            ["play", HOSTILE],
            ["play", f"{HOSTILE}:Cache"],
            ["check", HOSTILE],
            ["floor", "--eta", HOSTILE],
            ["floor", HOSTILE],
        ],
    ),
    ids=lambda words: words[0],
)
def test_names_with_escapes_are_one_line(words: list[str], tmp_path: Path) -> None:
    """Bad input: a name that a terminal would obey is told in one line, exit code 2."""
    found = run(words, tmp_path)
    assert found.returncode == 2
    assert not any(escape in found.stderr for escape in ESCAPES)
    assert "VERIFIED" not in found.stderr.splitlines()


TEMPLATE = ["caches", "--template"]


@pytest.mark.slow
def test_a_full_or_closed_standard_error_changes_no_exit_code(tmp_path: Path) -> None:
    """Law: the exit code is that of the command, whether or not its sentence can be told."""
    with open("/dev/full", "w") as full:
        assert run(["floor", "--eta", "2"], tmp_path, stderr=full.fileno()).returncode == 2
        assert run(TEMPLATE, tmp_path, stderr=full.fileno()).returncode == 0
        assert run(TEMPLATE, tmp_path, stdout=full.fileno()).returncode == 2
    reader, writer = os.pipe()
    os.close(reader)
    assert run(["floor", "--eta", "2"], tmp_path, stderr=writer).returncode == 2
    assert run(TEMPLATE, tmp_path, stdout=writer).returncode == 141
    os.close(writer)
    words = f"{sys.executable} -m lowerbound floor --eta 2 2>&-"
    assert subprocess.run(["/bin/sh", "-c", words], cwd=tmp_path, check=False).returncode == 2


def children_of(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for children in lists for child in children.read_text(encoding="ascii").split()]


@pytest.mark.parametrize("stop", first_now([signal.SIGTERM, signal.SIGHUP, signal.SIGINT]))
def test_signals_end_in_order(tmp_path: Path, stop: signal.Signals) -> None:
    """Law: at once, with status 128 + signal, no traceback, and no party left behind."""
    (tmp_path / "hangs.py").write_text(HANGS, encoding="utf-8")
    words = ["play", "hangs:Hangs", "hangs:Hangs", "--isolation", "process-shared-files"]
    with subprocess.Popen(
        [sys.executable, "-m", "lowerbound", *words],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(signal.signal, stop, signal.SIG_DFL),  # under nohup it would be ignored
    ) as process:
        deadline = time.monotonic() + 30
        parties: list[int] = []
        while len(parties) < 2 and time.monotonic() < deadline:
            time.sleep(0.2)
            parties = children_of(process.pid)
        start = time.monotonic()
        process.send_signal(stop)
        try:
            _, told = process.communicate(timeout=20)
        finally:
            process.kill()
    assert parties
    assert process.returncode == 128 + stop
    assert time.monotonic() - start < 5
    assert "Traceback" not in told
    assert not any(Path(f"/proc/{pid}").exists() for pid in parties)


@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM"])
def test_no_interruption_is_dropped(tmp_path: Path, stop: str) -> None:
    """Law: a signal that arrives while an object is taken down, where Python drops what is raised, ends the command."""
    program = (
        "import os, signal, time; from lowerbound.cli.signals import stopped_in_order\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Last:\n    def __del__(self):\n"
        f"        os.kill(os.getpid(), signal.{stop}); time.sleep(0.1)\n"
        "try:\n    with stopped_in_order():\n        Last(); time.sleep(20); print('dropped')\n"
        "except KeyboardInterrupt:\n    print('ended')"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("ended\n", "")


def test_an_ignored_hangup_stays_ignored(tmp_path: Path) -> None:
    """Law: under nohup a command does not end with its terminal."""
    program = (
        "import os, signal, sys; from lowerbound.cli.signals import stopped_in_order\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "with stopped_in_order():\n    os.kill(os.getpid(), signal.SIGHUP)\nprint('still here')"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout == "still here\n"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+2", "'=1+2"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", r"'\t=1"),
        ("\r=1", r"'\r=1"),
        ("-1/2", "-1/2"),
        ("-1.5e3", "-1.5e3"),
        ("+7", "+7"),
        (-3, "-3"),
        (-0.25, "-0.25"),
        ("a=1", "a=1"),
    ],
)
def test_cells_are_no_formulas(cell: object, written: str) -> None:
    """Forgery: text that a spreadsheet would compute is quoted, and numbers are numbers."""
    row = Stored("key", {}, "done", {"cell": cell}, "", 0.0, {}, "serial")
    assert exported([row], "csv").decode().removeprefix("key,outcome,reason,row.cell\n") == f"key,done,,{written}\n"


def test_figures_draw_names_letter_by_letter(tmp_path: Path) -> None:
    """Forgery: names with dollars are no formulas, which could be wrong ones: that of the cache cannot be typeset."""
    row: dict[str, object] = {"error": 0.25, "error_low": 0.2, "error_high": 0.3, "bits_per_symbol": 4.0}
    row |= {"cache": "$\\frac{x$ \x1b[2J", "family": "$\\nothing$", "budget": None, "computation_model": "R1"}
    row |= {"geometry": "g", "symbols": 16}
    told = save(frontier([row]), tmp_path / "f.svg").read_text(encoding="utf-8")
    assert r"$\nothing$" in told


def test_the_console_reads_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    """Definition: brackets are text."""
    console().print("[bold]x[/bold] :smile:")
    assert capsys.readouterr().out == "[bold]x[/bold] :smile:\n"


@given(
    st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=12)),
    st.integers(1, 8),
)
def test_folded_lines_keep_every_word(words: list[str], indent: int) -> None:
    """Law: a line that is too wide is folded between words, none of which is lost or cut, and fits."""
    line = " " * indent + " ".join(words)
    folded = folds(line, 30)
    assert " ".join(folded).split() == line.split()
    assert all(len(part) <= 30 for part in folded)
    assert folds(line, len(line)) == [line]
