"""The laws of the house: imports go one way, importing does nothing, one package ships, names say something."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import networkx as nx
import pytest

from lowerbound.caches.registry import CACHES
from lowerbound.certify.theorems import CITED, THEOREMS
from lowerbound.core.priors.table import PRIORS
from lowerbound.kernel.judge import RULES

ROOT = Path(__file__).parent.parent
ORDER = [
    "errors",
    "kernel",
    "core",
    "ceiling",
    "game",
    "caches",
    "adversary",
    "certify",
    "prove",
    "var",
    "foreign",
    "sweep",
    "report",
    "cli",
]
SOURCES = sorted((ROOT / "lowerbound").rglob("*.py"))
KERNEL = sorted((ROOT / "lowerbound" / "kernel").rglob("*.py"))
CHECKOUT = [path for folder in ("proofs", "experiments", "paper_figures") for path in (ROOT / folder).rglob("*.py")]


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def nodes_of(path: Path) -> tuple[ast.AST, ...]:
    """The syntax tree of a file, the module itself first, parsed once for all laws."""
    return tuple(ast.walk(ast.parse(read(path))))


def module_node(path: Path) -> ast.Module:
    """The module of a file."""
    node = nodes_of(path)[0]
    assert isinstance(node, ast.Module)
    return node


@cache
def strings_of(path: Path) -> frozenset[object]:
    """The constants of a file."""
    return frozenset(node.value for node in nodes_of(path) if isinstance(node, ast.Constant))


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            by_path = path == ROOT / "proofs" / "__init__.py"
            assert node.level == 0 or by_path, f"{path}: relative imports hide where things live"
            found.add(node.module or "")
    return frozenset(found)


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "lowerbound" and len(parts) > 1 else None


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


NAMES = {module_of(path) for path in SOURCES}


def test_imports_follow_the_order() -> None:
    """Law: a later room may import an earlier one, never the reverse; nothing imports the checkout's folders."""
    for path in SOURCES:
        here, imported = room_of(module_of(path)), imports_of(path)
        tops = {name.split(".")[0] for name in imported}
        assert not tops & {"proofs", "experiments", "paper_figures", "tests"}, path
        for there in {room_of(module) for module in imported} - {here}:
            if here in ORDER and there in ORDER:
                assert ORDER.index(there) < ORDER.index(here), f"{path}: {here} imports {there}"


def ties_in(nodes: Iterable[ast.AST]) -> set[str]:
    """The modules of the library that a text imports anywhere in it: at the top, in a function, for types alone."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & NAMES
        elif isinstance(node, ast.ImportFrom):
            members = {f"{node.module}.{alias.name}" for alias in node.names} & NAMES
            found |= members or {str(node.module)} & NAMES
    return found


def test_modules_form_no_cycle() -> None:
    """Law: no two modules import each other in any way, lazily or for types, directly or through others."""
    graph: nx.DiGraph[str] = nx.DiGraph(
        (module_of(path), other) for path in SOURCES for other in ties_in(nodes_of(path))
    )
    assert graph.number_of_edges() > len(SOURCES)
    assert nx.is_directed_acyclic_graph(graph), nx.find_cycle(graph)


def test_ties_are_seen_wherever_they_are() -> None:
    """Definition: the law above sees an import in a function, one for types, and that of a module from its package."""
    source = (
        "if TYPE_CHECKING:\n    from lowerbound.core.models import Model\n"
        "def late():\n    from lowerbound.certify import floors\n    import lowerbound.errors\n"
    )
    assert ties_in(ast.walk(ast.parse(source))) == {
        "lowerbound.core.models",
        "lowerbound.certify.floors",
        "lowerbound.errors",
    }


def test_only_report_imports_matplotlib() -> None:
    """Law: one place draws."""
    users = {module_of(path) for path in [*SOURCES, *CHECKOUT] if any("matplotlib" in m for m in imports_of(path))}
    assert users == {"lowerbound.report.figure"}


def test_no_float_literal_in_proofs() -> None:
    """Law: no float decides a proof."""
    for path in [*(ROOT / "proofs").rglob("*.py"), *(ROOT / "lowerbound" / "kernel").rglob("*.py")]:
        for node in nodes_of(path):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path


def test_the_kernel_stands_on_the_ground() -> None:
    """Law: every file of the kernel imports the standard library, flint, the errors and the kernel alone."""
    for path in KERNEL:
        for name in imports_of(path):
            top = name.split(".")[0]
            ours = name == "lowerbound.errors" or name.startswith("lowerbound.kernel")
            assert ours or top == "flint" or top in sys.stdlib_module_names, f"{path}: {name}"


def test_the_kernel_stays_small() -> None:
    """Law: all of the kernel is read in an evening; no rule is longer than a few screens, the judge itself than two."""
    lines = {path: len(read(path).splitlines()) for path in KERNEL}
    assert len(lines) >= 27
    assert sum(lines.values()) <= 3500, sum(lines.values())
    assert max(lines.values()) <= 180, max(lines, key=lines.__getitem__)
    assert sum(count for path, count in lines.items() if path.parent.name == "kernel") <= 600


def test_lower_rooms_name_no_cache() -> None:
    """Law: what caches are measured by knows none of them: no string of core, ceiling or game is a cache's name.

    Names of one word are words of the field too ("window", "golay"), so that only compound ones are looked for.
    """
    compound = {name for name in CACHES if not name.isalpha()} - PRIORS.keys()
    assert len(compound) > 20
    found = set()
    for path in SOURCES:
        if room_of(module_of(path)) in ("core", "ceiling", "game"):
            found |= {(module_of(path), name) for name in strings_of(path) & compound}
    assert not found


def test_a_theorem_is_registered_once() -> None:
    """Law: a theorem's lemmas are typed in its kernel rule, and its letter in no page, table, figure or command."""
    lemmas = {lemma for theorem in CITED for lemma in theorem.all_lemmas}
    letters = THEOREMS.keys() - {"A"}
    for path in SOURCES:
        strings = strings_of(path)
        if path.parent.name != "rules":
            assert not strings & {lemma for lemma in lemmas if "_" in lemma}, path
        if room_of(module_of(path)) in ("prove", "sweep"):
            assert not strings & letters, path
    for theorem in THEOREMS.values():
        assert theorem.rule in RULES
        assert callable(theorem.designer)


