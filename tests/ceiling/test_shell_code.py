"""Truth: words and points are inverse maps, no interval is given twice, and every interval is as long as its share."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lowerbound.ceiling.code import points_at_most
from lowerbound.ceiling.lattices import DualRoots, FloatArray, Gosset, IntArray, Integers, Lattice
from lowerbound.ceiling.shell_code import NOISE, ODDS_BITS, ShellCode
from lowerbound.errors import CorruptState, InvalidArgument

PLACES: list[tuple[Lattice, Fraction]] = [
    (Integers(1), Fraction(1, 50)),
    (Integers(2), Fraction(1, 50)),
    (Integers(16), Fraction(1, 1000)),
    (Gosset(8), Fraction(1, 300)),
    (DualRoots(5), Fraction(1, 20)),
    (DualRoots(64), Fraction(1, 2**18)),
]


def code_of(lattice: Lattice, spacing: Fraction, n_tails: int = 1, shift: float = 0.0) -> ShellCode:
    reach = float(spacing) * math.sqrt(lattice.covering_squared)
    return ShellCode(lattice, float(spacing), reach, np.full(lattice.n, shift), n_tails)


def near_sphere(lattice: Lattice, spacing: Fraction, count: int, shift: float = 0.0) -> IntArray:
    """The integers of points near random unit vectors, and near the axes, where coordinates are extreme."""
    rows = np.random.default_rng(2).normal(size=(count, lattice.n))
    rows[: min(count, lattice.n)] = np.eye(lattice.n)[:count]
    units: FloatArray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return lattice.nearest(units / float(spacing) - shift)


@pytest.mark.parametrize("shift", [0.0, 0.37])
@pytest.mark.parametrize(("lattice", "spacing"), PLACES, ids=repr)
def test_words_and_points_are_inverse(lattice: Lattice, spacing: Fraction, shift: float) -> None:
    """Law: integers and tails come back, alone as in company, since no float depends on the tokens beside it."""
    n_tails = 1000
    code = code_of(lattice, spacing, n_tails, shift)
    n_words = points_at_most(lattice, spacing) * n_tails << 4
    integers = near_sphere(lattice, spacing, 40, shift)
    tails = [(7919 * i) % n_tails for i in range(40)]
    words = code.encode(integers, tails, n_words)
    assert words is not None
    assert all(0 <= word < n_words for word in words)
    found, read = code.decode(words, n_words)
    assert np.array_equal(found, integers)
    assert read == tails
    for i in (0, 39):
        assert code.encode(integers[i : i + 1], tails[i : i + 1], n_words) == words[i : i + 1]
        assert np.array_equal(code.decode(words[i : i + 1], n_words)[0], integers[i : i + 1])


@pytest.mark.parametrize(
    ("lattice", "spacing"), [(Integers(2), Fraction(1, 9)), (DualRoots(2), Fraction(1, 6))], ids=repr
)
def test_every_word_is_one_point_or_none(lattice: Lattice, spacing: Fraction) -> None:
    """Law: over all words of a small bound, those that are read are those that are written, and each point has one."""
    n_tails = 2
    code = code_of(lattice, spacing, n_tails)
    n_words = points_at_most(lattice, spacing) * n_tails
    found = []
    for word in range(n_words):
        try:
            integers, tails = code.decode([word], n_words)
        except CorruptState:
            continue
        found.append((*integers[0].tolist(), *tails))
        assert code.encode(integers, tails, n_words) == [word]
    assert len(set(found)) == len(found)
    norms = np.linalg.norm(lattice.points(np.array(found)[:, :-1]) * float(spacing), axis=1)
    assert norms.max() > 1
    assert norms.min() < 1


@pytest.mark.parametrize(("lattice", "spacing"), PLACES[1:], ids=repr)
def test_words_fit_the_proved_bound(lattice: Lattice, spacing: Fraction) -> None:
    """Measured: every point has a word below the proved number of points, for random keys and keys on the axes.

    The bound is the volume of a shell twice as thick as the one that is coded. So most points should have a word below
    the share of the thinner one, and a tenth more, and most should have none below a tenth less.
    """
    unit = 2**20
    code, integers = code_of(lattice, spacing, unit), near_sphere(lattice, spacing, 100)
    n_words = points_at_most(lattice, spacing) * unit
    assert code.encode(integers, [0] * 100, n_words) is not None
    r, n = float(spacing) * math.sqrt(lattice.covering_squared), lattice.n
    share = ((1 + r) ** n - (1 - r) ** n) / ((1 + 2 * r) ** n - (1 - 2 * r) ** n)
    for factor, most in ((1.1, True), (0.9, False)):
        bound = n_words * int(share * factor * unit) // unit
        fit = sum(code.encode(row[None], [0], bound) is not None for row in integers[min(n, 50) :])
        assert (2 * fit > len(integers) - min(n, 50)) == most


def test_odds_are_the_shares_of_a_shell() -> None:
    """Known value: in R^3 every slice that meets both spheres has one area, pi (B - A), as Archimedes found.

    Each cut errs by at most 2^-46 over the thickness of the shell, and adds that much to keep every integer possible.
    """
    code, zero = code_of(Integers(3), Fraction(1, 40)), np.zeros(1)
    _, first = code._place(0, np.zeros((1, 3), dtype=np.int64))
    cuts = [int(code._odds(0, zero, first, zero, np.array([cut]))[0]) for cut in range(-38, 40)]
    shares = np.diff(cuts) / 2**ODDS_BITS
    low, high = (40 - math.sqrt(3) / 2) ** 2, (40 + math.sqrt(3) / 2) ** 2
    wanted = (high - low) / (4 / 3 * (high**1.5 - low**1.5))
    assert np.abs(shares - wanted).max() <= 4 * NOISE / (1 - (low / high) ** 1.5)


@pytest.mark.parametrize(("lattice", "spacing"), PLACES[1:], ids=repr)
def test_odds_increase(lattice: Lattice, spacing: Fraction) -> None:
    """Law: 4000 neighbouring cuts, in the middle, at the inner and outer ends and in the tail, are strictly increasing.

    Cuts that rounding error put out of order would give one word to two points.
    """
    code, integers = code_of(lattice, spacing), near_sphere(lattice, spacing, 60)
    squares = np.cumsum(lattice.points(integers) ** 2, axis=1)
    for i in {0, 1, lattice.n // 2, lattice.n - 2, lattice.n - 1}:
        before = squares[:, i - 1] if i else np.zeros(len(integers))
        start, first = code._place(i, integers)
        for row in (0, len(integers) - 1):
            last = int(code._counts[i])
            for middle in (0, last // 2, last // 3, last, int(integers[row, i] - first[row])):
                cuts = first[row] + np.arange(max(0, middle - 400), min(last, middle + 400) + 1)
                a, b, c = (np.full(len(cuts), each[row]) for each in (start, first, before))
                assert (np.diff(code._odds(i, a, b, c, cuts)) > 0).all()
                ends = np.diff(code._odds(i, a[:2], b[:2], c[:2], first[row] + np.array([0, last])))
                assert 0 < ends[0] <= 2**ODDS_BITS


def test_too_fine_a_lattice_is_refused() -> None:
    """Bad input: odds have 62 bits, and a spacing that they cannot tell apart is refused, not rounded."""
    with pytest.raises(InvalidArgument, match="spacing must be coarse enough"):
        code_of(Integers(2), Fraction(1, 10**12))
