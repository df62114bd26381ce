"""Known values: real third-party caches in the whole game, Alice's bytes on one side and Bob's answers on the other."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lowerbound.caches.registry import target_of
from lowerbound.core.geometry import Geometry
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender, Row, duel, duels
from lowerbound.game.reduction import Reduction, plan_reduction
from tests.thirdparty.playing import MARKS, MISSING, NAMES, PRESSES, cases, stacks_of

pytest.importorskip("torch", reason=MISSING)
pytestmark = MARKS

T = 21


def playground(stack: tuple[int, int]) -> Reduction:
    """21 cached tokens of each head, in R^16."""
    return plan_reduction(Geometry("small", ScaleSchedule.square([1, 2, 4, 8]), 16)).stacked(stack)


@pytest.mark.parametrize("name", cases(NAMES))
def test_every_adapter_stays_above_the_floor(name: str) -> None:
    """Law: whatever a method does, its bytes and its errors stand above the proved floor."""
    row = duel(playground(stacks_of(name)[-1]), target_of(name), trials=2, isolation=Isolation.NONE)
    assert row.ratio is None or row.ratio >= 1
    assert row.ratio is None or row.ratio >= 1
    assert sum(row.ledger.values()) == row.state_bits


@pytest.mark.parametrize("name", ["transformers:DynamicCache", "transformers:StaticCache", "kvpress:KnormPress"])
def test_what_keeps_all_errs_nowhere(name: str) -> None:
    """Known value: error 0 at budget 1, through float16 and float32, for two layers of two heads."""
    budget = None if name.startswith("transformers") else Fraction(1)
    row = duel(playground((2, 2)), target_of(name), budget=budget, isolation=Isolation.NONE)
    assert row.errors == 0


@pytest.mark.parametrize("name", cases(f"{prefix}:{name}" for prefix in ("kvpress", "llama") for name in PRESSES))
def test_what_drops_half_guesses_half(name: str) -> None:
    """Known value: B = 10 of 21 tokens kept leaves (1 - 10/21) / 2 of the symbols wrong, for every score."""
    row = duel(playground((1, 1)), target_of(name), trials=8, isolation=Isolation.NONE)
    assert row.error_low <= (1 - 10 / T) / 2 <= row.error_high
    assert row.state_bits == 32 + 32 * 16 * 10 + 64


@pytest.mark.slow
def test_a_real_process_on_either_side() -> None:
    """Known value: two processes that share nothing but bytes play the same games to the same rows."""
    entries = [Contender(target_of(name)) for name in ("kvpress:AdaKVPress", "transformers:QuantizedCache", "fla:ABC")]
    found = [duels(playground((1, 2)), entries, isolation=level) for level in (Isolation.NONE, Isolation.PROCESS)]
    rows = [[(row.state_bits, row.errors) for row in level if isinstance(row, Row)] for level in found]
    assert rows[0] == rows[1]
    assert len(rows[0]) == len(entries)
