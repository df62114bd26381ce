"""Addresses for Theorem F: sign vectors in nearly all dimensions of a head, described as blocks of a binary code.

Two constructions are offered. One takes the largest power of two that fits, a Kerdock set where there is one and a
trace code elsewhere, and deletes a coordinate where the head leaves no room for it. The other deletes pseudo-random
coordinates of the next trace code, until the head's dimension is met.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.keys.kerdock import kerdock_forms
from lowerbound.core.keys.trace import TraceCode
from lowerbound.kernel.rules.addresses import AddressCode, Coset

Deleted = Sequence[int] | NDArray[np.int64]
"""The coordinates of a code that are left out."""
LARGEST_DEGREE = 12
EXPONENTS = (3, 5, 7, 9)
"""The nonlinear parts of a trace code, from those whose sums are smallest; as many as the tokens need."""


def address_sets(n: int, width: int) -> Iterator[AddressCode]:
    """Sets of n distinct words of at most `width` >= 2 bits that may serve as addresses; none if no code has n."""
    degree = min((width + 1).bit_length() - 1, LARGEST_DEGREE)
    deleted = range(width, 2**degree)
    if degree >= 4 and degree % 2 == 0 and n <= 2 ** (2 * degree):
        leaders = _words(kerdock_forms(degree), deleted)
        yield _numbered(n, 2**degree - len(deleted), _affine(degree, deleted), leaders)
    else:
        yield from _linear(n, degree, deleted)
    if degree < LARGEST_DEGREE and 2**degree != width + 1:
        places = 1 + np.random.default_rng(0).permutation(2 ** (degree + 1) - 1)[: 2 ** (degree + 1) - width]
        yield from _linear(n, degree + 1, places)


def described(addresses: AddressCode) -> dict[str, Any]:
    """The addresses in the kernel's form."""

    def word(value: int) -> str:
        return f"{value:0{-(-addresses.length // 4)}x}"

    return {
        "length": addresses.length,
        "basis": [word(each) for each in addresses.basis],
        "blocks": [[word(block.leader), block.size] for block in addresses.blocks],
    }


def _words(bits: NDArray[np.int64], deleted: Deleted) -> list[int]:
    """The rows of a 0/1 matrix as words without the deleted places; entry 0 is bit 0."""
    kept = np.delete(bits, deleted, axis=1).astype(np.uint8)
    return [int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little") for row in kept]


def _independent(words: Sequence[int]) -> list[int]:
    """The words that are no sum of earlier ones."""
    pivots: list[int] = []
    found = []
    for word in words:
        rest = word
        for pivot in pivots:
            rest = min(rest, rest ^ pivot)
        if rest:
            pivots.append(rest)
            found.append(word)
    return found


def _affine(degree: int, deleted: Deleted) -> list[int]:
    points = np.arange(2**degree)
    rows = [*(points >> k & 1 for k in range(degree)), np.ones_like(points)]
    return _independent(_words(np.array(rows), deleted))


def _linear(n: int, degree: int, deleted: Deleted) -> Iterator[AddressCode]:
    """Words of one linear code, if it has enough."""
    code = TraceCode(degree, EXPONENTS)
    n_digits = (code.size - 1).bit_length()
    traces = _words(code.bits(1 << np.arange(min(n_digits, 60))), deleted)
    length = 2**degree - len(deleted)
    ones = (1 << length) - 1
    basis = _independent([*traces[:degree], ones, *traces[degree:]])[: max((n - 1).bit_length(), degree + 1)]
    if n <= 2 ** len(basis):
        yield _numbered(n, length, basis, [0])


def _numbered(n: int, length: int, basis: Sequence[int], leaders: Sequence[int]) -> AddressCode:
    """The first n words, in the order of leaders and then of binary digits: blocks as large as possible."""
    whole, rest = divmod(n, 2 ** len(basis))
    blocks = [Coset(leader, len(basis)) for leader in leaders[:whole]]
    leader = leaders[whole] if rest else 0
    for size in reversed(range(len(basis))):
        if rest >> size & 1:
            blocks.append(Coset(leader, size))
            leader ^= basis[size]
    return AddressCode(length, tuple(basis), tuple(blocks))
