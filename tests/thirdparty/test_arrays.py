"""The oracle on another array library: torch's tensors give what NumPy gives, within the derived bound."""

from __future__ import annotations

import numpy as np
import pytest

from lowerbound.core.attention import attention, attention_mass
from lowerbound.core.models import find_model
from lowerbound.core.rounding import rounding_bound
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import Geometry, plan_reduction

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("rule", [Scaled(), L2Norm(100.0)], ids=str)
@pytest.mark.parametrize(("m", "t"), [(3, 40), (200, 700)])
def test_torch_is_within_the_bound(rule: Rule, m: int, t: int) -> None:
    """Differential: float64 tensors against NumPy, whose fast path is another order of operations."""
    coins = np.random.default_rng(0)
    arrays = coins.standard_normal((m, 16)), coins.standard_normal((t, 16)), coins.random((t, 16))
    largest = (
        100.0 if isinstance(rule, L2Norm) else float((rule.factor(16) * np.abs(arrays[0]) @ np.abs(arrays[1]).T).max())
    )
    bound = rounding_bound(d=16, n_tokens=t, max_logit=largest, max_value=1.0)
    found = attention(*(torch.from_numpy(array) for array in arrays), rule=rule)
    assert isinstance(found, torch.Tensor)
    assert np.abs(found.numpy() - attention(*arrays, rule=rule)).max() <= 2 * bound
    mass = attention_mass(*(torch.from_numpy(array) for array in arrays[:2]), rule=rule)
    assert np.abs(mass.numpy() - attention_mass(*arrays[:2], rule=rule)).max() <= 2 * m * bound


def test_a_game_on_the_device_is_read_without_error() -> None:
    """Law: a cache that computes on torch's device, whatever it is, answers every question of a game."""
    plan = plan_reduction(Geometry.of(find_model("var-d16")), seed=0)
    assert duel(plan, "benchmarks.device:OnDevice", isolation=Isolation.NONE).errors == 0
