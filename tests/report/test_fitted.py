"""Truth: a table loses nothing, however narrow the terminal is: every word of every cell is printed whole."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from lowerbound.cli import app
from lowerbound.report import terminal
from lowerbound.report.fitted import Fitted
from lowerbound.var.trace.record import record

WIDTHS = (60, 80, 100, 160)
WORD = st.text(st.sampled_from("abcxyz0123456789.,[]%@"), min_size=1, max_size=18)
TEXT = st.lists(WORD, max_size=12).map(" ".join)


def printed(table: Fitted, width: int) -> str:
    """What a terminal of this width is sent."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False, emoji=False).print(table)
    return out.getvalue()


def words(text: str) -> list[str]:
    """The words of a text, without the lines of a table."""
    return re.sub("[│┃━┏┓┡┩└┘─┳╇┴]", " ", text).split()


def missing(table: Fitted, text: str) -> list[str]:
    """Words of cells that are not in a text as often as in the table; a first column may be repeated."""
    shown = words(text)
    cells = [str(cell) for column in table.columns for cell in column.cells]
    wanted = [word for cell in cells for word in cell.split()]
    return [word for word in set(wanted) if shown.count(word) < wanted.count(word)]


@given(st.integers(1, 6), st.data(), st.integers(20, 200))
def test_nothing_is_lost_at_any_width(n_columns: int, data: st.DataObject, width: int) -> None:
    """Law: for any cells and any width, each word of each cell is there, and no line of a table is too long."""
    table = Fitted(title="a title", caption="a caption")
    for number in range(n_columns):
        table.add_column(f"column {number}", justify=data.draw(st.sampled_from(["left", "right"])))
    for _ in range(data.draw(st.integers(0, 4))):
        table.add_row(*(data.draw(TEXT) for _ in range(n_columns)))
    text = printed(table, width)
    assert not missing(table, text)
    assert all(cell_len(line) <= width for line in text.splitlines())


def test_a_table_that_fits_is_one_table() -> None:
    """Known value: three short columns at 40 characters, and at 25 each other column beside the first."""
    table = Fitted()
    for column in ("cache", "bits", "floor"):
        table.add_column(column)
    table.add_row("full-fp16", "65,632", "1,924")
    assert printed(table, 40).count("┏") == 1
    assert printed(table, 25).count("┏") == 2
    assert printed(table, 25).count("full-fp16") == 2
    assert "┏" not in printed(table, 15)


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace of one image of a tiny network."""
    path = tmp_path_factory.mktemp("trace") / "tiny.safetensors"
    record(path, model="tiny")
    return path


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "models",
        "caches",
        "play full-fp16 h2o@1/4 kivi@1/8 --model var-d16 --isolation none",
        "play full full-fp16 --keys-and-values zoom --eta 0.001 --isolation none",
        "attack window --budget 1/4 --isolation none",
        "structures --prior clusters,columns --tokens 64 --d 32",
        "var ranks tiny",
        "var sums var-d16",
        "trace inspect TRACE",
        "trace check TRACE",
        "trace play TRACE full-fp16 h2o@1/4 --isolation none",
        "structures --trace TRACE --layer 0 --head 0",
    ],
)
def test_every_number_can_be_read_back(command: str, trace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: at 60, 80, 100 and 160 columns each command prints all numbers and names of its tables, none of them cut."""
    tables: list[Fitted] = []

    class Kept(Console):
        """A console that keeps what it prints."""

        def print(self, *objects: Any, **_: Any) -> None:
            tables.extend(objects)

    monkeypatch.setattr(terminal, "console", lambda **_: Kept(file=io.StringIO()))
    with pytest.raises(SystemExit) as ended:
        app(command.replace("TRACE", str(trace)).split())
    assert ended.value.code in (0, 1, 3)
    assert tables
    for table in tables:
        assert isinstance(table, Fitted)
        for width in WIDTHS:
            assert not missing(table, printed(table, width)), (command, width)


@pytest.mark.parametrize(
    ("said", "width"), [("80", 80), ("9", 20), ("", 132), ("wide", 132), ("99999999999999", 10_000)]
)
def test_piped_output_is_as_wide_as_columns_says(said: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: $COLUMNS is heeded where there is no terminal, within limits; nonsense is not."""
    with monkeypatch.context() as environment:  # pytest's own reports are as wide as COLUMNS says
        environment.setenv("COLUMNS", said)
        found = terminal.width_without_terminal()
    assert found == width
