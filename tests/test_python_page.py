"""Truth: the page on Python is runnable as it stands, and knows every public name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lowerbound

PAGE = (Path(__file__).parent.parent / "docs" / "python.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_page_runs() -> None:
    """Law: its blocks run one after the other in an empty namespace, and their assertions hold."""
    names: dict[str, object] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) >= 2
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)  # noqa: S102 - the page's own code


def test_no_public_name_is_missing() -> None:
    """Law: the page names whatever the command line has, and `dir` lists what the package offers."""
    commands = {"floor", "possible", "play", "attack", "audit", "check", "keys_for", "rows_to_frame"}
    assert commands <= set(lowerbound.__all__)
    assert all(f"`{name}(" in PAGE for name in commands)
    assert set(dir(lowerbound)) == {*lowerbound.__all__, "__version__"}


def test_rows_become_flat_tables() -> None:
    """Definition: nested objects are joined by dots, mappings are taken as they are, and lists stay."""
    rows: list[dict[str, object]] = [{"a": {"b": 1, "c": {"d": [2, 3]}}, "e": {}}, {"e": "x"}]
    assert lowerbound.rows_to_frame(rows) == [{"a.b": 1, "a.c.d": [2, 3], "e": {}}, {"e": "x"}]
