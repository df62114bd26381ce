"""Shells of lattices, which the kernel counts and never lists, against all vectors and all pairs of them."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.core.keys.code_lattices import Shell
from lowerbound.core.keys.family import coherence
from lowerbound.core.keys.golay import LeechSection, SecondGolayShell
from lowerbound.kernel.codec import Rejected
from lowerbound.kernel.rules.separated import check_separated

Json = Any
HALF = Fraction(1, 2)


def listed(length: int, words: set[int], norm: int) -> list[list[int]]:
    """The vectors of a shell by its definition: of all vectors of this length, those that have its three properties."""
    most = int(norm**0.5)
    return [
        list(vector)
        for vector in itertools.product(range(-most, most + 1), repeat=length)
        if sum(x * x for x in vector) == norm
        and sum(vector) % 4 == 0
        and sum((x & 1) << k for k, x in enumerate(reversed(vector))) in words
    ]


def spanned(basis: list[int]) -> set[int]:
    words = {0}
    for each in basis:
        words |= {word ^ each for word in words}
    return words


def is_accepted(vectors: Json, n: int, width: int, bound: Fraction) -> bool:
    """Whether the kernel accepts n of these vectors at a coherence."""
    try:
        check_separated(vectors, n, width, bound)
    except Rejected:
        return False
    return True


def test_a_shell_is_counted_and_its_pairs_are_as_far_apart_as_the_lemma_says() -> None:
    """Differential: for random codes, the count is that of a list, and all pairs of the list pass at the same bound."""
    rng = random.Random(5)
    compared = 0
    for _ in range(150):
        length, norm = rng.randint(2, 5), rng.randint(1, 13)
        basis = [rng.getrandbits(length) for _ in range(rng.randint(0, 3))]
        words = spanned(basis)
        if len(words) < 1 << len(basis):
            continue
        rows = listed(length, words, norm)
        least = min([8, *(word.bit_count() for word in words if word)])
        bound = 1 - Fraction(least, 2 * norm)
        shell = {"length": length, "basis": [f"{word:0{-(-length // 4)}x}" for word in basis], "norm": norm}
        if not rows or bound < 0:
            assert not is_accepted(shell, len(rows) + 1, length, max(bound, Fraction(0)))
            continue
        compared += 1
        assert is_accepted(shell, len(rows), length + 2, bound)
        assert not is_accepted(shell, len(rows) + 1, length, bound)
        assert not bound or not is_accepted(shell, len(rows), length, bound - Fraction(1, 10**9))
        assert is_accepted({"rows": rows}, len(rows), length, bound)
        assert Shell(length, tuple(basis), norm).size == len(rows) or any(word.bit_count() % 2 for word in words)
    assert compared > 20


@pytest.mark.parametrize(
    ("family", "d", "size"),
    [
        (LeechSection(), 16, 4320),
        (LeechSection(), 18, 6500),
        (LeechSection(), 24, 98256),
        (SecondGolayShell(), 16, 61440),
    ],
)
def test_theta_series(family: LeechSection, d: int, size: int) -> None:
    """Known value: theta series of the Barnes-Wall lattice, and kissing numbers of sections of the Leech lattice."""
    told = family.shell(d).described()
    bound = family.shell(d).coherence
    assert family.capacity(d) == size
    assert is_accepted(told, size, d, bound)
    assert not is_accepted(told, size + 1, d, bound)
    assert not is_accepted(told, size, d, bound - Fraction(1, 10**9))
    assert not is_accepted(told, size, d - 1, bound)


@pytest.mark.parametrize("d", [16, 19])
def test_the_pairs_of_a_large_shell(d: int) -> None:
    """Differential: exact products of all pairs of 3000 vectors of a family reach the lemma's bound, and no more."""
    family = SecondGolayShell()
    rows = family.keys(3000, d).rows
    assert len(np.unique(rows, axis=0)) == 3000
    assert coherence(rows) == family.coherence_bound(3000, d) == Fraction(2, 3)
    assert is_accepted({"rows": rows[:1000].tolist()}, 1000, d, Fraction(2, 3))


GOOD: Json = {"length": 8, "basis": ["ff"], "norm": 8}


@pytest.mark.parametrize(
    ("change", "n", "reason"),
    [
        ({"basis": ["ff", "ff"]}, 5, "independent"),
        ({"basis": ["00"]}, 5, "independent"),
        ({"basis": ["0f"]}, 5, "cosine over 1/2"),
        ({"basis": ["ff", "03"]}, 5, "cosine over 1/2"),
        ({"basis": [f"{1 << k % 8:02x}" for k in range(21)]}, 5, "limit of 1048576 words"),
        ({"basis": ["1ff"]}, 5, "hex digits"),
        ({"basis": ["FF"]}, 5, "hex digits"),
        ({"basis": [255]}, 5, "hex digits"),
        ({"basis": "ff"}, 5, "must be a list"),
        ({"norm": 12}, 5, "cosine over 1/2"),
        ({"norm": 33}, 5, "squared norm must"),
        ({"norm": 0}, 5, "squared norm must"),
        ({"norm": True}, 5, "squared norm must"),
        ({"norm": "8"}, 5, "squared norm must"),
        ({"length": 9}, 5, "hex digits|length must"),
        ({"length": 33}, 5, "length must"),
        ({"length": 0}, 5, "length must"),
        ({"cosets": ["00"]}, 5, "unknown key"),
        ({}, 241, "there must be 241 vectors, got 240"),
    ],
)
def test_forged_shells(change: Json, n: int, reason: str) -> None:
    """Forgery: the roots of E8 with one field changed, each refused for its own reason."""
    check_separated(GOOD, 240, 8, HALF)
    with pytest.raises(Rejected, match=reason):
        check_separated({**GOOD, **change}, n, 8, HALF)


def test_a_shell_lacks_no_field() -> None:
    """Forgery: the length or the basis left out."""
    for name in ("length", "basis"):
        with pytest.raises(Rejected, match="lacks the key"):
            check_separated({key: value for key, value in GOOD.items() if key != name}, 5, 8, HALF)
