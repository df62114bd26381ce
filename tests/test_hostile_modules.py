"""Where the judge and the parties find modules: what lies beside a cache is a party's, and never the judge's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from lowerbound.caches.description import template
from lowerbound.game.channel import Isolation, module_path, party_path_here
from tests.conftest import require

ROOT = Path(__file__).parent.parent
OPTIONAL = ("gmpy2", "gmpy", "cython", "uarray", "sksparse", "scikits", "charset_normalizer", "numexpr")
"""Modules that SymPy, SciPy and others try to import, and work without; none of them is a dependency."""
START = {
    "module": (sys.executable, "-m", "lowerbound"),
    "command": (str(Path(sys.executable).parent / "lowerbound"),),
}
HOSTILE = """import sys

if {everywhere} or not sys.flags.isolated:  # a party's interpreter is
    with open({mark!r}, "a", encoding="utf-8") as mark:
        mark.write(__name__ + "\\n")
raise ModuleNotFoundError(__name__)
"""
PROBE = """import sys, json

class Probe:
    def __init__(self):
        self.names = set()

    def find_spec(self, name, path=None, target=None):
        self.names.add(name.partition(".")[0] if path is None else "")

probe = Probe()
sys.meta_path.append(probe)
from lowerbound.cli import main

for words in json.loads(sys.argv[1]):
    sys.argv = ["lowerbound", *words]
    try:
        main()
    except SystemExit:
        pass
print("\\n" + json.dumps(sorted(probe.names - {""})))
"""
"""What commands look for and nobody finds: a finder that is asked last, and finds nothing."""
COMMANDS = (
    ("play", "mine:Mine", "--schedule", "1x4 1x1", "--d", "8"),
    ("attack", "mine:Mine", "-o", "w.json"),
    ("check", "w.json"),
    ("reduce",),
    ("floor",),
    ("trace", "record", "t.safetensors", "--force"),
    ("trace", "play", "t.safetensors", "mine:Mine"),
    ("trace", "compare", "t.safetensors", "mine:Mine"),
    ("var", "simulate", "--cache", "mine:Mine"),
    ("caches", "--describe", "mine:Mine"),
    ("verify", "--proofs", str(ROOT / "proofs"), "--lemma", "covering_codes"),
)
ISOLATED = ("play", "attack", "simulate", "trace play", "trace compare")


def run(words: Sequence[str], here: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process in this directory that finds no result of an earlier run, without PYTHONSAFEPATH unless it is given."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    kept["XDG_CACHE_HOME"] = tempfile.mkdtemp(dir=here.parent)
    return subprocess.run(
        words, cwd=here, env={**kept, **environment}, capture_output=True, text=True, timeout=250, check=False
    )


def lay_out(here: Path, names: Sequence[str], mark: Path, *, everywhere: bool = False) -> None:
    """A cache, and beside it hostile modules of these names, which tell that the judge, or anybody, imported them."""
    (here / "mine.py").write_text(template(), encoding="utf-8")
    for name in names:
        (here / f"{name}.py").write_text(HOSTILE.format(mark=str(mark), everywhere=everywhere), encoding="utf-8")


@pytest.mark.slow
def test_modules_beside_a_cache_are_not_the_judges(tmp_path: Path) -> None:
    """Forgery: what libraries try to import is not imported from the working directory, nor by parties of own caches.

    Non-vacuity: with the directory on PYTHONPATH, which is the user's own word, the same files are imported.
    """
    here, mark = tmp_path / "here", tmp_path / "mark"
    here.mkdir()
    lay_out(here, [*OPTIONAL, "sitecustomize", "usercustomize"], mark, everywhere=True)
    game = ("play", "full", "--schedule", "1x4 1x1", "--d", "8", "--isolation", "process-shared-files")
    found = run([*START["module"], *game], here)
    assert (found.returncode, found.stderr) == (0, "")
    assert not mark.exists()
    run([*START["module"], *COMMANDS[-1]], here, PYTHONPATH=str(here))
    assert {"gmpy2", "sitecustomize"} <= set(mark.read_text(encoding="utf-8").split())


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("start", "level", "safe"),
    [
        ("module", Isolation.PROCESS, ""),
        ("module", Isolation.SANDBOX, "1"),
        ("command", Isolation.SANDBOX, ""),
    ],
)
def test_no_command_imports_what_lies_beside_a_cache(tmp_path: Path, start: str, level: Isolation, safe: str) -> None:
    """Forgery: of all modules that any of these commands looks for and does not find, none is run by the judge."""
    require(level)
    here, mark = tmp_path / "here", tmp_path / "mark"
    here.mkdir()
    lay_out(here, [], mark)
    probed = run([sys.executable, "-P", "-c", PROBE, json.dumps(COMMANDS)], here)
    wanted = json.loads(probed.stdout.splitlines()[-1])
    assert {"gmpy2", "cython"} <= set(wanted)
    lay_out(here, [*wanted, *OPTIONAL], mark)
    for words in COMMANDS:
        takes = any(name in " ".join(words) for name in ISOLATED)
        told = [*words, *(("--isolation", str(level)) if takes else ())]
        found = run([*START[start], *told], here, PYTHONSAFEPATH=safe)
        assert found.returncode in (0, 1, 3), (words, found)
        assert not found.stderr, (words, found)
        assert not mark.exists(), (words, mark.read_text(encoding="utf-8"))


def test_parties_find_the_working_directory_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: a party's path is absolute and exists; that of a foreign class ends with the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/usr", "no/such/place", "/usr"])
    foreign = module_path(["lowerbound.caches.controls.full:Full64", "mine:Mine"])
    assert foreign == ["/usr", str(tmp_path)]
    for target in ("lowerbound.caches.controls.full:Full64", "exec:/bin/cat"):
        assert module_path([target]) == ["/usr"]
    before = list(sys.path)
    with party_path_here(foreign):
        assert sys.path == ["/usr", str(tmp_path)]
        sys.path.append("/of/a/cache")
    assert sys.path == before
    monkeypatch.setattr(sys, "path", ["", "/usr"])
    assert module_path(["mine:Mine"]) == [str(tmp_path), "/usr"]


@pytest.mark.slow
def test_without_isolation_a_cache_of_the_directory_is_found(tmp_path: Path) -> None:
    """Law: at `none`, and only for the time of a conversation, this process finds modules where a party would."""
    lay_out(tmp_path, [], tmp_path / "mark")
    script = (
        "import sys; from lowerbound import play, plan_reduction, Geometry, find_model, Isolation, ScaleSchedule\n"
        "own = list(sys.path)\n"
        "plan = plan_reduction(Geometry('small', ScaleSchedule.parse('1x4 1x1'), 8))\n"
        "print(play(plan, 'mine:Mine', isolation=Isolation.NONE).cache, sys.path == own)"
    )
    found = run([sys.executable, "-P", "-c", script], tmp_path)
    assert (found.stdout, found.stderr) == ("mine:Mine True\n", "")
