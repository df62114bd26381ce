"""Known values: the explicit caches of the design notes, to their digits; counts against brute force; forged terms."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.ceiling.achieved import LATTICES, achieved, cheapest, rounded
from lowerbound.ceiling.code import Achieved, points_at_most
from lowerbound.ceiling.dithered import Dithered
from lowerbound.ceiling.lattices import DualRoots, Integers, Lattice
from lowerbound.ceiling.value_cells import CurvedCells
from lowerbound.errors import InvalidArgument, UnknownName
from tests.marks import first_now

ETAS = ("1/10", "3/100", "1/100", "3/1000", "1/1000")
TABLE = {
    (424, 64): (0.4040, 0.5082, 0.6053, 0.7124, 0.8105),
    (1216, 64): (0.4033, 0.5074, 0.6046, 0.7116, 0.8098),
    (6425, 128): (0.4056, 0.5101, 0.6076, 0.7151, 0.8136),
}
FINEST = {(424, 64): (0.8746, 1.0165), (1216, 64): (0.8739, 1.0157), (6425, 128): (0.8780, 1.0204)}


def fp16_fraction(found: Achieved) -> float:
    """Bits beside those of the same keys and values in fp16."""
    return found.bits / (2 * found.n_tokens * found.d * 16)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "fractions"), TABLE.items())
def test_the_explicit_caches(shape: tuple[int, int], fractions: tuple[float, ...]) -> None:
    """Known values: fraction of fp16 at multiplier 100, VAR-256, VAR-512 and Infinity-1M, design notes section 1."""
    for eta, wanted in zip(ETAS, fractions, strict=True):
        found = cheapest(*shape, multiplier=100, eta=eta)
        assert found.code == "a"
        assert round(fp16_fraction(found), 4) == wanted


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "fractions"), first_now(FINEST.items(), n_slow=0))
def test_the_finest_explicit_caches(shape: tuple[int, int], fractions: tuple[float, float]) -> None:
    """Known values: the same at 1/2048 and 1/10000, where they are more than fp16."""
    for eta, wanted in zip(("1/2048", "1/10000"), fractions, strict=True):
        assert round(fp16_fraction(cheapest(*shape, multiplier=100, eta=eta)), 4) == wanted


def test_a_token_at_one_thousandth() -> None:
    """Known values: 1660.0 bits per token on A_64*; E8 and Z^64 follow as their coverings say; uniform cells 1701."""
    bits = {name: float(achieved(name, 424, 64, multiplier=100, eta="1/1000").bits_per_token) for name in LATTICES}
    assert round(bits["a"], 1) == 1660.0
    # One dimension of E8 is half a bit less than of Z at one covering radius, 32 bits of 64.
    assert bits["z"] - bits["e8"] == pytest.approx(32, abs=0.01)
    assert bits["e8"] - bits["a"] == pytest.approx(1723 - 1708, abs=1)
    uniform = rounded("a", 424, 64, multiplier=100, eta="1/1000", profile="uniform")
    assert float(uniform.bits_per_token) + math.lgamma(425) / math.log(2) / 424 == pytest.approx(1708, abs=0.5)


@pytest.mark.parametrize(("eta", "fraction"), first_now([("1/10", 0.3516), ("1/100", 0.548), ("1/1000", 0.753)]))
def test_dithered(eta: str, fraction: float) -> None:
    """Known values: fraction of fp16 at delta = 0.01 on VAR-256; below the plainer bound's .3986, .5617 and .7603."""
    best = cheapest(424, 64, multiplier=100, eta=eta, failure_prob="0.01")
    assert best.code == "dithered"
    assert round(fp16_fraction(best), 4) == fraction
    assert best.n_words**424 <= 2**best.bits
    assert best.bits <= best.played_bits <= best.bits + 48 + 424 / 64 + 1


@pytest.mark.parametrize(
    ("lattice", "spacing"),
    [(Integers(2), "1/7"), (Integers(3), "1/4"), (DualRoots(2), "1/9"), (DualRoots(3), "1/4"), (Integers(1), "1/5")],
)
def test_points_near_the_sphere_are_counted(lattice: Lattice, spacing: str) -> None:
    """Differential: no fewer than the lattice points that near to the sphere, one by one, at any shift.

    Closed form: the length, area or volume of a shell of twice the reach, over that of a cell.
    """
    unit = Fraction(spacing)
    span = range(-math.ceil(3 / unit), math.ceil(3 / unit) + 1)
    points = lattice.points(np.array(list(itertools.product(span, repeat=lattice.n)))) * float(unit)
    reach = float(unit) * math.sqrt(lattice.covering_squared)
    bound = points_at_most(lattice, unit)
    for shift in (0.0, 0.3):
        norms = np.linalg.norm(points + shift * float(unit), axis=1)
        count = int((np.abs(norms - 1) <= reach).sum())
        assert 0 < count <= bound
    high, low = 1 + 2 * reach, max(0.0, 1 - 2 * reach)
    unit_ball = {1: 2.0, 2: math.pi, 3: 4 * math.pi / 3}[lattice.n]
    cell = float(unit) ** lattice.n * math.sqrt(lattice.volume_squared)
    assert bound == math.floor(unit_ball * (high**lattice.n - low**lattice.n) / cell + 1e-9)


