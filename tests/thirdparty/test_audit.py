"""Truth: an audit of foreign code in processes of its own comes to the right word, and the judge reads no message."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lowerbound.core.geometry import Geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.foreign import message
from lowerbound.foreign.audit import audit
from lowerbound.foreign.outcome import Audit
from lowerbound.game.channel import Isolation
from tests.thirdparty.playing import MARKS, MISSING

pytest.importorskip("torch", reason=MISSING)
pytestmark = MARKS

HEAD = Geometry("small", ScaleSchedule(((1, 4), (2, 8), (4, 8), (4, 16))), 16)
ROOT = Path(__file__).parent.parent.parent
LIARS = "transformers:tests.thirdparty.liars"


def audited(target: str, **more: Any) -> Audit:
    """The audit of a target on a small head, without attacks, which have tests of their own."""
    terms: dict[str, Any] = {"model": HEAD, "instances": PrivateSeed.parse("3"), "attack_s": 0.0, "eta": "0.05"}
    return audit(target, **{**terms, "isolation": Isolation.PROCESS, **more})


@pytest.mark.slow
def test_an_honest_object_keeps_its_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: rows in float16 hold a ratio of 1 and misread nothing; no message is read in this process."""
    monkeypatch.setattr(message, "_Reader", None)
    found = audited(f"{LIARS}:Honest", claim="1", attack_s=1.0)
    assert (str(found.verdict), found.error, found.keys_error) == ("keeps", 0.0, 0.0)
    told = found.to_json()
    assert told["held_bytes"] >= told["sent_bytes"] >= told["proved"]["machine_checked_floor"]["bits"] * 4 / 8
    assert 0.99 < told["held_ratio"] <= 1
    assert told["pictures"]["agreement"] > 0.98
    assert told["pictures"]["trace_error_worst"] < 1e-3


@pytest.mark.slow
def test_originals_beside_codes_are_a_misstatement() -> None:
    """Forgery: what calls itself four times smaller and keeps the originals holds two thirds, and answers exactly."""
    found = audited(f"{LIARS}:KeepsOriginals")
    assert str(found.verdict) == "misstates"
    assert found.reasons[0].startswith("its own meter says 4.00x, holds 0.6")
    assert "original rows are kept in `backup.rows[*]`" in found.reasons[0]
    assert found.error == 0


@pytest.mark.slow
def test_memory_that_python_does_not_see_is_named() -> None:
    """Forgery: rows behind an address are held by nobody's count; another process misreads half, and that is said."""
    found = audited(f"{LIARS}:MemoryState", claim="2")
    assert str(found.verdict) == "misreads"
    assert found.error is not None
    assert found.error > 0.3
    assert "it keeps state where no message carries it" in found.reasons[0]


@pytest.mark.slow
def test_what_refuses_a_dimension_is_asked_another() -> None:
    """Definition: the audit names the dimension at which it was played, and tells the refusal."""
    found = audited("transformers:tests.thirdparty.liars:OnlyWide")
    assert found.geometry.d == 64
    assert any("at 52 tokens of R^16" in reason for reason in found.reasons)


@pytest.mark.slow
def test_the_command_line_says_it_all(tmp_path: Path) -> None:
    """Definition: exit code, page, badge and JSON of one command, from a directory with the cache's module."""
    (tmp_path / "mine.py").write_text("from tests.thirdparty.liars import Codes as Mine\n", encoding="utf-8")
    command = ["audit", "transformers:mine:Mine", "--claim", "2", "--schedule", "1x4 2x8 4x8 4x16", "--d", "16"]
    files = ["--html", "a.html", "--badge", "a.svg", "-o", "w.json", "--json", "--isolation", "process-shared-files"]
    told = subprocess.run(
        [sys.executable, "-m", "lowerbound", *command, *files, "--attack-time", "2"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(told.stdout)
    assert (told.returncode, found["verdict"]) == (1, "breaks")
    assert found["witness"]["file"] == "w.json"
    assert (tmp_path / "w.json").stat().st_size > 100
    assert "<svg" in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "misstates" not in (tmp_path / "a.html").read_text(encoding="utf-8").partition("<h2>")[0]
