"""Keys from Steiner quadruple systems: every block with all signs on its four points, and twice the standard basis.

Two blocks of a system in which three points lie in at most one block share at most two points, so no product of
two vectors exceeds half of their squared norm 4.
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
"""Developed modulo 10: the 30 blocks of S(3, 4, 10), the only one up to isomorphism."""

MOST_POINTS = 32
"""Larger dimensions get zero columns."""


def sqs10() -> list[Block]:
    """The 30 blocks of S(3, 4, 10), sorted: any three of ten points lie in exactly one."""
    return sorted({tuple(sorted((x + shift) % 10 for x in base)) for base in SQS10_BASE_BLOCKS for shift in range(10)})


def boolean_blocks(d: int) -> list[Block]:
    """The quadruples of 0..d-1 whose binary words add up to zero: planes of a binary affine space, cut off at d."""
    return [(a, b, c, a ^ b ^ c) for a, b, c in combinations(range(d), 3) if c < a ^ b ^ c < d]


@lru_cache
def quadruples(d: int) -> tuple[Block, ...]:
    """Blocks on d points, any two with at most two points in common: the larger of the two known systems."""
    boolean = boolean_blocks(d)
    return tuple(sqs10() if d >= 10 and len(boolean) < 30 else boolean)


class Steiner(KeyFamily):
    """16 sign vectors a block and 2 d axis vectors in R^d, d >= 4, at 1/2: 500 in R^10, 1260 in R^14."""

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
