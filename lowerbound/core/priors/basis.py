"""A public basis with entries 0 and +-1: Sylvester's matrix, repeated along the diagonal."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def order_of(d: int) -> int:
    """The largest power of two that divides d: how many entries of a basis row are not 0."""
    return d & -d


@lru_cache(maxsize=16)
def basis(d: int) -> NDArray[np.int64]:
    """d orthogonal rows of R^d, each with `order_of(d)` entries +-1 and zeros else; read-only.

    Contract: B B^T = order_of(d) I, so that <B_j, x> / order_of(d) is coefficient j of x, and is off by at most e where
    every entry of x is off by at most e.
    """
    order = order_of(d)
    rows = np.ones((1, 1), dtype=np.int64)
    while len(rows) < order:
        rows = np.block([[rows, rows], [rows, -rows]])
    whole = np.kron(np.eye(d // order, dtype=np.int64), rows)
    whole.setflags(write=False)
    return whole


def coefficients(values: NDArray[np.float64], n_used: int) -> NDArray[np.float64]:
    """c with values = 1/2 + c B / (2 n_used), shape as values: rows that use at most so many letters lie in [0, 1]."""
    d = values.shape[-1]
    found: NDArray[np.float64] = (values - 0.5) @ basis(d).T * (2 * n_used / order_of(d))
    return found


def combined(letters: NDArray[np.float64], n_used: int) -> NDArray[np.float64]:
    """1/2 + c B / (2 n_used), the inverse of `coefficients`."""
    mixed: NDArray[np.float64] = 0.5 + letters @ basis(letters.shape[-1]) / (2 * n_used)
    return mixed
