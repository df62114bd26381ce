"""Truth here: the words of a row say no more than its game has shown, and no less."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from lowerbound.caches.registry import CACHES, find_cache, play
from lowerbound.ceiling.achieved import cheapest
from lowerbound.core.geometry import Geometry
from lowerbound.core.scalars import rounded_down
from lowerbound.game.channel import Isolation
from lowerbound.game.reduction import Reduction, plan_reduction
from lowerbound.game.tally import Part
from lowerbound.game.verdict import KEEPS, OUTSIDE_R1, enough_bits, verdict


@pytest.fixture(scope="module")
def plan(small_geometry: Geometry) -> Reduction:
    return plan_reduction(small_geometry, guarantee="additive")


def part(name: str, errors: int) -> Part:
    return Part(name, 2, 1000, errors, errors / 1000, 0.0, 1.0, 0.0)


def test_words_of_a_row(plan: Reduction) -> None:
    """Known values: one misread breaks the promise, the worst kind is told, and only a faithful cache is wasteful."""
    right, values, keys = part("values", 0), part("values", 4), part("keys", 380)
    assert verdict(plan, [right], 100, 100) == KEEPS
    assert verdict(plan, [right], 410, 100) == "wasteful: 4.10x what is proved enough"
    assert verdict(plan, [right], 410, None) == KEEPS
    assert verdict(plan, [values], 410, 100) == "misreads 0.4 %: breaks eta = 1 %"
    assert verdict(plan, [values, keys], 1, 100) == "misreads 38 % of keys: breaks eta = 1 %"
    assert verdict(plan.in_model_r2(), [keys], 1, 100) == OUTSIDE_R1


def test_the_cheapest_proved_cache_is_not_wasteful(plan: Reduction) -> None:
    """Law: the cache that plays the cheapest proved code needs what is proved enough, on one head and on several."""
    for family in (plan, plan.stacked((1, 2))):
        terms = family.geometry
        found = cheapest(terms.n_tokens_cached, terms.d, multiplier=family.multiplier, eta=family.grid.eta)
        row = play(family, f"guaranteed-{found.code}", isolation=Isolation.NONE)
        assert row.state_bits == row.enough_bits == enough_bits(family)
        assert row.verdict == KEEPS
    dear = play(plan, "full", isolation=Isolation.NONE)
    assert dear.enough_bits is not None
    assert dear.verdict == f"wasteful: {rounded_down(dear.state_bits / dear.enough_bits, 2)}x what is proved enough"


def test_nothing_is_proved_enough_for_other_promises(small_geometry: Geometry, plan: Reduction) -> None:
    """Definition: the proved codes promise an additive error below a half, and none for eta = 0."""
    assert enough_bits(plan_reduction(small_geometry, guarantee="relative")) is None
    assert enough_bits(replace(plan, grid=replace(plan.grid, eta=Fraction(0)))) is None


def test_what_is_no_kv_cache() -> None:
    """Law: every code, and of the controls all but the full cache, are told from KV caches; nothing else is."""
    for name in CACHES:
        found = find_cache(name)
        folder = found.__module__.split(".")[2]
        apart = folder == "coded" or (folder == "controls" and found.family != "full")
        assert found.facts().is_kv_cache is not apart, name
