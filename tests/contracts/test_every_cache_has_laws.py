"""Truth here: the laws of caches leave nobody out, and nobody says of a law that does not exist that it is not his."""

from __future__ import annotations

import importlib
from pathlib import Path

from lowerbound.caches.registry import CACHES, find_cache
from lowerbound.core.cache import Cache
from lowerbound.core.layered import LayeredCache
from tests.contracts.laws import CacheLaws

FILES = sorted((Path(__file__).parent.parent / "caches").glob("test_*.py"))


def suites() -> list[type[CacheLaws]]:
    """The classes of laws that pytest collects in tests/caches."""
    modules = [importlib.import_module(f"tests.caches.{path.stem}") for path in FILES]
    found = [thing for module in modules for name, thing in vars(module).items() if name.startswith("Test")]
    return [thing for thing in found if isinstance(thing, type) and issubclass(thing, CacheLaws)]


def laws_of(suite: type) -> set[str]:
    return {name for name in dir(suite) if name.startswith("test_")}


def test_every_registered_cache_has_one_suite() -> None:
    """Law: one class of laws for each cache; a cache of several layers obeys them in the guise of one head."""
    for name in CACHES:
        cache_class = find_cache(name)
        assert issubclass(cache_class, Cache | LayeredCache)
        found = [suite.__name__ for suite in suites() if getattr(suite.cache, "layered", suite.cache) is cache_class]
        assert found == [f"Test{cache_class.__name__}"]


def test_exceptions_have_names_and_reasons() -> None:
    """Law: what is not applicable is a law, with a reason; no suite replaces a law by another."""
    for suite in suites():
        assert set(suite.not_applicable) <= laws_of(CacheLaws)
        assert all(" " in reason for reason in suite.not_applicable.values())
        assert all(getattr(suite, law) is getattr(CacheLaws, law) for law in laws_of(CacheLaws))
