"""docs/architecture.md tells the house as it stands: its rooms, its order, and which files an addition touches."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from lowerbound.adversary.search import CONTROL
from lowerbound.caches.registry import ADAPTERS, CACHES
from lowerbound.certify.theorems import THEOREMS
from lowerbound.cli import COMMANDS
from lowerbound.core.priors.table import PRIORS
from lowerbound.kernel.judge import RULES
from tests.test_house import ORDER, SOURCES, read

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TREE = PAGE.split("```text\n")[1].split("```")[0]


def rooms() -> list[tuple[int, str]]:
    """(indentation, name) of each line of the page's tree that names a file or folder."""
    lines = [re.match(r"( *)([\w.]+/?)(?= |$)", line) for line in TREE.splitlines()]
    return [(len(found[1]), found[2]) for found in lines if found]


def test_the_tree_names_every_room() -> None:
    """Law: the page's tree has each folder of the library, in the order in which they may import each other."""
    top = [name.removesuffix("/").removesuffix(".py") for indent, name in rooms() if indent == 2]
    assert top == ORDER
    told: set[str] = set()
    room = ""
    for indent, name in rooms():
        room = name if indent == 2 else room
        told |= {room + name} if indent == 4 else set()
    inner = {
        f"{path.parent.parent.name}/{path.parent.name}/"
        for path in (ROOT / "lowerbound").glob("*/*/__init__.py")
        if path.parent.name != "__pycache__"
    }
    assert told == inner


def test_the_tree_names_what_is_there() -> None:
    """Law: every name of the tree is a file or folder of the checkout."""
    place = [ROOT]
    for indent, name in rooms():
        depth = indent // 2
        place = [*place[: depth + 1], place[depth] / name]
        assert place[-1].exists(), place[-1]


def test_paths_of_the_page_exist() -> None:
    """Law: every path that the page names leads somewhere, its placeholders apart."""
    paths = re.findall(r"`((?:lowerbound|tests|proofs|experiments|paper_figures)/[\w/.]*)`", PAGE)
    assert len(paths) > 10
    for path in paths:
        assert (ROOT / path).exists() or "NAME" in path or "FAMILY" in path, path


source = cache(read)
"""The text of a file, read once."""


def files_with(text: str) -> set[str]:
    """The files of the library in which this string literal stands."""
    return {str(path.relative_to(ROOT)) for path in SOURCES if f'"{text}"' in source(path)}


def test_a_cache_is_one_file_and_one_line() -> None:
    """Law: a cache has one line in the registry; only what plays, proves or draws that very cache names it again."""
    registry = read(ROOT / "lowerbound/caches/registry.py").splitlines()
    for name, target in CACHES.items():
        assert registry.count(f'    "{name}": "{target}",') == 1
        if not name.isalpha():
            rooms_of_users = {path.split("/")[1] for path in files_with(name)}
            own = {room for room, has in (("core", name in PRIORS), ("adversary", name == CONTROL)) if has}
            assert rooms_of_users <= {"caches", "report", "cli", "var", *own}, name


def test_a_theorem_is_four_files() -> None:
    """Law: the kind of a theorem's certificate is named in the judge and in the table of theorems, and nowhere else."""
    kinds = {theorem.rule for theorem in THEOREMS.values()}
    assert kinds <= RULES.keys()
    for kind in kinds:
        assert files_with(kind) == {"lowerbound/kernel/judge.py", "lowerbound/certify/theorems.py"}, kind


def test_a_command_is_two_files() -> None:
    """Law: a command is a function of one file of cli, which nobody imports but a neighbour."""
    for command in COMMANDS:
        home = command.function.__module__
        assert home.startswith("lowerbound.cli."), command.name
        users = {path.parent.name for path in SOURCES if f"from {home} import" in source(path)}
        assert users <= {"cli"}, command.name


def test_adapters_name_their_modules() -> None:
    """Law: third-party adapters are found by the table of the registry alone."""
    for library in ADAPTERS.values():
        for module in library.modules:
            assert (ROOT / "lowerbound/caches/thirdparty" / f"{module.replace('.', '/')}.py").is_file()
