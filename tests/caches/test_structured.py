"""Truth here: the laws of caches that store which member of a class the values are, and that members cost log2 size."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from lowerbound.caches.coded.block_rows import BlockRows
from lowerbound.caches.coded.live_columns import LiveColumns
from lowerbound.caches.coded.pyramid_detail import PyramidDetail
from lowerbound.caches.coded.row_space import RowSpace
from lowerbound.caches.coded.shared_keys import SharedKeys
from lowerbound.caches.coded.sparse_rows import SparseCoefficients, SparseRows
from lowerbound.caches.coded.window_bits import ScaleBits, WindowBits
from lowerbound.core.cache import Public
from lowerbound.core.keys.family import Keys
from lowerbound.core.oracle.attention import attention
from tests.contracts.laws import CodedLaws, public_rows, rounding
from tests.contracts.playing import SMALL, at_last_scale, states_of

OUTSIDE = "values of the whole are no member of its class"


def ball(length: int, most: int, letters: int = 1) -> int:
    """sum over w <= most of C(length, w) letters^w."""
    return sum(math.comb(length, w) * letters**w for w in range(most + 1))


def whole_bits(size: int) -> int:
    """ceil(log2 size)."""
    return math.ceil(math.log2(size)) if size < 2**40 else (size - 1).bit_length()


class StructuredLaws(CodedLaws):
    """Budgets are sizes of classes: what a smaller one keeps is not a set of tokens."""

    exact_at: ClassVar[Fraction | None] = Fraction(1)
    not_applicable: ClassVar = {"test_a_larger_budget_keeps_what_a_smaller_one_kept": "a class is no set of tokens"}

    def share(self, place: Public) -> int:
        """max(1, floor(budget d))."""
        return max(1, math.floor(self.budget_at(place) * place.d))


class TestWindowBits(StructuredLaws):
    cache = WindowBits
    counts_tokens = True

    def bits(self, n: int, place: Public) -> int:
        return min(n, self.whole_tokens(place)) * place.d


@pytest.mark.slow
class TestScaleBits(StructuredLaws):
    cache = ScaleBits
    counts_tokens = True

    def bits(self, n: int, place: Public) -> int:
        schedule = place.schedule
        kept = [schedule.tokens_at(k) for k in range(schedule.n_scales - 1)][::-1]
        sums = [sum(kept[:m]) for m in range(1, len(kept) + 1)]
        most = max((total for total in sums if total <= self.whole_tokens(place)), default=0)
        return min(n, max([most, *kept[:1]])) * place.d


class SparseLaws(StructuredLaws):
    letters: ClassVar[int]
    not_applicable: ClassVar = {
        **StructuredLaws.not_applicable,
        "test_the_whole_budget_is_exact": OUTSIDE,
        "test_a_larger_budget_restores_no_worse": OUTSIDE,
    }

    def bits(self, n: int, place: Public) -> int:
        return whole_bits(ball(place.d, self.share(place), self.letters) ** n)


class TestSparseRows(SparseLaws):
    cache = SparseRows
    letters = 1


@pytest.mark.slow
class TestSparseCoefficients(SparseLaws):
    cache = SparseCoefficients
    letters = 4


class TestRowSpace(StructuredLaws):
    cache = RowSpace
    not_applicable: ClassVar = SparseLaws.not_applicable

    def bits(self, n: int, place: Public) -> int:
        return n * self.share(place)


class TestLiveColumns(StructuredLaws):
    cache = LiveColumns

    def bits(self, n: int, place: Public) -> int:
        live = self.share(place)
        return whole_bits(math.comb(place.d, live)) + n * live


class TestBlockRows(StructuredLaws):
    cache = BlockRows

    def bits(self, n: int, place: Public) -> int:
        side = math.isqrt(math.floor(1 / self.budget_at(place)))
        schedule, blocks = place.schedule, 0
        for scale, (*_, height, width) in enumerate(schedule.shapes):
            cells = n - schedule.rows_of(scale).start
            if scale == 0:
                blocks += min(n, schedule.n_context)
                cells -= schedule.n_context
            places = [divmod(cell, width) for cell in range(max(0, min(cells, height * width)))]
            blocks += len({(row // side, column // side) for row, column in places})
        return blocks * place.d


class TestSharedKeys(StructuredLaws):
    cache = SharedKeys
    exact_at = None
    not_applicable: ClassVar = {}

    def bits(self, n: int, place: Public) -> int:
        assert place.keys is not None
        sums = np.unique(place.keys.rows[:n], axis=0, return_counts=True)[1]
        return whole_bits(math.prod(int(m) + 1 for m in sums) ** place.d)


class TestPyramidDetail(StructuredLaws):
    cache = PyramidDetail

    def bits(self, n: int, place: Public) -> int:
        schedule, size = place.schedule, 1
        for scale in range(schedule.n_scales):
            rows = schedule.rows_of(scale)
            cells = min(rows.stop, n) - rows.start
            if cells > 0:
                size *= ball(cells, max(1, math.floor(self.budget_at(place) * cells))) ** place.d
        return whole_bits(size)


def test_sums_answer_as_all_tokens_do() -> None:
    """Definition: where seven tokens in a row share a key, their sum answers as they do, at 3 bits, not 7."""
    laws = TestSharedKeys()
    place = laws.public(SMALL, 16)
    assert place.keys is not None
    place = replace(place, keys=Keys("shared", place.keys.rows[np.arange(SMALL.n_tokens) // 7]))
    rows = public_rows(place, np.random.default_rng(3).integers(0, 2, (SMALL.n_tokens_cached, 16)))
    cache, own = at_last_scale(SharedKeys, place, rows)
    wanted = attention(rows[2, own], rows[0], rows[1], rule=place.rule)
    assert np.abs(cache.attend(rows[2, own]) - wanted).max() <= rounding(place, rows)
    *_, state = states_of(SharedKeys, place, rows)
    assert 8 * (len(state) - 4) == whole_bits(8 ** (3 * 16))
