"""The derived parts of the site: pages written into docs/generated before Sphinx reads, and a file beside its output.

docs/conf.py calls these functions; nothing that they write is committed.
"""

from __future__ import annotations

import ast
import json
import pkgutil
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from typing import Any

import lowerbound
from lowerbound.report.site import catalogue, explorer, proof_page, theorem_page

ROOMS = {
    "errors": "One family of errors",
    "kernel": "The judge of certificates",
    "core": "Mathematics",
    "ceiling": "What is achieved, with a proved error",
    "game": "The communication game",
    "caches": "Caches",
    "adversary": "The adversary",
    "certify": "Certificates",
    "prove": "The engine of the proof book",
    "var": "The pipeline of VAR",
    "foreign": "Audits of foreign caches",
    "sweep": "Sweeps",
    "report": "Tables, figures and this site",
    "cli": "The command line",
}
"""The rooms of the library, each with its purpose; a room may import those before it."""


def explorer_data(docs: Path) -> dict[str, Any]:
    """The committed numbers of the explorer."""
    data: dict[str, Any] = json.loads((docs / "explorer.json").read_text(encoding="utf-8"))
    return data


def write_sources(docs: Path, proofs: Path) -> None:
    """The pages that Sphinx then reads: the proof, its files, caches, models, and one page of the API for each room."""
    found = proof_page.verified(proofs)
    pages = {
        "proof": proof_page.page(found),
        "theorems": theorem_page.page(found),
        "cache_catalogue": catalogue.caches_page(),
        "models": catalogue.models_page(explorer_data(docs)["floors"]),
        **{f"{proof_page.SOURCES}/{name}": text for name, text in proof_page.source_pages(found.book).items()},
        **{f"api/{room}": room_page(room) for room in ROOMS},
        **{module_place(module): module_page(module) for room in ROOMS for module in modules_of(room)},
    }
    place = docs / "generated"
    for old in place.rglob("*.md"):
        if str(old.relative_to(place).with_suffix("")) not in pages:
            old.unlink()
    for name, text in pages.items():
        path = place / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:  # Sphinx reads again what is newer
            path.write_text(text, encoding="utf-8")


def write_beside(docs: Path, site: Path) -> None:
    """Write the explorer beside the pages of Sphinx, as a page of its own."""
    (site / "explorer.html").write_text(explorer.page(explorer_data(docs)), encoding="utf-8")


def modules_of(room: str) -> list[str]:
    """Every module of a room, its package first; modules that only run are left out."""
    names = [found.name for found in pkgutil.walk_packages(lowerbound.__path__, "lowerbound.")]
    here = f"lowerbound.{room}"
    return [n for n in names if (n == here or n.startswith(f"{here}.")) and not n.endswith(".__main__")]


def module_place(module: str) -> str:
    """The page of a module under docs/generated; that of lowerbound.core.bits is api/modules/core.bits."""
    return f"api/modules/{module.removeprefix('lowerbound.')}"


def room_page(room: str) -> str:
    """The API page of a room: each of its modules, with a link to its own page, and what it is in a sentence."""
    lines = [f"# lowerbound.{room}", "", f"{ROOMS[room]}.", "", "| module | what it is |", "|---|---|"]
    for module in modules_of(room):
        told = (getdoc(import_module(module)) or "").split("\n\n")[0]
        words = proof_page.literal(" ".join(told.split())).replace("|", r"\|")
        place = module_place(module).removeprefix("api/")
        lines.append(f"| [{module.removeprefix('lowerbound.')}]({place}.md) | {words} |")
    return "\n".join([*lines, ""])


def module_page(module: str) -> str:
    """The API page of a module: its public members, from their docstrings."""
    return "\n".join(
        [
            *("---", "orphan: true", "---", "", f"# {module}", ""),
            *("```{eval-rst}", f".. automodule:: {module}", "   :members:", "```", ""),
        ]
    )


def type_aliases() -> dict[str, str]:
    """Names of types that signatures keep as they are written: the library's own aliases, and NumPy's ArrayLike."""
    aliases = {"ArrayLike": "ArrayLike"}
    for path in Path(lowerbound.__path__[0]).rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp | ast.Subscript):
                named = [target.id for target in node.targets if isinstance(target, ast.Name)]
                aliases |= {name: name for name in named if name[0].isupper() and not name.isupper()}
    return aliases
