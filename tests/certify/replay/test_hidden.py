"""The numbers of a Coq file are those that the search finds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lowerbound.certify.replay.hidden import nearly_integral
from tests.marks import first_now

SOURCE = Path(__file__).parent.parent.parent.parent / "proofs" / "coq" / "Var256Fibres.v"
SIDES = (1, 2, 3, 4, 5, 6, 8, 10)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parity"),
    first_now(
        [("var256_even_even", (1, 1)), ("var256_even_odd", (1, -1)), ("var256_odd_odd", (-1, -1))],
        n_slow=0,
    ),
)
def test_the_combinations_are_found_again(name: str, parity: tuple[int, int]) -> None:
    """Differential: the list in Coq's source, which `nearly_integral` made, is what it makes now."""
    text = SOURCE.read_text(encoding="utf-8").partition(f"Definition {name} : seq (seq Z) := [::")[2].partition("%Z")[0]
    told = [[int(number) for number in re.findall(r"-?\d+", row)] for row in text.split("[::")[1:]]
    assert told == nearly_integral(SIDES, 16, parity)
