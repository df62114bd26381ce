"""Truth here: the laws of caches that live on what is public: codes of the value symbols, and replay of token ids."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from lowerbound.caches.coded.covering import Golay, Hamming, Majority
from lowerbound.caches.coded.exact import ExactSymbols
from lowerbound.caches.controls.recompute import Recompute
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.network import PublicNetwork
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import Rule
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CacheContractBroken
from tests.contracts.laws import CodedLaws, public_rows, small_reduction
from tests.contracts.playing import SMALL, holding, states_of


class TestExactSymbols(CodedLaws):
    cache = ExactSymbols

    def bits(self, n: int, place: Public) -> int:
        return n * place.d


class CoveredLaws(CodedLaws):
    """Blocks of value bits, each as the message of a nearby codeword; an unfinished block waits."""

    block: ClassVar[int]
    message: ClassVar[int]
    not_applicable: ClassVar = {"test_the_whole_budget_is_exact": "a covering code errs by design, and has no budget"}

    def bits(self, n: int, place: Public) -> int:
        n_blocks, n_waiting = divmod(n * place.d, self.block)
        return n_blocks * self.message + n_waiting


@pytest.mark.slow
class TestMajority(CoveredLaws):
    cache = Majority
    block, message = 3, 1


@pytest.mark.slow
class TestHamming(CoveredLaws):
    cache = Hamming
    block, message = 7, 4


class TestGolay(CoveredLaws):
    cache = Golay
    block, message = 23, 12


class TestRecompute(CodedLaws):
    cache = Recompute
    header_bits = 16
    not_applicable: ClassVar = {
        "test_no_rows_change_nothing": "tokens arrive in the whole scales that the public network makes",
    }

    def bits(self, n: int, place: Public) -> int:
        assert place.network is not None
        ends = [0, *(place.schedule.rows_of(k).stop for k in range(place.schedule.n_scales - 1))]
        n_scales = sum(end <= n for end in ends[1:])
        return place.network.id_bits * sum(place.schedule.map_size(k) for k in range(n_scales - 1))

    def public(
        self,
        schedule: ScaleSchedule,
        d: int,
        budget: Fraction | None = None,
        *,
        rule: Rule | None = None,
        seed: int = 0,
    ) -> Public:
        place = super().public(schedule, d, budget, rule=rule, seed=seed)
        return replace(place, network=PublicNetwork(schedule, d, min(16, 2**d), seed=0))

    def tokens(self, place: Public, seed: int = 0, *, halves: bool = False) -> FloatArray:
        network, schedule = place.network, place.schedule
        assert network is not None
        symbols = (
            network.symbols(network.draw_ids(PrivateSeed(seed), 0))
            if schedule.n_scales > 1
            else np.zeros((0, place.d), int)
        )
        return public_rows(place, symbols)

    def hard_family(self, budget: Fraction | None = None, trial: int = 0) -> tuple[Public, FloatArray]:
        reduction = small_reduction().in_model_r2()
        place = reduction.public(budget)
        assert place.network is not None
        rows = public_rows(place, place.network.symbols(place.network.draw_ids(PrivateSeed(0), trial)))
        rows[2] = reduction.queries
        return place, rows


def test_values_that_the_network_cannot_make_are_refused() -> None:
    """Bad input: outside model R2 there is nothing to replay."""
    laws = TestRecompute()
    place = laws.public(SMALL, 16)
    rows = laws.tokens(place)
    cache = holding(Recompute, place, states_of(Recompute, place, rows)[0])
    keys, values, queries = rows[:, SMALL.rows_of(1)]
    with pytest.raises(CacheContractBroken, match="cannot produce"):
        cache.append(keys, 1 - values, 1, queries)
