"""Addresses of our own making, for tests of the judge: directions pushed apart, then rounded."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from lowerbound.core.keys.family import Keys, coherence

RESOLUTION = 4096
"""Directions are rounded to multiples of 1 / 4096 of their length."""


def optimised(n: int, d_a: int, *, rounds: int = 1000, seed: int = 0) -> tuple[Keys, Fraction]:
    """n directions in R^d_a pushed apart by gradient steps on a soft maximum of their cosines, then rounded.

    Contract: the coherence is that of the rounded rows, exact up to 2^-32 upwards, whatever the search did; another
    machine may find other rows. Cost: rounds products of n x d_a x n in single precision.
    """
    directions = np.random.default_rng(seed).normal(size=(n, d_a)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    sharpness = 8.0
    for _ in range(rounds):
        pull = directions @ directions.T
        np.fill_diagonal(pull, -9)
        pull -= pull.max(axis=1, keepdims=True)
        pull *= sharpness
        np.exp(pull, out=pull)
        pull /= pull.sum(axis=1, keepdims=True)
        directions -= 0.5 / (1 + sharpness / 20) * (pull @ directions)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        sharpness = min(1.01 * sharpness, 400.0)
    rows = np.rint(RESOLUTION * directions).astype(np.int64)
    lengths = (rows * rows).sum(axis=1)
    # The judge divides by the least length: what it must be told is a little more than the coherence.
    spread = Fraction(int(lengths.max()), int(lengths.min()))
    return Keys(f"optimised-{d_a}", rows), coherence(rows) * spread