def test_bits_are_enough() -> None:
    """Law: 2^bits states are at least the multisets of N words, exactly, and nearly no more than needed."""
    for cache, (n_tokens, d) in itertools.product(("z", "a"), ((1, 1), (7, 2), (40, 3))):
        found = achieved(cache, n_tokens, d, multiplier=10, eta="1/10")
        states = math.comb(found.n_words + n_tokens - 1, n_tokens)
        assert states <= 2**found.bits
        assert found.bits <= math.log2(states) + 1 + 1.5 * n_tokens**2 / found.n_words
        assert found.bits <= found.played_bits <= found.bits + 48 + 1 + 0.1 * n_tokens


def test_more_is_dearer() -> None:
    """Metamorphic: bits rise with the multiplier, with 1/eta and, a token, fall with T; a doubling costs d - 1 bits."""
    base = cheapest(100, 16, multiplier=50, eta="1/50")
    assert cheapest(100, 16, multiplier=50, eta="1/60").bits > base.bits
    assert cheapest(200, 16, multiplier=50, eta="1/50").bits_per_token < base.bits_per_token
    doubled = cheapest(100, 16, multiplier=100, eta="1/50")
    assert float(doubled.bits_per_token - base.bits_per_token) == pytest.approx(15, abs=0.1)


def forged(found: Achieved) -> list[tuple[Achieved, dict[str, Any], str]]:
    return [
        (found, {"spacing": found.spacing * (1 + Fraction(1, 2**10))}, "spacing must"),
        (found, {"spacing": Fraction(0)}, "spacing must"),
        (found, {"multiplier": found.multiplier * 2}, "spacing must"),
        (found, {"eta": found.eta / 2}, "must"),
        (found, {"lattice": Integers(found.d + 1)}, "lattice must"),
    ]


def test_forged_terms_are_refused() -> None:
    """Forgery: a coarser grid, a larger multiplier, cells of another promise, another lattice, fewer failures."""
    plain = achieved("a", 20, 8, multiplier=100, eta="1/100")
    dithered = achieved("dithered", 20, 8, multiplier=100, eta="1/100", failure_prob="1/100")
    cases = [*forged(plain), *forged(dithered)]
    assert isinstance(dithered, Dithered)
    cases += [
        (dithered, {"failure_prob": Fraction(99, 10000)}, "spacing must"),
        (dithered, {"failure_prob": Fraction(0)}, "failure_prob must"),
        (dithered, {"steps": dithered.steps - 1}, "spacing must"),
        (dithered, {"steps": 49}, "half_width must"),
        (dithered, {"tilt": dithered.tilt * Fraction(3, 4)}, "spacing must"),
        (dithered, {"tilt": -dithered.tilt}, "tilt must be > 0"),
        (plain, {"spacing": plain.spacing * (1 + Fraction(1, 2**20))}, "spacing must"),
        (plain, {"cells": CurvedCells.fit(plain.eta * 2, plain.eta)}, "cells must"),
        (plain, {"eta": plain.eta / 2}, "cells must"),
    ]
    cases += [
        (plain, {"failure_prob": Fraction(1, 100)}, "failure_prob must"),
        (plain, {"n_tokens": 0}, "n_tokens must"),
    ]
    for found, change, sentence in cases:
        with pytest.raises(InvalidArgument, match=sentence):
            replace(found, **change)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"code": "dither"}, "did you mean"),
        ({"eta": "1/2"}, "eta must lie"),
        ({"eta": 0}, "eta must lie"),
        ({"eta": "1/100001"}, r"eta must lie in \[1/100000, 1/2\)"),
        ({"multiplier": 0}, "multiplier must be > 0"),
        ({"n_tokens": 0}, "n_tokens and d must be >= 1"),
        ({"failure_prob": "1/100"}, "failure_prob must be 0"),
        (
            {"code": "dithered"},
            r"failure_prob must be in \(0, 1\).*'0'; the nearest valid choice is 1/1000000, or a code without coins",
        ),
        ({"code": "dithered", "failure_prob": 1}, r"failure_prob must be in \(0, 1\).*99/100"),
    ],
)
def test_bad_input(change: dict[str, Any], sentence: str) -> None:
    """Bad input: one sentence."""
    terms: dict[str, Any] = {"code": "z", "n_tokens": 5, "d": 2, "multiplier": 10, "eta": "1/10"}
    with pytest.raises((InvalidArgument, UnknownName), match=sentence):
        achieved(**(terms | change))
