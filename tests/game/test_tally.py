"""Laws of the count: every misread symbol once, kinds apart, intervals that hold together, and floors that add up."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lowerbound.core.bounds import floor_in_interval
from lowerbound.core.statistics import CONFIDENCE, clopper_pearson
from lowerbound.errors import CacheContractBroken
from lowerbound.game.tally import Alphabet, misread, tally
from lowerbound.game.wire import SYMBOL_TYPE

KINDS = (Alphabet("values", 50, 6), Alphabet("keys", 164, 4))
TRUTH = [np.arange(200).reshape(20, 10) % 50, np.zeros((20, 10), dtype=np.int64)]


def frames(answers: list[np.ndarray]) -> list[bytes]:
    """As Bob sends them."""
    return [answer.astype(SYMBOL_TYPE).tobytes() for answer in answers]


def test_kinds_are_counted_apart_over_all_trials() -> None:
    """Definition: errors of the first columns are values', of the others keys'; symbols are those of one trial."""
    answers = [symbols.copy() for symbols in TRUTH]
    answers[0][3, 5] += 1
    answers[1][:, 6] += 7
    answers[1][0, 0] += 2**40
    values, keys = tally(KINDS, misread(TRUTH, frames(answers)), CONFIDENCE)[0]
    assert (values.name, values.levels, values.symbols, values.errors) == ("values", 50, 120, 2)
    assert (keys.name, keys.levels, keys.symbols, keys.errors) == ("keys", 164, 80, 20)
    assert (values.error, keys.error) == (2 / 240, 20 / 160)


def test_intervals_hold_together_and_floors_add_up() -> None:
    """Law: two kinds share what one would be allowed to miss, and the sum is certainly at most each floor's sum."""
    answers = [symbols.copy() for symbols in TRUTH]
    answers[0][:5, 7] += 1
    parts, proved = tally(KINDS, misread(TRUTH, frames(answers)), CONFIDENCE)
    shared = 1 - (1 - CONFIDENCE) / 2
    ends = [clopper_pearson(0, 240, confidence=shared), clopper_pearson(5, 160, confidence=shared)]
    assert [(part.error_low, part.error_high) for part in parts] == [(float(low), float(high)) for low, high in ends]
    assert proved == floor_in_interval(120, 50, *ends[0]) + floor_in_interval(80, 164, *ends[1])
    assert sum(Fraction(part.floor_bits) for part in parts) <= proved
    (alone,), _ = tally((Alphabet("values", 50, 10),), misread(TRUTH, frames(answers)), CONFIDENCE)
    assert (alone.error_low, alone.error_high) == tuple(map(float, clopper_pearson(5, 400, confidence=CONFIDENCE)))


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        (frames(TRUTH[:1]), "Bob must answer 2 trials, got 1"),
        ([*frames(TRUTH[:1]), b"12345678"], "Bob must name 200 symbols, got 8 bytes"),
    ],
)
def test_short_answers_are_refused(answers: list[bytes], sentence: str) -> None:
    """Bad input: an answer that is missing is not an answer that is wrong."""
    with pytest.raises(CacheContractBroken, match=sentence):
        misread(TRUTH, answers)
