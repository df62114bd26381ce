"""Tables of results, which experiments write and figures, pages and readers use."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from lowerbound import __version__

Outcome = Literal["supported", "refuted", "undecided"]
RESULTS = Path("results")


def save(name: str, spec: dict[str, Any], rows: Sequence[dict[str, Any]], outcome: Outcome, sentence: str) -> Outcome:
    """Write results/NAME.json and print the sentence in which the experiment ends."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    table = {
        "provenance": {"spec": spec, "version": __version__, "python": platform.python_version()},
        "outcome": outcome,
        "sentence": sentence,
        "rows": list(rows),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    print(f"{name}: {outcome}: {sentence}")
    return outcome


def load(name: str) -> dict[str, Any]:
    """The table of an experiment; FileNotFoundError where it has not been run."""
    table: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return table
