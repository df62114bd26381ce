"""Truth here: the page of caches tells of every cache there is, and its columns agree; forged rows refute the claim."""

from __future__ import annotations

import re
from typing import Any

import pytest

from experiments.published import PAGE, RELATIVES, exceptions, names_to_tell, page
from lowerbound.caches.registry import play
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import Reduction

ROW = re.compile(
    r"^\| `([^`]+)`( \((\d+)x(\d+)\))?(?: \(not a KV cache\))? "
    r"\| (\S+) \| ([\d,]+) \| (\S+) \| ([\d,]+) \| ([\d.]+) \| (\S+) \|"
)


def told_rows(text: str) -> list[dict[str, str]]:
    """The rows of all tables of a page."""
    names = ("cache", "stack", "layers", "heads", "budget", "bytes", "accounting", "floor", "error", "ratio")
    return [dict(zip(names, found.groups(), strict=True)) for line in text.splitlines() if (found := ROW.match(line))]


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_the_page_tells_of_every_cache() -> None:
    """Law: no cache of the registry and no adapter is missing from docs/caches.md; `make table` makes it anew."""
    told = {row["cache"] for row in told_rows(PAGE.read_text(encoding="utf-8"))}
    assert told == set(names_to_tell())


def test_the_columns_of_the_page_agree() -> None:
    """Law: x of the floor is bytes over floor, to the digits and whole bytes told, and no row lies under its floor."""
    for row in told_rows(PAGE.read_text(encoding="utf-8")):
        if row["ratio"] == "-":
            assert number(row["floor"]) == 0
            continue
        bytes_told, floor_told = number(row["bytes"]), number(row["floor"])
        assert bytes_told - 1 <= (number(row["ratio"]) + 0.005) * (floor_told + 0.5)
        assert bytes_told + 1 >= (number(row["ratio"]) - 0.005) * (floor_told - 0.5)
        assert number(row["ratio"]) >= 1 or row["cache"] == "recompute"


def test_the_expected_errors() -> None:
    """Known values: eviction to a quarter errs on 0.375 of the bits, two-bit quantisers on none, slots on a half."""
    rows = {(row["cache"], row["budget"]): float(row["error"]) for row in told_rows(PAGE.read_text(encoding="utf-8"))}
    for name in ("h2o", "snapkv", "tova", "subgen-centres", "kvpress:SnapKVPress", "kvpress:KnormPress", "hack"):
        assert rows[name, "1/4"] == pytest.approx(0.375, abs=0.015)
    for name in ("kivi", "uniform", "qjl", "transformers:QuantizedCache"):
        assert rows[name, "1/8"] == 0
    for name in ("abc-mlp", "abc-linformer", "fla:ABC"):
        assert rows[name, "1/8"] == pytest.approx(0.5, abs=0.015)


def test_relatives_exist() -> None:
    """Law: what stands side by side are caches of the registry."""
    assert {name for relatives in RELATIVES for name in relatives} <= set(names_to_tell())


def test_a_page_of_two_rows(small: Reduction) -> None:
    """Definition: a row tells its bytes, the method's own accounting, the floor and the error."""
    rows: list[dict[str, Any]] = [
        play(small, name, isolation=Isolation.NONE).to_json() for name in ("snapkv", "prefixkv", "random")
    ]
    one, stack, coin = told_rows(page(rows))[:3]
    assert (one["cache"], one["budget"], number(one["bytes"])) == ("snapkv", "1/2", rows[0]["state_bits"] / 8)
    assert number(one["accounting"]) == 4 * 16 * 10  # ten of 21 pairs
    assert (stack["layers"], stack["heads"]) == ("4", "2")
    assert (coin["accounting"], coin["ratio"]) == ("-", "-")


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({}, set()),
        ({"error": 0.1}, {"h2o@1/4"}),
        ({"error": 0.45}, {"h2o@1/4"}),
        ({"cache": "abc-mlp", "family": "recurrent", "error": 0.4}, {"abc-mlp@1/4"}),
        ({"cache": "abc-mlp", "family": "recurrent", "error": 0.5}, set()),
        ({"cache": "kivi", "family": "quantised", "error": 0.0}, set()),
    ],
)
def test_rows_that_speak_against_the_claim_are_named(change: dict[str, Any], wanted: set[str]) -> None:
    """Forgery: an evicting cache that errs less or more than its lost share, and a slot state that reads bits."""
    row = {"cache": "h2o", "budget": "1/4", "family": "eviction", "error": 0.375, "measured_ratio": 4.0}
    assert set(exceptions([{**row, **change}])) == wanted
