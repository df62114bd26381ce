"""The laws of the house: imports go one way, importing does nothing, one package ships, names say something."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import networkx as nx
import pytest

ROOT = Path(__file__).parent.parent
ORDER = [
    "errors",
    "kernel",
    "core",
    "ceiling",
    "game",
    "caches",
    "attack",
    "certify",
    "prove",
    "var",
    "sweep",
    "report",
    "cli",
]
SOURCES = sorted((ROOT / "lowerbound").rglob("*.py"))
CHECKOUT = [path for folder in ("proofs", "experiments", "paper_figures") for path in (ROOT / folder).rglob("*.py")]


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            by_path = path == ROOT / "proofs" / "__init__.py"
            assert node.level == 0 or by_path, f"{path}: relative imports hide where things live"
            found.add(node.module or "")
    return found


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "lowerbound" and len(parts) > 1 else None


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("path", SOURCES, ids=module_of)
def test_imports_follow_the_order(path: Path) -> None:
    """Law: a later room may import an earlier one, never the reverse; nothing imports the checkout's folders."""
    here = room_of(module_of(path))
    imported = imports_of(path)
    assert not any(name.split(".")[0] in ("proofs", "experiments", "paper_figures", "tests") for name in imported)
    for module in imported:
        there = room_of(module)
        if here in ORDER and there in ORDER and there != here:
            assert ORDER.index(there) < ORDER.index(here), f"{here} imports {there}"


def test_modules_form_no_cycle() -> None:
    """Law: the graph of imports at module level is acyclic."""
    graph: nx.DiGraph = nx.DiGraph()
    names = {module_of(path) for path in SOURCES}
    for path in SOURCES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module in names:
                graph.add_edge(module_of(path), node.module)
    assert nx.is_directed_acyclic_graph(graph), nx.find_cycle(graph)


def test_only_report_imports_matplotlib() -> None:
    """Law: one place draws."""
    users = {module_of(path) for path in [*SOURCES, *CHECKOUT] if any("matplotlib" in m for m in imports_of(path))}
    assert users == {"lowerbound.report.figure"}


def test_no_float_literal_in_proofs() -> None:
    """Law: no float decides a proof."""
    for path in [*(ROOT / "proofs").rglob("*.py"), *(ROOT / "lowerbound" / "kernel").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path


def test_the_kernel_stands_on_the_ground() -> None:
    """Law: the judge imports the standard library, flint and the errors; judge and format stay under 600 lines."""
    kernel = ROOT / "lowerbound" / "kernel"
    for path in kernel.glob("*.py"):
        for name in imports_of(path):
            top = name.split(".")[0]
            ours = name == "lowerbound.errors" or name.startswith("lowerbound.kernel")
            assert ours or top == "flint" or top in sys.stdlib_module_names, f"{path}: {name}"
    judge = [kernel / f"{name}.py" for name in ("judge", "codec", "verdict", "expression")]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in judge) < 600


def test_names_say_something() -> None:
    """Law: no module named utils, helpers or common; no pickle, no eval."""
    for path in [*SOURCES, *CHECKOUT]:
        assert not re.fullmatch(r"utils?|helpers?|common|misc", path.stem), path
        assert "pickle" not in imports_of(path), path
        calls = [n.func for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        assert not any(isinstance(f, ast.Name) and f.id in ("eval", "exec") for f in calls), path


def test_public_things_have_docstrings() -> None:
    """Law: every module, and every public class and function of one, says what it is."""
    for path in [*SOURCES, *CHECKOUT]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path}: {node.name}"


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


def test_the_wheel_holds_the_library_alone(tmp_path: Path) -> None:
    """Law: the wheel's only top-level name is lowerbound, with its type marker and its table of models."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"lowerbound"}
    assert {"lowerbound/py.typed", "lowerbound/core/models.csv"} <= set(names)


def test_versions_agree() -> None:
    """Law: one version, in the project file, the package, the citation and the changelog."""
    from lowerbound import __version__

    for name, pattern in (
        ("pyproject.toml", rf'^version = "{__version__}"$'),
        ("CITATION.cff", rf"^version: {__version__}$"),
        ("CHANGELOG.md", rf"^## {__version__} "),
    ):
        assert re.search(pattern, (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE), name
