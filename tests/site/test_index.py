"""The site is whole: every page is reached from the first one, and every room has its page of the API."""

from __future__ import annotations

import re
from pathlib import Path

from lowerbound.report.site.build import ROOMS, module_place, modules_of, room_page
from tests.test_house import ORDER, SOURCES, module_of

DOCS = Path(__file__).parent.parent.parent / "docs"
INDEX = (DOCS / "index.md").read_text(encoding="utf-8")
ENTRIES = [line for tree in re.findall(r"```\{toctree\}\n(.*?)```", INDEX, re.DOTALL) for line in tree.split()]


def test_every_page_is_in_the_index() -> None:
    """Law: a page of docs is an entry of a table of contents in docs/index.md, or nobody finds it."""
    pages = {path.stem for path in DOCS.glob("*.md")} - {"index"}
    assert pages <= set(ENTRIES), pages - set(ENTRIES)


def test_every_room_and_every_module_is_in_the_api() -> None:
    """Law: the rooms are those of the house, and their pages have every module but those that only run."""
    assert list(ROOMS) == ORDER
    told = {module for room in ROOMS for module in modules_of(room)}
    expected = {module_of(path) for path in SOURCES} - {"lowerbound"}
    assert told == {module for module in expected if not module.endswith("__main__")}
    assert {f"generated/api/{room}" for room in ROOMS} <= set(ENTRIES)
    for room in ROOMS:
        page = room_page(room)
        assert all(f"({module_place(module).removeprefix('api/')}.md)" in page for module in modules_of(room))