def test_one_class_one_name() -> None:
    """Law: no public class of the library has another's name; adapters are called as what they adapt."""
    homes: dict[str, list[str]] = {}
    for path in SOURCES:
        if "thirdparty" not in path.parts:
            for node in module_node(path).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    homes.setdefault(node.name, []).append(module_of(path))
    assert not {name: places for name, places in homes.items() if len(places) > 1}


def test_names_say_something() -> None:
    """Law: no module named utils, helpers or common; no pickle and no eval but where a party plays foreign code."""
    pickling, evaluating = set(), set()
    for path in [*SOURCES, *CHECKOUT]:
        assert not re.fullmatch(r"utils?|helpers?|common|misc", path.stem), path
        if "pickle" in imports_of(path):
            pickling.add(str(path.relative_to(ROOT)))
        calls = [node.func for node in nodes_of(path) if isinstance(node, ast.Call)]
        if any(isinstance(f, ast.Name) and f.id in ("eval", "exec") for f in calls):
            evaluating.add(str(path.relative_to(ROOT)))
    assert pickling == {"lowerbound/foreign/message.py"}
    assert evaluating == {"lowerbound/foreign/kinds/object.py"}


def test_public_things_have_docstrings() -> None:
    """Law: every module, and every public class and function of one, says what it is."""
    for path in [*SOURCES, *CHECKOUT]:
        tree = module_node(path)
        assert ast.get_docstring(tree), path
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"


def test_marks_stand_on_tests() -> None:
    """Law: a mark stands on a test; on what a test calls it says nothing, and the test beside it has lost it."""
    for path in (ROOT / "tests").rglob("*.py"):
        body = ast.parse(read(path)).body
        for node in [*body, *(inner for each in body if isinstance(each, ast.ClassDef) for inner in each.body)]:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.lower().startswith("test"):
                marks = [ast.unparse(mark) for mark in node.decorator_list]
                assert not [mark for mark in marks if mark.startswith("pytest.mark.")], f"{path}: {node.name}"


def test_importing_does_nothing() -> None:
    """Law: `import lowerbound` loads no third-party package and prints nothing."""
    program = "import sys; before = set(sys.modules); import lowerbound; print(sorted(set(sys.modules) - before))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = ast.literal_eval(result.stdout)
    assert {name.split(".")[0] for name in loaded} <= {"lowerbound", *sys.stdlib_module_names}


def test_every_exported_name_resolves() -> None:
    """Law: the flat namespace has no dead names."""
    import lowerbound

    assert set(lowerbound.__all__) == set(lowerbound._HOME_OF)
    for name in lowerbound.__all__:
        assert getattr(lowerbound, name) is not None
    with pytest.raises(AttributeError):
        lowerbound.nothing  # noqa: B018


@pytest.mark.slow
def test_the_wheel_holds_the_library_alone(tmp_path: Path) -> None:
    """Law: the wheel's only top-level name is lowerbound, with its type marker and its tables of models."""
    names = built(ROOT, tmp_path)
    assert {"lowerbound/py.typed", "lowerbound/core/models.csv", "lowerbound/core/language_models.csv"} <= set(names)
    assert not [name for name in names if name.endswith(".safetensors")]


@pytest.mark.slow
def test_weights_are_a_wheel_of_their_own(tmp_path: Path) -> None:
    """Law: the trained network's weights, which have a license of their own, are all of another wheel's one package."""
    names = built(ROOT / "digits", tmp_path)
    assert {name for name in names if ".dist-info" not in name} == {
        "lowerbound_digits/__init__.py",
        "lowerbound_digits/digits.safetensors",
    }


def built(project: Path, folder: Path) -> list[str]:
    """The names in the wheel of a project, whose only top-level name is that of its package."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(project)],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {top for name in names if not (top := name.split("/")[0]).endswith(".dist-info")}
    assert tops == {"lowerbound_digits" if project.name == "digits" else "lowerbound"}
    return names


def test_versions_agree() -> None:
    """Law: one version, in the project file, the package, the citation and the changelog."""
    from lowerbound import __version__

    for name, pattern in (
        ("pyproject.toml", rf'^version = "{__version__}"$'),
        ("CITATION.cff", rf"^version: {__version__}$"),
        ("README.md", rf"^  version = \{{{__version__}\}},$"),
        ("CHANGELOG.md", rf"^## {__version__} "),
    ):
        assert re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE), name
