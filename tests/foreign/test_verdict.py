"""Truth: a claim is kept by what rounds to it, and ratios and shares are said as they are."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lowerbound.core.scalars import percent
from lowerbound.errors import InvalidArgument
from lowerbound.foreign.ledger import Entry, Holding
from lowerbound.foreign.verdict import Claim, merged, oddities, times


@pytest.mark.parametrize(
    ("stated", "ratio", "kept"),
    [
        ("3.2", "3.15", True),
        ("3.2", "3.1499", False),
        ("6", "5.5", True),
        ("6", "5.49", False),
        ("4.00", "3.995", True),
        ("4.00", "3.99", False),
        ("28", "27.5", True),
    ],
)
def test_a_claim_is_kept_by_what_rounds_to_it(stated: str, ratio: str, kept: bool) -> None:
    """Known value: half of the claim's last digit, by hand."""
    assert Claim.of(stated, "--claim").is_kept_by(Fraction(ratio)) is kept


@pytest.mark.parametrize("stated", ["0", "-3", "many", "nan", "1e400x", ""])
def test_other_claims_are_refused(stated: str) -> None:
    """Forgery: a ratio is a number > 0."""
    with pytest.raises(InvalidArgument, match="--claim"):
        Claim.of(stated, "--claim")


def test_numbers_are_not_flattered() -> None:
    """Known value: ratios are rounded down, and a share above 0 is never called 0 %."""
    assert times(Fraction(1999, 1000)) == "1.99x"
    assert percent(0.274) == "27 %"
    assert percent(0.0) == "0 %"
    assert percent(0.00004) == "0.004 %"


def test_layers_are_told_together() -> None:
    """Definition: numbers in brackets become a star, and the bytes of all layers are added."""
    entries = [Entry(f"layers[{n}].keys", "torch.float16", (4,), 8, "tensor", "the original keys") for n in range(3)]
    assert merged(entries) == [("layers[*].keys", 24)]
    holding = Holding((*entries, Entry("codes", "torch.uint8", (1,), 1, "tensor")), 0, (), (), None, 0)
    assert oddities(holding) == ["original rows are kept in `layers[*].keys`"]


def test_small_oddities_are_no_news() -> None:
    """Definition: what is odd about less than a twentieth of the bytes is left to the ledger."""
    entries = (Entry("a", "x", (), 1000, "tensor"), Entry("b", "x", (), 10, "tensor", "its values need 2 of 64 bits"))
    assert oddities(Holding(entries, 10, (), (), None, 0)) == []
    assert oddities(Holding(entries, 100, ("c: generator",), (), None, 0)) == [
        "it holds 100 bytes more once it has answered",
        "what hangs in it cannot be seen into: c: generator",
    ]
