"""Definitions and forgeries of transcripts: what was played is written down, checked, and cannot be improved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lowerbound.caches.registry import target_of
from lowerbound.certify.check import check
from lowerbound.certify.transcript import spelt, transcript
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender, duel
from lowerbound.game.reduction import Reduction
from lowerbound.kernel.codec import digest
from lowerbound.kernel.document import write_document
from lowerbound.kernel.verdict import Outcome
from tests.test_cli import Run


@pytest.mark.parametrize(
    ("name", "budget"), [("full-fp16", None), ("window", "1/4"), ("golay", None), ("random", None)]
)
def test_a_game_is_written_down(small: Reduction, name: str, budget: str | None) -> None:
    """Differential: the transcript has the bits and errors of the duel, and the kernel verifies it."""
    entry = Contender(target_of(name), budget, name)
    played, document = transcript(small, entry, isolation=Isolation.NONE)
    row = duel(small, target_of(name), label=name, budget=budget, isolation=Isolation.NONE)
    checked = check(document)
    assert checked.verdict.outcome is Outcome.VERIFIED, checked.verdict.reason
    assert checked.claim["message_bits"] == row.state_bits == played.row.state_bits
    assert (
        sum(part["errors"] for part in checked.claim["parts"])
        == row.errors
        == int((played.asked != played.answered).sum())
    )
    assert checked.claim["floor_bits"] == int(row.floor_bits)


def test_a_better_answer_is_another_game(small: Reduction) -> None:
    """Forgery: one answer corrected, or fewer bits claimed, signed and sealed anew."""
    _, document = transcript(small, Contender(target_of("window"), "1/4", "window"), isolation=Isolation.NONE)
    sealed = json.loads(document)
    statement, certificate = sealed["statement"], sealed["certificate"]
    corrected = {**certificate, "payload": {**certificate["payload"], "answered": certificate["payload"]["asked"]}}
    assert "wrong in 0 places" in check(write_document(statement, corrected)).verdict.reason
    shorter = {**statement, "claim": {**statement["claim"], "message_bits": 64}}
    signed = {**certificate, "proves": digest(shorter)}
    assert check(write_document(shorter, signed)).verdict.outcome is Outcome.REJECTED


def test_symbols_are_spelt_in_their_bits() -> None:
    """Definition: row by row, the width of the largest symbol, zeros at the end."""
    assert spelt(np.array([[1, 0], [1, 1]]), 2) == "b"
    assert spelt(np.array([[2], [0], [1]]), 3) == "84"
    assert spelt(np.array([[9]]), 10) == "9"
    assert spelt(np.array([[16]]), 17) == "80"


def test_the_command(run_command: Run, tmp_path: Path) -> None:
    """Definition: play --transcript writes what check verifies; several caches are refused."""
    path = str(tmp_path / "t.json")
    where = ("--schedule", "1x1 2x2 4x4", "--d", "16", "--isolation", "none")
    assert run_command("play", "h2o", "--budget", "1/2", *where, "--transcript", path).returncode == 0
    assert run_command("check", path).stdout.splitlines()[-1] == "VERIFIED"
    refused = run_command("play", "h2o", "full", *where, "--transcript", path)
    assert refused.returncode == 2
    assert "one cache, one budget and one trial" in refused.stderr
