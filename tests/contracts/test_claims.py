"""Known values: what a method claims is its own accounting after rounding, on VAR at 256 pixels (T = 424, d = 64)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lowerbound.caches.registry import find_cache
from lowerbound.core.cache import Public
from lowerbound.core.rules import Scaled
from tests.contracts.playing import VAR_256

CLAIMED = {
    ("window-scales", "1/400"): Fraction(424, 169),  # the newest map has 169 of the 424 tokens, and always stays
    ("window", "1/5"): Fraction(424, 84),
    ("h2o", "1/3"): Fraction(424, 141),
    ("fastvar", "3/4"): Fraction(424, 318),
    ("diffrate", "1/1000"): Fraction(424),
    ("topology", "1/3"): Fraction(424, 142),
    ("turboquant", "1"): Fraction(2),  # at most 8 bits a coordinate
    ("turboquant-prod", "1/3"): Fraction(16, 5),
    ("uniform", "1/100"): Fraction(16),  # at least 1 bit
    ("kivi", "1/5"): Fraction(16, 3),
    ("qjl", "1/8"): Fraction(16, 3),
    ("gear", "1/16"): Fraction(8),
    ("step-codec", None): Fraction(8),
    ("lorc", "2/5"): Fraction(64, 25),
    ("balancekv", "1/3"): Fraction(2),  # one halving
    ("loma", "3/10"): Fraction(26, 8),  # 8 memory tokens for a zone of floor(26.7)
    ("abc-mlp", "1/8"): Fraction(8),
    ("less-random", "1/20"): Fraction(424, 21),
    ("subgen", "1/3"): Fraction(424, 282),
    ("full-fp16", None): None,
}


@pytest.mark.parametrize(("name", "budget"), CLAIMED)
def test_claims_after_rounding(name: str, budget: str | None) -> None:
    """Known value: kept tokens, or bits of a code, of each family at a budget that rounding changes."""
    public = Public(VAR_256, 64, Scaled(), budget=None if budget is None else Fraction(budget))
    assert find_cache(name)(public).claimed_ratio == CLAIMED[name, budget]
