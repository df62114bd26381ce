"""Keys from Steiner quadruple systems: sign vectors supported on the blocks, and +-2 times the standard basis.

A block has four points, and any three points lie in at most one block. So two blocks share at most two points, and the
inner product of two vectors is at most 2, half of their squared norm 4.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from itertools import combinations, product
from typing import ClassVar

import numpy as np

from lowerbound.core.keys.family import IntRows, KeyFamily, padded

Block = tuple[int, ...]

SQS10_BASE_BLOCKS: tuple[Block, ...] = ((0, 1, 3, 4), (0, 1, 2, 6), (0, 2, 4, 7))
"""The 10 shifts modulo 10 of these blocks are the 30 blocks of S(3, 4, 10), which is unique up to isomorphism."""

MOST_POINTS = 32
"""The largest number of points of a system. In larger dimensions the other coordinates are zero."""


def sqs10() -> list[Block]:
    """The 30 blocks of S(3, 4, 10), sorted: any three of the ten points lie in exactly one block."""
    return sorted({tuple(sorted((x + shift) % 10 for x in base)) for base in SQS10_BASE_BLOCKS for shift in range(10)})


def boolean_blocks(d: int) -> list[Block]:
    """The quadruples of distinct numbers in 0..d-1 whose bitwise sum (XOR) is zero.

    They are the planes of a binary affine space that lie within its first d points.
    """
    return [(a, b, c, a ^ b ^ c) for a, b, c in combinations(range(d), 3) if c < a ^ b ^ c < d]


@lru_cache
def quadruples(d: int) -> tuple[Block, ...]:
    """Blocks on d points, any two of which share at most two points.

    They are the blocks of `sqs10` if d >= 10 and `boolean_blocks(d)` has fewer than 30, else `boolean_blocks(d)`.
    """
    boolean = boolean_blocks(d)
    return tuple(sqs10() if d >= 10 and len(boolean) < 30 else boolean)


class Steiner(KeyFamily):
    """16 sign vectors per block and 2d axis vectors, in R^d for d >= 4, at coherence 1/2.

    There are 500 keys in R^10 and 1260 in R^14.
    """

    name: ClassVar[str] = "steiner"
    source: ClassVar[str] = "Barrau 1908; Hanani 1960"

    def capacity(self, d: int) -> int:
        points = min(d, MOST_POINTS)
        return 16 * len(quadruples(points)) + 2 * points if d >= 4 else 0

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        return Fraction(1, 2) if d >= 4 else None

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        points = min(d, MOST_POINTS)
        blocks = quadruples(points)
        signed = np.zeros((16 * len(blocks), points), dtype=np.int64)
        for number, (block, signs) in enumerate(product(blocks, product((1, -1), repeat=4))):
            signed[number, list(block)] = signs
        twice = 2 * np.eye(points, dtype=np.int64)
        axes = np.stack([twice, -twice], axis=1).reshape(-1, points)
        return padded(np.concatenate([signed, axes])[:n], d)
