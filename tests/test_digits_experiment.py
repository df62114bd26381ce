"""The experiment that trains `digits`: its released log supports its claim, others would not, and it needs torch."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import pytest

from experiments import digits
from lowerbound.core.tensors import open_tensors

LOG = json.loads((Path(__file__).parent.parent / "experiments" / "digits.json").read_text(encoding="utf-8"))


def test_the_released_log() -> None:
    """Law: the released log supports the claim in the sentence that it tells, with the recipe of the weights."""
    assert digits.verdict(LOG["rows"]) == (LOG["outcome"], LOG["sentence"]) == ("supported", LOG["sentence"])
    assert LOG["provenance"]["spec"] == digits.SPEC
    metadata = open_tensors(digits.RELEASED, "weights").metadata
    assert json.loads(metadata["recipe"]) == digits.SPEC
    assert metadata["licence"] == digits.LICENCE
    steps = sum(plan["steps"] for plan in digits.SPEC["var"])
    kinds = [row["stage"] for row in LOG["rows"]]
    assert kinds.count("var") == steps // digits.SPEC["logged_every"]
    assert kinds.count("heads") == 1 + steps // digits.SPEC["heads_every"]


@pytest.mark.parametrize("key", ["held_out_nats", "held_out_mse", "addressable", "multipliers"])
def test_what_would_refute(key: str) -> None:
    """Metamorphic: a larger loss, pictures that are missed, or heads that do not change refute the claim."""
    rows = copy.deepcopy(LOG["rows"])
    last = [row for row in rows if row["stage"] == "heads"][-1]
    if key == "held_out_nats":
        last[key] = digits.MOST_NATS
    elif key == "held_out_mse":
        rows[-1][key][-1] = rows[-1]["variance"] * digits.MOST_MISSED
    else:
        for layer, before in zip(last["layers"], next(r for r in rows if r["stage"] == "heads")["layers"], strict=True):
            layer[key] = before[key]
    assert digits.verdict(rows)[0] == "refuted"


def test_training_needs_torch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Law: where torch or the images are missing the outcome is undecided, with the reason."""
    monkeypatch.setitem(sys.modules, "experiments.digits_training", None)
    assert digits.run() == "undecided"
    assert "docs/weights.md says what training needs" in capsys.readouterr().out
