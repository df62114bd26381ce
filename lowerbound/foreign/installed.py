"""What installed packages offer: classes and functions that make a KV cache, found by their shape."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from lowerbound.foreign.defendant import Defendant

LIBRARIES = ("torch", "transformers", "kvpress", "lowerbound", "accelerate", "optimum", "hqq", "fla", "peft", "triton")
"""Packages that are no third party's cache: the libraries themselves, and this package."""
_BASES = ("Cache", "DynamicCache", "StaticCache", "QuantizedCache", "CacheLayerMixin", "DynamicLayer")
_PRESSES = ("BasePress", "ScorerPress")
LARGEST_FILE_BYTES = 2**20
MOST_FILES = 2000


def offered() -> tuple[list[Defendant], dict[str, str]]:
    """The targets of all installed packages whose classes derive from a cache or a press, and what was passed over.

    Contract: packages are read, not imported: a class counts whose source names a base of transformers or kvpress.
    """
    found: list[Defendant] = []
    skipped: dict[str, str] = {}
    for package, names in sorted(metadata.packages_distributions().items()):
        if package in LIBRARIES or not package.isidentifier():
            continue
        users = [name for name in names if _uses_cache_library(name)]
        spec = importlib.util.find_spec(package) if users else None
        if spec is None or not spec.submodule_search_locations:
            continue
        own = list(_classes_in(Path(next(iter(spec.submodule_search_locations))), package))
        found += own
        if not own:
            skipped[package] = "no class derives from a cache of transformers or a press of kvpress"
    return found, skipped


def _uses_cache_library(distribution: str) -> bool:
    """Whether a distribution asks for torch, transformers or kvpress."""
    asked = metadata.requires(distribution) or []
    return any(each.lower().startswith(("torch", "transformers", "kvpress")) for each in asked)


def _classes_in(folder: Path, package: str) -> Iterator[Defendant]:
    for number, path in enumerate(sorted(folder.rglob("*.py"))):
        if number >= MOST_FILES or path.stat().st_size > LARGEST_FILE_BYTES:
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8", errors="replace"))
        except (SyntaxError, ValueError, RecursionError):
            continue
        parts = path.relative_to(folder).with_suffix("").parts
        module = ".".join([package, *(part for part in parts if part != "__init__")])
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name[0] != "_":
                bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
                if bases & set(_BASES):
                    yield Defendant("transformers", module, node.name)
                elif bases & set(_PRESSES):
                    yield Defendant("kvpress", module, node.name)
