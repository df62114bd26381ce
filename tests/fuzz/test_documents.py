"""Law: a hundred thousand guided mutations of documents end in no crash, no hang and no acceptance of another."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


RUNS = 100_000


@pytest.mark.long
@pytest.mark.timeout(600)
def test_documents_are_fuzzed() -> None:
    """Forgery: a short run of the fuzzer from a fixed seed; `make fuzz` runs it for as long as one likes."""
    if find_spec("atheris") is None:
        assert "CI" not in os.environ, "CI must have atheris: pip install -e '.[fuzz]'"
        pytest.skip("needs atheris: `make fuzz` installs it, and runs the fuzzer")
    limits = [f"-runs={RUNS}", "-seed=1", "-timeout=3", "-max_total_time=500"]
    # libFuzzer limits the peak of its memory, and Linux hands a peak on through exec: only a shell's child begins anew.
    command = ["sh", "-c", '"$@"; exit "$?"', "sh", sys.executable, "-m", "tests.fuzz.documents", *limits]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=560, check=False)
    assert told.returncode == 0, told.stderr[-2000:]
    assert f"Done {RUNS} runs" in told.stderr
    print(f"{RUNS} documents, no crash, no hang, no acceptance")
