"""Truth here: the texts of what is forced and what is enough promise no more than is proved."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest

from lowerbound.certify.possible import Bracket, Word, bracket, possible
from lowerbound.certify.published_ratios import PUBLISHED_RATIOS
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import Undecided
from lowerbound.report.brackets import brackets_text, misreading_text, ratios_text, too_short_text

D16 = find_model("var-d16")


@pytest.fixture(scope="module")
def hundredth() -> Bracket:
    return bracket(D16, "0.01")


def test_bytes_of_all_heads(hundredth: Bracket) -> None:
    """Known values: Theorem E1 forces 406,193 of 868,352 bits and 525,605 are enough; in MB for 512 heads."""
    assert (hundredth.forced.bits, hundredth.enough.bits) == (406193, 525605)
    text = brackets_text(D16, [hundredth])
    (line,) = [words for line in text.splitlines() if (words := line.split())[:1] == ["0.01"]]
    assert line == [
        "0.01",
        "25.996",
        "MB",
        "46.7",
        "%",
        "33.639",
        "MB",
        "60.6",
        "%",
        "55.575",
        "MB",
    ]  # 512 x bits / 8e6, outward
    assert "Theorem E1, machine-checked" in text
    assert "assume 512 independent streams; free at once in one network: 256" in text


@pytest.mark.slow
def test_words_agree_with_possible(hundredth: Bracket) -> None:
    """Differential: a bracket's word is that of `possible` wherever its machine-checked floor or cache decides."""
    for ratio, word in ((10, Word.IMPOSSIBLE), ("2.2", Word.IMPOSSIBLE), ("1.7", Word.OPEN), ("1.6", Word.POSSIBLE)):
        assert hundredth.word(Fraction(ratio)) is word
        assert possible(D16, ratio=ratio, eta="0.01").word is word
    line = ratios_text(PUBLISHED_RATIOS[:1], [hundredth]).splitlines()[1]
    assert line.split()[-2:] == ["10.00", "IMPOSSIBLE"]


def test_no_floor_is_undecided() -> None:
    """Bad input: a head on which no machine-checked theorem forces a bit has no bracket."""
    with pytest.raises(Undecided, match="no machine-checked floor forces a bit on one"):
        bracket(Geometry("one", ScaleSchedule.square([1, 2]), 1), "0.4")


def row(name: str, *errors: float, ratio: float = 2.0, bits: int = 10, kv: bool = True) -> Any:
    parts = [SimpleNamespace(name=kind, error=error) for kind, error in zip(("values", "keys"), errors, strict=False)]
    shape = {"budget": None, "heads": 1, "layers": 1, "errors": sum(errors)}
    return SimpleNamespace(cache=name, parts=parts, measured_ratio=ratio, state_bits=bits, is_kv_cache=kv, **shape)


def test_what_compressed_caches_misread() -> None:
    """Definition: the least and the largest share of each kind, of the rows that are smaller than fp16 alone."""
    rows = [row("fp16", 0.0, 0.0, ratio=0.999), row("a", 0.0, 0.38), row("b", 0.82, 0.97)]
    assert misreading_text(rows) == (
        "The 2 that are smaller than fp16 misread 0 % to 82 % of values and 38 % to 97 % of keys."
    )
    assert misreading_text(rows[:1]) == ""


def test_who_is_too_short(hundredth: Bracket) -> None:
    """Definition: KV caches that misread nothing in fewer bits than are forced; no code, and none that misread."""
    rows = [
        row("short", 0.0),
        row("code", 0.0, kv=False),
        row("wrong", 0.2),
        row("long", 0.0, bits=hundredth.forced.bits),
    ]
    assert "as short as those of short breaks" in too_short_text(hundredth, rows)
    assert too_short_text(hundredth, rows[1:]) == ""
