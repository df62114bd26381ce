"""Truth: known constants of Z^n, E8 and A_n*, brute force over the vectors that bound a cell, and inverse maps."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from lowerbound.ceiling.lattices import DualRoots, FloatArray, Gosset, Integers, Lattice
from lowerbound.errors import InvalidArgument

ALL = [Integers(1), Integers(5), Gosset(8), Gosset(24), DualRoots(1), DualRoots(2), DualRoots(3), DualRoots(64)]


def spread(lattice: Lattice, count: int = 2000, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).uniform(-9, 9, (count, lattice.n))


def relevant(lattice: Lattice) -> FloatArray:
    """Vectors that hold every face of the cell of 0: a lattice point is nearest if none of them leads to a nearer one.

    E8: norms 2 and 4 (Conway and Sloane, chapter 21). A_n*: the projections of all 0-1 vectors.
    """
    if isinstance(lattice, Gosset):
        whole = [v for v in itertools.product((-2, -1, 0, 1, 2), repeat=8) if sum(x * x for x in v) in (2, 4)]
        half = [v for v in itertools.product((-1.5, -0.5, 0.5, 1.5), repeat=8) if sum(x * x for x in v) in (2.0, 4.0)]
        return np.array([v for v in [*whole, *half] if sum(v) % 2 == 0])
    if isinstance(lattice, DualRoots):
        return np.array(list(itertools.product((0, 1), repeat=lattice.n + 1))) @ lattice.hyperplane.T
    return np.array(list(itertools.product((-1, 0, 1), repeat=lattice.n)))


@pytest.mark.parametrize("lattice", ALL, ids=repr)
def test_integers_and_points_are_inverse(lattice: Lattice) -> None:
    """Law: a point is its own nearest point, so that rounding twice changes nothing; coordinate i needs z_0 .. z_i."""
    integers = np.random.default_rng(1).integers(-1000, 1000, (50, lattice.n))
    points = lattice.points(integers)
    assert np.array_equal(lattice.nearest(points), integers)
    basis = lattice.points(np.eye(lattice.n, dtype=np.int64))
    assert np.allclose(basis, np.triu(basis))
    assert np.allclose(np.diag(basis) ** 2, [float(lattice.step_squared(i)) for i in range(lattice.n)])
    assert np.allclose(integers @ basis, points, atol=1e-9)


@pytest.mark.parametrize("lattice", [*ALL[:3], *ALL[4:7], DualRoots(7)], ids=repr)
def test_nearest_against_brute_force(lattice: Lattice) -> None:
    """Differential: no vector that bounds a cell leads to a nearer point."""
    rows = spread(lattice, 200)
    errors = rows - lattice.points(lattice.nearest(rows))
    least = ((errors[:, None] - relevant(lattice)[None]) ** 2).sum(axis=2).min(axis=1)
    assert ((errors**2).sum(axis=1) <= least + 1e-9).all()


@pytest.mark.parametrize("lattice", [*ALL, Gosset(64), Integers(64)], ids=repr)
def test_no_row_is_farther_than_the_covering_radius(lattice: Lattice) -> None:
    """Law: distances stay within the covering radius, and near deep holes, below, they reach it."""
    rows = spread(lattice)
    squared = ((rows - lattice.points(lattice.nearest(rows))) ** 2).sum(axis=1)
    assert squared.max() <= float(lattice.covering_squared) + 1e-9


@pytest.mark.parametrize(
    ("lattice", "hole"),
    [
        (Integers(5), np.full(5, 0.5)),
        (Gosset(8), np.eye(8)[0]),
        (Gosset(16), np.eye(16)[0] + np.eye(16)[15]),
        *((DualRoots(n), DualRoots(n).hyperplane @ np.arange(n + 1) / (n + 1)) for n in (1, 2, 3, 8, 64)),
    ],
    ids=repr,
)
def test_deep_holes(lattice: Lattice, hole: FloatArray) -> None:
    """Known value: halves in Z^n, (1, 0, .., 0) in E8, (0, 1, .., n)/(n + 1) in A_n* are as far away as it goes."""
    error = hole - lattice.points(lattice.nearest(hole[None]))[0]
    assert error @ error == pytest.approx(float(lattice.covering_squared), rel=1e-9)


@pytest.mark.slow
def test_constants() -> None:
    """Known values: E8 has 240 vectors of norm 2, covering radius 1 and volume 1; A_2* is hexagonal; A_3* is bcc."""
    norms = (relevant(Gosset(8)) ** 2).sum(axis=1)
    assert ((norms == 2).sum(), (norms == 4).sum()) == (240, 2160)
    assert np.allclose(Gosset(8).points(Gosset(8).nearest(relevant(Gosset(8)))), relevant(Gosset(8)))
    assert Gosset(8).covering_squared == Gosset(8).volume_squared == 1
    assert Gosset(64).covering_squared == 8
    assert Integers(64).covering_squared == 16
    assert Integers(64).volume_squared == 1
    assert (DualRoots(64).covering_squared, DualRoots(64).volume_squared) == (Fraction(4224, 780), Fraction(1, 65))
    # Covering densities: 2 pi / (3 sqrt 3) of the hexagonal lattice, 5 sqrt 5 pi / 24 of the body-centred cubic one.
    for lattice, unit_ball, density in (
        (DualRoots(2), math.pi, 1.2092),
        (DualRoots(3), 4 * math.pi / 3, 1.4635),
        (Gosset(8), math.pi**4 / 24, 4.0587),
    ):
        radius, volume = math.sqrt(lattice.covering_squared), math.sqrt(lattice.volume_squared)
        assert unit_ball * radius**lattice.n / volume == pytest.approx(density, abs=5e-5)


@pytest.mark.parametrize("make", [lambda: Gosset(12), lambda: Integers(0), lambda: DualRoots(True)])
def test_bad_dimensions(make: type) -> None:
    """Bad input: a positive integer, and a multiple of 8 for E8."""
    with pytest.raises(InvalidArgument, match="n must be"):
        make()
