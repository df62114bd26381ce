"""The adversary on real third-party code: what evicts or mixes tokens breaks there too; what stores all does not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from lowerbound.adversary.outcome import Broken, NotBroken
from lowerbound.adversary.search import attack
from lowerbound.certify.witness import rerun, witness
from lowerbound.core.geometry import Geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.kernel.verdict import Outcome
from tests.marks import first_now
from tests.thirdparty.playing import MARKS, MISSING

pytest.importorskip("torch", reason=MISSING)
pytestmark = MARKS

EVICTING = [
    *("kvpress:SnapKVPress", "fla:ABC", "transformers:SlidingWindowCache"),
    *("kvpress:KnormPress", "kvpress:TOVAPress", "kvpress:ObservedAttentionPress", "kvpress:PyramidKVPress"),
    *("kvpress:MergingPress", "llama:StreamingLLMPress"),
]
PLACE = Geometry("small", ScaleSchedule.parse("1x1 4x4 1x1"), 32)


@pytest.mark.parametrize("name", first_now(EVICTING, 3))
def test_they_break_at_a_quarter(name: str) -> None:
    """Law: each breaks an additive promise of 1/4, and answers so again."""
    terms: dict[str, Any] = {"geometry": PLACE, "guarantee": "additive", "eta": "1/4", "isolation": Isolation.NONE}
    outcome = attack(name, budget=Fraction(1, 4), instances=PrivateSeed(0), time_limit_s=60, **terms)
    assert isinstance(outcome, Broken)
    assert rerun(witness(name, outcome.violation), isolation=Isolation.NONE).outcome is Outcome.VERIFIED


def test_a_cache_of_all_tokens_does_not() -> None:
    """Known value: in half precision nothing is 1/4 away."""
    outcome = attack(
        "transformers:DynamicCache",
        geometry=PLACE,
        guarantee="additive",
        eta="1/4",
        instances=PrivateSeed(0),
        isolation=Isolation.NONE,
    )
    assert isinstance(outcome, NotBroken)
