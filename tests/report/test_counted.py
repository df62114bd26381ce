"""Numbers of things in texts that people read: one thing is told in the singular."""

from __future__ import annotations

import re

import pytest

from lowerbound.certify.floors import floor
from lowerbound.core.decoder import own_decoder
from lowerbound.core.scalars import counted
from lowerbound.report.floors import floor_text
from tests.marks import first_now


def test_counted() -> None:
    """Known value: the singular is for one alone, and large numbers have commas."""
    told = [counted(n, "head") for n in (0, 1, 2, 1216)]
    assert told == ["0 heads", "1 head", "2 heads", "1,216 heads"]
    assert [counted(n, "branch", "branches") for n in (1, 2)] == ["1 branch", "2 branches"]


@pytest.mark.parametrize("n", first_now([1, 2]))
def test_a_floor_of_one_layer_head_and_token(n: int) -> None:
    """Law: no line says "1 layers"; two layers, heads and tokens are told in the plural."""
    text = floor_text(floor(own_decoder(8, heads=n, layers=n).at(n)))
    assert not re.search(r"\b1 (?!x\b)(\w+-?\w* )?(layers|heads|tokens|streams|bits)\b", text), text
    assert ("1 layer with" in text) == (n == 1)
    assert ("2 layers with" in text) == (n == 2)
