"""The site's page of caches tells codes and controls from KV caches, as the terminal does."""

from __future__ import annotations

import re

import pytest

from lowerbound.caches.description import description
from lowerbound.caches.registry import known_caches
from lowerbound.report.site.catalogue import caches_page
from lowerbound.report.table import NO_KV_CACHE


@pytest.mark.slow
def test_what_is_no_kv_cache_is_marked() -> None:
    """Law: a row and the heading of its family bear the mark if and only if the cache says that it is no KV cache."""
    page = caches_page()
    marked = {name: bool(mark) for name, mark in re.findall(rf"^\| `([^`]+)`( \({NO_KV_CACHE}\))? \|", page, re.M)}
    told = {name: description(name) for name in known_caches()}
    assert marked == {name: not one["is_kv_cache"] for name, one in told.items()}
    assert set(marked.values()) == {True, False}
    headings = set(re.findall(r"^## (.+)$", page, re.M))
    assert headings == {one["family"] + ("" if one["is_kv_cache"] else f" ({NO_KV_CACHE})") for one in told.values()}
