"""Ranks of pyramids: exact, against tables that singular values gave, and against elimination."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from flint import fmpq_mat
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.core.models import find_model
from lowerbound.core.pyramid.ranks import (
    ChannelPyramid,
    Kernel,
    ReachOfScale,
    kronecker,
    random_kernels,
    rank,
    smoothing,
)
from lowerbound.core.pyramid.resampling import INFINITY, VAR, Resampling
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction
from lowerbound.var.simulator.tokens import VectorTokens, smoothed

# Counted independently, by singular values of float64 matrices at a relative tolerance of 1e-10; every gap was clean.
KNOWN: dict[str, tuple[Resampling, list[int], int]] = {
    "var-d16": (VAR, [0, 1, 4, 12, 21, 35, 62, 99, 165, 256], 424),
    "infinity-2b-0.06m": (INFINITY, [0, 1, 4, 19, 48, 105, 216], 265),
}
SLOW = {
    "var-d36-512": (VAR, [0, 1, 4, 12, 25, 55, 127, 273, 541, 1013], 1216),
    "infinity-2b-0.25m": (INFINITY, [0, 1, 4, 19, 48, 105, 216, 386, 575, 1018], 1497),
}


@lru_cache(maxsize=8)
def reaches_of(name: str, resampling: Resampling) -> list[ReachOfScale]:
    """Of every scale."""
    schedule = find_model(name).schedule
    return [ChannelPyramid(schedule, resampling).reach(scale) for scale in range(1, schedule.n_scales + 1)]


def counted(name: str, resampling: Resampling) -> tuple[list[int], int]:
    """The rank of every scale's input, and the joint rank of all of them."""
    reaches = reaches_of(name, resampling)
    return [reach.rank for reach in reaches], reaches[-1].joint_rank


def n_earlier(name: str) -> int:
    """The ids before the last map."""
    schedule = find_model(name).schedule
    return schedule.n_tokens - schedule.map_size(schedule.n_scales - 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_ranks_of_models(name: str) -> None:
    """Known value: the rank of every scale's input, and joint injectivity, over the rationals."""
    resampling, *known = KNOWN[name]
    assert list(counted(name, resampling)) == known
    assert known[-1] == n_earlier(name)


@pytest.mark.slow
def test_phi_of_all_scales() -> None:
    """Known value: the same to the last scale: every input is reached in full from the fifth on."""
    pyramid = ChannelPyramid(find_model("var-d16").schedule, VAR, random_kernels(0))
    assert [pyramid.reach(scale).rank for scale in (8, 9, 10)] == [100, 169, 256]
    assert pyramid.joint_rank(10) == 424


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SLOW)
def test_ranks_of_larger_models(name: str) -> None:
    """Known value: the same at 512 pixels, and of Infinity at a quarter of a million."""
    resampling, *known = SLOW[name]
    assert list(counted(name, resampling)) == known
    assert known[-1] == n_earlier(name)


@pytest.mark.slow
def test_single_scales_and_accumulated_maps() -> None:
    """Known value: VAR-256, from the same count: the last id map alone, and the accumulated map."""
    reaches = reaches_of("var-d16", VAR)[1:]
    assert [reach.rank_of_last for reach in reaches] == [1, 4, 9, 16, 25, 36, 64, 100, 169]
    assert [reach.f_hat_rank for reach in reaches] == [1, 4, 12, 27, 51, 84, 135, 213, 256]


@given(st.integers(1, 6), st.integers(1, 6), st.data())
def test_rank_is_that_of_elimination(rows: int, columns: int, data: st.DataObject) -> None:
    """Differential: against flint's own elimination over the rationals, on matrices of every rank."""
    inner = data.draw(st.integers(1, min(rows, columns)))
    numbers = st.integers(-3, 3)
    left = fmpq_mat(rows, inner, data.draw(st.lists(numbers, min_size=rows * inner, max_size=rows * inner)))
    right = fmpq_mat(inner, columns, data.draw(st.lists(numbers, min_size=inner * columns, max_size=inner * columns)))
    assert rank(left * right) == (left * right).rank()


@given(st.lists(st.integers(-2, 2), min_size=4, max_size=4), st.lists(st.integers(-2, 2), min_size=6, max_size=6))
def test_ranks_multiply(left: list[int], right: list[int]) -> None:
    """Law: the rank of a Kronecker product is the product of ranks."""
    a, b = fmpq_mat(2, 2, left), fmpq_mat(2, 3, right)
    assert rank(kronecker(a, b)) == a.rank() * b.rank()


def test_maps_may_not_shrink_below_an_earlier_one() -> None:
    """Bad input: a map larger than the last has no place in it."""
    with pytest.raises(ImpossibleReduction, match="larger than the last"):
        ChannelPyramid(ScaleSchedule.parse("4x4 2x2"), VAR)


@pytest.mark.slow
def test_phi_only_helps() -> None:
    """Known value: with random rational kernels the ranks of VAR-256's inputs, counted before by singular values."""
    pyramid = ChannelPyramid(find_model("var-d16").schedule, VAR, random_kernels(0))
    reaches = [pyramid.reach(scale) for scale in range(2, 8)]
    assert [reach.rank for reach in reaches] == [1, 4, 13, 25, 36, 64]
    assert [reach.joint_rank for reach in reaches] == [1, 5, 14, 30, 55, 91]


def test_phi_as_a_matrix_is_phi() -> None:
    """Differential: the exact matrix of one channel against the simulator's convolution."""
    (kernel, *_) = random_kernels(3)
    maps = np.random.default_rng(0).standard_normal((1, 3, 4))
    whole = np.array([[float(x.p) / float(x.q) for x in row] for row in smoothing(kernel, 3, 4).tolist()])
    expected = smoothed(maps, np.array(kernel, dtype=np.float64)[None, None], np.zeros(1), 0.5)
    assert np.abs(whole @ maps.ravel() - expected.ravel()).max() < 1e-14


@pytest.mark.parametrize("kernels", [None, random_kernels(1)])
def test_contents_are_the_simulators(kernels: tuple[Kernel, ...] | None) -> None:
    """Differential: exact maps from ids to inputs against a simulated pyramid of one channel, over all scales."""
    schedule, codes = ScaleSchedule.parse("1x1 2x3 3x3 4x5"), np.array([[-1.0], [0.25], [3.0]])
    phi = np.zeros((4, 1, 1, 3, 3))
    phi[:] = np.array(kernels, dtype=np.float64)[:, None, None] if kernels else np.pad([[1.0]], 1)
    tokens = VectorTokens(schedule, codes, phi, np.zeros((4, 1)), 0.5)
    pyramid = ChannelPyramid(schedule, VAR, kernels)
    ids = [np.random.default_rng(k).integers(3, size=(schedule.map_size(k), 1)) for k in range(3)]
    f_hat = np.sum([tokens.contribution(some, k) for k, some in enumerate(ids)], axis=0)
    found = tokens.reduced(f_hat, 3)[:, 0]
    blocks = [np.array(pyramid.content_of(3, k).tolist(), dtype=object) for k in range(3)]
    parts = (block @ [int(4 * codes[i, 0]) for i in ids[k][:, 0]] for k, block in enumerate(blocks))
    exactly: Any = sum(parts, start=0)
    assert np.abs(found - np.array([float(x.p) / float(x.q) / 4 for x in exactly])).max() < 1e-13
