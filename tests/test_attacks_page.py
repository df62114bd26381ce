"""Truth here: the page of attacks tells of every cache and both promises, and forged rows refute the claim."""

from __future__ import annotations

import re
from typing import Any

import pytest

from experiments.attacks import FORGETFUL, PAGE, PROMISES, UNBROKEN, exceptions, page
from lowerbound.caches.registry import CACHES, find_cache

ROW = re.compile(r"^\| `([^`]+)`(?: \(not a KV cache\))? \| (\S+) \| ([^|]+) \| (\S+) \| ([^|]+) \|", re.MULTILINE)


def sections() -> list[list[tuple[str, ...]]]:
    """The rows under each promise."""
    return [ROW.findall(part) for part in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]]


def test_the_page_tells_of_every_cache() -> None:
    """Law: no cache of the registry is missing under either promise; `python -m experiments attacks` makes it anew."""
    assert len(sections()) == len(PROMISES)
    for rows in sections():
        told = [row[0] for row in rows]
        assert len(set(told)) == len(told)
        assert set(CACHES) <= set(told)
        assert all(find_cache(row[0]).family == row[1] for row in rows if row[0] in CACHES)


def test_what_breaks_and_what_does_not() -> None:
    """Known value: float64, float32, exact symbols and ids break neither promise; StreamingLLM both, on five tokens."""
    for rows in sections():
        by = {row[0]: row[2].strip() for row in rows}
        tokens = {row[0]: row[3] for row in rows}
        assert all(by[name] == "*not broken*" for name in UNBROKEN)
        assert by["random"] != "*not broken*"
        assert (by["streaming"], tokens["streaming"]) == ("gap", "5")


def row(**changes: Any) -> dict[str, Any]:
    """A broken promise of an evicting cache."""
    told = {"cache": "h2o", "family": "eviction", "guarantee": "relative", "eta": "1/100", "verdict": "broken"}
    found = {"attack": "gap", "tokens": 5, "place": "1x4 1x1 in R^1", "answer": 0.0, "exact": 0.2}
    measured = {"error_over_eta": 100.0, "seconds": 0.01, "bytes": 687, "rerun": "VERIFIED", "asked": 2}
    return {**told, **found, **measured, **changes}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"verdict": "not broken"}, "not broken"),
        ({"tokens": 13}, "13 tokens"),
        ({"seconds": 1.5}, "1.50 s"),
        ({"rerun": "REJECTED"}, "REJECTED"),
        ({"cache": "full", "family": "full"}, "broken by gap"),
        ({"cache": "guaranteed-z", "family": "guaranteed", "guarantee": "additive"}, "broken by gap"),
        ({"verdict": "failed", "reason": "no thanks"}, "no thanks"),
    ],
)
def test_rows_that_refute(changes: dict[str, Any], word: str) -> None:
    """Forgery: each way in which a row speaks against the claim is found."""
    assert not exceptions([row()])
    (reason,) = exceptions([row(**changes)]).values()
    assert word in reason


def test_the_claim_speaks_of_families() -> None:
    """Law: whatever is claimed of families that forget, some cache of each is in the registry."""
    assert set(FORGETFUL) <= {find_cache(name).family for name in CACHES}


def test_a_row_is_told() -> None:
    """Known value: one row as the page has it."""
    line = "| `h2o` | eviction | gap | 5 | 1x4 1x1 in R^1 | 0 | 0.2 | 100 | 0.01 | 687 bytes |"
    assert line in page([row()])
