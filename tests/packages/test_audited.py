"""Truth: the page of packages says what audits of the installed packages find now, and is made of its numbers."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from experiments.audits import KEPT, PAGE, audited, called, is_wonder, kept, page, verdict
from experiments.packages import packages

ROWS: dict[str, dict[str, Any]] = json.loads(KEPT.read_text(encoding="utf-8"))
AUDITED = (
    *("tiny-turboquant", "polarquant", "quantcore-ai", "kakeyalattice", "nexusquant-kv", "adaptivekv"),
    *("flashcodec-kv", "spectral-kv", "kvcodec"),
)
SAME = 0.02
"""Sizes that depend on the data, and floats on the machine, may differ a little; a changed package does so by more."""


def test_the_page_is_made_of_its_numbers() -> None:
    """Law: docs/packages.md is what docs/packages.json says, for every package of the list."""
    assert list(ROWS) == [called(package) for package in packages()]
    assert PAGE.read_text(encoding="utf-8") == page(ROWS)


def test_no_package_is_under_the_floor() -> None:
    """Law: what misreads nothing on the grid of eta sends at least the machine-checked floor; a forged row is seen."""
    assert verdict(ROWS) == "supported"
    row = next(row for row in ROWS.values() if row["keys_error"] is not None)
    forged = {**row, "error": 0.0, "keys_error": 0.0, "sent_ratio": 10.0, "packed_ratio": 10.0}
    assert is_wonder(forged)
    assert verdict({**ROWS, "forged": forged}) == "refuted"


def test_most_packages_are_played() -> None:
    """Definition: a row is refused with a reason, or has the bytes and the errors of games."""
    played = [row for row in ROWS.values() if row["verdict"] != "refused"]
    assert len(played) >= 16
    assert all(row["held_bytes"] and row["sent_bytes"] and row["error"] is not None for row in played)
    assert all(row["reasons"] for row in ROWS.values() if row["verdict"] != "keeps")


@pytest.mark.packages
@pytest.mark.timeout(600)
@pytest.mark.skipif(
    "AUDIT_PACKAGES" not in os.environ, reason="`make packages` installs what is audited, and audits it"
)
@pytest.mark.parametrize("name", AUDITED)
def test_an_audit_now_finds_what_the_page_says(name: str) -> None:
    """Differential: the installed package, audited again on the same tokens, holds, sends and misreads the same."""
    package = next(each for each in packages() if each.name == name)
    found, known = kept(audited(package, attack_s=0)), ROWS[called(package)]
    for ratio in ("held_ratio", "sent_ratio"):
        assert found[ratio] == pytest.approx(known[ratio], rel=SAME), found["reasons"]
    for share in ("error", "keys_error"):
        assert found[share] == pytest.approx(known[share], abs=SAME), found["reasons"]
