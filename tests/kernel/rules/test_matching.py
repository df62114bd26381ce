"""A coarse match: the cosine that one of many keys must have with a key, for all of them to weigh what they do."""

from __future__ import annotations

import math

import numpy as np
from flint import arb

from lowerbound.kernel.rules.matching import nearest


def test_some_key_is_as_near_as_the_rule_says() -> None:
    """Law: of random keys, one of them beside a direction, the nearest has the cosine that their mass demands."""
    rng = np.random.default_rng(3)
    by_few = 0
    for _ in range(400):
        n, d, lam = int(rng.integers(2, 400)), int(rng.integers(3, 40)), float(rng.uniform(20, 100))
        keys = rng.normal(size=(n, d))
        keys /= np.linalg.norm(keys, axis=1, keepdims=True)
        beside = keys[0] + rng.normal(size=d) * rng.uniform(0, 0.5) / math.sqrt(d)
        cosines = keys @ (beside / np.linalg.norm(beside))
        gram = keys @ keys.T
        np.fill_diagonal(gram, -1)
        mu, spread = max(0.0, float(gram.max())), lam - math.log(np.exp(lam * cosines).sum())
        if mu >= 1:
            continue
        told = nearest(n, arb(mu), arb(spread), arb(lam))
        by_few += bool(told > 1 - (arb(spread) + arb(n).log()) / lam)
        assert not told > arb(float(cosines.max())) + arb("1e-12")
    assert by_few > 100


def test_few_keys_are_above_the_edge() -> None:
    """Known value: of 131,072 keys of cosines up to 0.562, at eta 1/100, one has a cosine of 0.984 or more."""
    spread = 4 * (arb("0.02")).atanh()
    told = nearest(131072, arb("0.562"), spread, arb(100))
    assert told > arb("0.984")
    assert told < arb("0.985")
    crowded = nearest(131072, arb("0.8"), spread, arb(100))
    assert crowded < arb("0.8814")
    assert crowded > arb("0.8813")
