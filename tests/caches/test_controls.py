"""Truth here: the laws of the caches that keep everything as it is, and of the one that keeps nothing."""

from __future__ import annotations

from typing import ClassVar

import pytest

from lowerbound.caches.controls.full import Full16, Full32, Full64
from lowerbound.caches.controls.silent import Silent
from lowerbound.core.cache import Public
from tests.contracts.laws import CacheLaws


class FullLaws(CacheLaws):
    """Two floats a pair of coordinates."""

    exact_at = None
    float_bits = 64

    def bits(self, n: int, place: Public) -> int:
        return 2 * n * place.d * self.float_bits


@pytest.mark.slow
class TestFull64(FullLaws):
    cache = Full64
    reaches_overflow = True


@pytest.mark.slow
class TestFull32(FullLaws):
    cache = Full32
    float_bits = 32


class TestFull16(FullLaws):
    cache = Full16
    float_bits = 16


COINS = "it answers with coins, whatever it is told"


class TestSilent(CacheLaws):
    cache = Silent
    exact_at = None
    answers_apart = False
    header_bits = 0
    not_applicable: ClassVar = {
        "test_the_whole_budget_is_exact": COINS,
        "test_a_scale_is_attended_to_before_anything_is_lost": COINS,
        "test_own_tokens_take_part_in_the_softmax": COINS,
        "test_nothing_is_answered_with_zeros": COINS,
        "test_a_single_scale": COINS,
    }

    def bits(self, n: int, place: Public) -> int:
        return 0
