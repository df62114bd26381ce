"""Truth: the options of a place mean one place, in every command that takes them, and contradictions are refused."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from lowerbound.cli import COMMANDS
from lowerbound.cli.place import _OPTIONS, Place
from lowerbound.errors import InvalidArgument

TAKING = ("floor", "certify", "possible", "reduce", "play", "audit", "attack", "structures")


def test_every_command_about_a_head_takes_a_place() -> None:
    """Law: each of these commands has every option of a place."""
    taking = {command.name: command.function for command in COMMANDS if command.name in TAKING}
    assert set(taking) == set(TAKING)
    for name, command in taking.items():
        missing = set(_OPTIONS) - set(inspect.signature(command).parameters)
        assert not missing, (name, missing)


def test_a_head_of_ones_own() -> None:
    """Definition: T cached tokens in R^d, one own token unless told otherwise, and a stack that counts."""
    found: Any = Place(tokens=3000, d=96, heads=8, kv_heads=2, layers=4, branches=2).found()
    assert (found.geometry.n_tokens_cached, found.geometry.n_own, found.geometry.d) == (3000, 1, 96)
    assert found.n_streams == 4 * 2 * 2
    assert Place(tokens=10, d=4, own=7).found().geometry.n_own == 7


def test_a_model_keeps_its_meaning() -> None:
    """Law: without options the place is a model of the catalog; maps and dimension typed replace its own."""
    assert Place(model="var-d30").found().geometry.name == "var-d30"
    assert Place().found().geometry.name == "var-d16"
    assert Place(schedule="1x1 2x2 4x4", d=8).found().geometry.n_tokens_cached == 5


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tokens": 10}, "--tokens must be given with --d"),
        ({"own": 2}, "--own must be given with --tokens"),
        ({"kv_heads": 2, "d": 4}, "--kv-heads must be given with --tokens"),
        ({"tokens": 10, "d": 4, "model": "var-d16"}, "MODEL must be left out with --tokens, got 'var-d16'"),
        ({"tokens": 10, "d": 4, "schedule": "1x1 2x2"}, "--schedule must be left out with --tokens"),
        ({"tokens": 10, "d": 4, "context": 5}, "--context must be left out with --tokens"),
        ({"config": Path("x"), "d": 4}, "--d must be left out with --config"),
        ({"config": Path("no-such-file")}, "--config must name a file that can be read"),
        ({"model": "var-d16", "context": 100}, "--context must be left out with 'var-d16'"),
        ({"tokens": 10, "d": 4, "heads": 3, "kv_heads": 2}, "kv_heads must divide the 3 heads"),
        ({"model": "var-d17"}, "did you mean var-d16"),
    ],
)
def test_contradictions_are_refused(given: dict[str, Any], words: str) -> None:
    """Forgery: options of different kinds of places, and values out of range, get one sentence."""
    with pytest.raises(InvalidArgument) as told:
        Place(**given).found()
    assert words in str(told.value)


def test_a_configuration_is_a_place(tmp_path: Path) -> None:
    """Definition: --config with --context is the decoder at that length."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 64}), encoding="utf-8")
    found: Any = Place(config=file, context=100, branches=2).found()
    assert (found.geometry.n_tokens_cached, found.geometry.d, found.n_streams) == (100, 32, 8)
