"""A sweep of foreign caches: one that ends its process ends its unit, and what lies beside it is not the workers'."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.adversary import unruly

Run = Callable[..., subprocess.CompletedProcess[str]]
SPEC = """name = "foreign"
kind = "attack"
caches = ["streaming", "unruly:Leaves", "window"]
budgets = ["1/4"]
time_limit_s = 10

[[sizes]]
schedule = "1x4 1x1"
d = 5
rule_of = "var-d16"
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_a_cache_that_leaves_ends_its_unit(run_command: Run, tmp_path: Path, workers: tuple[str, ...]) -> None:
    """Forgery: three units have outcomes, and a file that is named as a module of Python is run by parties at most.

    `python -m` itself would look for it here before the package can do anything, so the driver is the command's script.
    """
    (tmp_path / "unruly.py").write_text(Path(unruly.__file__).read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "axes.toml").write_text(SPEC, encoding="utf-8")
    mark = tmp_path / "mark"
    for name in ("gmpy2", "pickle", "threading"):
        (tmp_path / f"{name}.py").write_text(
            f"import sys\nif not sys.flags.isolated:\n    open({str(mark)!r}, 'w').close()\n", encoding="utf-8"
        )
    command = [str(Path(sys.executable).parent / "lowerbound"), "sweep", "axes.toml", "--store", "s.db", *workers]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False)
    assert ran.returncode == 0, ran
    assert "3 units: 0 found, 2 done, 1 refused, 0 failed, 0 killed" in ran.stdout
    assert not mark.exists()
    shown = run_command("results", "show", "s.db", environment={"PYTHONSAFEPATH": "1"}).stdout
    assert "CacheContractBroken: the cache must let its process reply, but it ended with status 0" in shown
