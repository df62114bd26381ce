"""Where caches are found: the explicit table below, entry points of other packages, or package.module:Class.

One table, in reading order; nothing registers itself. A class is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from lowerbound.errors import InvalidArgument, unknown

if TYPE_CHECKING:
    from lowerbound.core.cache import Cache

CACHES: dict[str, str] = {
    "full": "lowerbound.caches.full:Full64",
    "full-fp32": "lowerbound.caches.full:Full32",
    "full-fp16": "lowerbound.caches.full:Full16",
    "random": "lowerbound.caches.silent:Silent",
    "window": "lowerbound.caches.window:TokenWindow",
    "window-scales": "lowerbound.caches.window:ScaleWindow",
    "uniform": "lowerbound.caches.uniform:UniformQuantiser",
    "h2o": "lowerbound.caches.h2o:H2O",
    "exact": "lowerbound.caches.coded:ExactSymbols",
    "majority": "lowerbound.caches.coded:Majority",
    "hamming": "lowerbound.caches.coded:Hamming",
    "golay": "lowerbound.caches.coded:Golay",
    "recompute": "lowerbound.caches.recompute:Recompute",
}

ENTRY_POINT_GROUP = "lowerbound.caches"


def known_caches() -> dict[str, str]:
    """Every name that needs no module path: this package's caches, then entry points of others."""
    found = {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}
    return {**found, **CACHES}


def find_cache(name: str) -> type[Cache]:
    """The cache class called `name`, or named by "package.module:Class".

    Contract: returns a concrete subclass of Cache, or raises UnknownName (no such name, with the nearest ones) or
    InvalidArgument (the module cannot be imported, or what it names is not a cache).
    """
    from lowerbound.core.cache import Cache

    known = known_caches()
    target = known.get(name, name)
    if ":" not in target:
        raise unknown("cache", name, known)
    module_name, _, class_name = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise InvalidArgument(
            f"cache {name!r} must name an importable module, got {type(error).__name__}: {error}"
        ) from error
    found = getattr(module, class_name, None)
    if found is None:
        raise unknown(f"class of module {module_name}", class_name, [n for n in dir(module) if n[0] != "_"])
    if not (isinstance(found, type) and issubclass(found, Cache)):
        raise InvalidArgument(
            f"cache {name!r} must name a subclass of lowerbound.Cache, got {type(found).__name__} {class_name}"
        )
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        raise InvalidArgument(f"cache {name!r} must define {', '.join(missing)}, and does not")
    return found
