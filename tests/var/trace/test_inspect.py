"""What `trace inspect` tells of a head, on heads whose facts are known."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from lowerbound.var.trace.file import write_trace
from lowerbound.var.trace.inspect import HeadFacts, effective_rank, inspect_layer

MAPS = ScaleSchedule.square((2, 3))
"""Four cached tokens, nine of the last scale."""
T, D = MAPS.n_tokens, 4


def facts(path: Path, queries: Any, keys: Any, values: Any, rule: Any = "1/sqrt(d)") -> HeadFacts:
    parts = [np.asarray(part, dtype=np.float64)[None, None] for part in (queries, keys, values)]
    outputs = np.zeros((1, 1, T, D))
    trace = write_trace(path, [(*parts, outputs)], MAPS, rule=rule, dtype="float64", branches=("cond",), overwrite=True)
    (found,) = inspect_layer(trace, 0)
    return found


def test_orthonormal_keys(tmp_path: Path) -> None:
    """Known value: unit vectors have coherence 0, rank 4, and lambda is factor |q| |k| = 1/2 * 8 * 1."""
    keys = np.vstack([np.eye(4), np.tile(np.eye(4)[0], (9, 1))])
    found = facts(tmp_path / "a", 8 * np.ones((T, 1)) * np.eye(4)[1], keys, keys)
    assert found.multiplier == pytest.approx(4)
    assert found.coherence == 0
    assert found.gap == pytest.approx(4)
    assert found.addressable == 1
    assert found.rank_keys == pytest.approx(4)
    assert found.rank_values == pytest.approx(4)
    weight = math.exp(4) / (math.exp(4) + 12)
    small = 1 / (math.exp(4) + 12)
    assert found.entropy_bits == pytest.approx(-weight * math.log2(weight) - 12 * small * math.log2(small))
    assert found.keys_for_mass == 1 + math.ceil((0.9 - weight) / small)


def test_equal_keys(tmp_path: Path) -> None:
    """Known value: keys that are all one have coherence 1, no gap, rank 1, and uniform weights over 13 tokens."""
    keys = np.tile([0.6, 0.8, 0, 0], (T, 1))
    found = facts(tmp_path / "a", np.ones((T, D)), keys, np.zeros((T, D)))
    assert found.coherence == pytest.approx(1)
    assert found.gap == pytest.approx(0, abs=1e-12)
    assert found.addressable == 0
    assert found.rank_keys == pytest.approx(1)
    assert found.rank_values == 0
    assert found.entropy_bits == pytest.approx(math.log2(13))
    assert found.keys_for_mass == 12


def test_rotation_and_scale(tmp_path: Path) -> None:
    """Metamorphic: turning queries and keys together changes nothing; larger queries raise lambda in proportion."""
    random = np.random.default_rng(0)
    queries, keys, values = random.standard_normal((3, T, D))
    turn = np.linalg.qr(random.standard_normal((D, D)))[0]
    plain, turned = (
        facts(tmp_path / "a", queries, keys, values),
        facts(tmp_path / "a", queries @ turn, keys @ turn, values),
    )
    for name, value in plain.to_json().items():
        assert turned.to_json()[name] == (pytest.approx(value) if isinstance(value, float) else value)
    larger = facts(tmp_path / "a", 3 * queries, keys, values)
    assert larger.multiplier == pytest.approx(3 * plain.multiplier)
    assert larger.coherence == plain.coherence
    assert larger.entropy_bits < plain.entropy_bits


def test_effective_rank() -> None:
    """Definition: n for n equal singular values, never above the rank, and 1 as one of them dwarfs the others."""
    assert effective_rank(np.eye(7)) == pytest.approx(7)
    low = np.random.default_rng(0).standard_normal((20, 3)) @ np.random.default_rng(1).standard_normal((3, 9))
    assert 1 < effective_rank(low) < 3 + 1e-9
    assert effective_rank(np.diag([1.0, 1e-9])) == pytest.approx(1, abs=1e-6)


def test_one_cached_token(tmp_path: Path) -> None:
    """Refusal: the coherence of a single key is of nothing."""
    rows = np.ones((1, 1, 5, 1))
    trace = write_trace(
        tmp_path / "a",
        [(rows, rows, rows, rows)],
        ScaleSchedule.square((1, 2)),
        rule="l2norm",
        dtype="float64",
        branches=("c",),
    )
    with pytest.raises(InvalidArgument, match="at least two tokens"):
        inspect_layer(trace, 0)
