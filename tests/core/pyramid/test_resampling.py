"""Resampling: exact weights, by definition and by the laws that every resampling obeys."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from lowerbound.core.pyramid.resampling import VAR, Mode, floats, resampled, weights
from lowerbound.errors import UnknownName

MODES: tuple[Mode, ...] = get_args(Mode)
SIDES = st.integers(1, 20)


@given(st.sampled_from(MODES), SIDES, SIDES)
def test_a_constant_map_stays_constant(mode: Mode, n_in: int, n_out: int) -> None:
    """Law: every row of weights sums to exactly 1."""
    rows = weights(mode, n_in, n_out)
    assert len(rows) == n_out
    assert all(len(row) == n_in and sum(row) == 1 for row in rows)


@given(st.sampled_from(MODES), SIDES)
def test_the_same_size_is_the_same_map(mode: Mode, n: int) -> None:
    """Law: resampling to the same size is the identity."""
    assert weights(mode, n, n) == tuple(tuple(Fraction(i == j) for j in range(n)) for i in range(n))


@given(st.sampled_from(MODES), SIDES, SIDES)
def test_mirrored_maps_become_mirrored(mode: Mode, n_in: int, n_out: int) -> None:
    """Metamorphic: turning a map around turns its resampled map around."""
    if mode == "bilinear" and n_in > 1:
        return
    rows = weights(mode, n_in, n_out)
    assert rows == tuple(row[::-1] for row in rows[::-1])


@pytest.mark.parametrize(
    ("mode", "n_in", "n_out", "row", "expected"),
    [
        ("area", 5, 2, 0, "1/3 1/3 1/3 0 0"),
        ("area", 2, 5, 2, "1/2 1/2"),
        ("bilinear", 2, 4, 1, "3/4 1/4"),
        ("bilinear", 4, 2, 0, "1/2 1/2 0 0"),
        ("bicubic", 4, 8, 3, "-27/256 225/256 67/256 -9/256"),
        ("bicubic", 2, 4, 0, "283/256 -27/256"),
    ],
)
def test_weights_by_hand(mode: Mode, n_in: int, n_out: int, row: int, expected: str) -> None:
    """Known value: the kernels written out on paper at one output, with the border repeated."""
    assert weights(mode, n_in, n_out)[row] == tuple(map(Fraction, expected.split()))


@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_maps_are_resampled_axis_by_axis(h: int, w: int, height: int, width: int, seed: int) -> None:
    """Differential: a batch of maps against the Kronecker product of both axes on the flattened map."""
    maps = np.random.default_rng(seed).standard_normal((2, 3, h, w))
    whole = np.kron(floats("bicubic", h, height), floats("bicubic", w, width))
    expected = (maps.reshape(2, 3, -1) @ whole.T).reshape(2, 3, height, width)
    assert np.abs(VAR.enlarged(maps, (height, width)) - expected).max() < 1e-12


def test_precision_is_that_of_the_maps() -> None:
    """Definition: float32 maps stay float32."""
    maps: NDArray[Any] = np.ones((1, 3, 3), dtype=np.float32)
    assert resampled("area", maps, (2, 2)).dtype == np.float32


def test_an_unknown_mode_is_named() -> None:
    """Bad input: the nearest mode is offered."""
    with pytest.raises(UnknownName, match="bicubic"):
        weights("bicubik", 2, 3)
