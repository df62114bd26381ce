"""A public orthogonal basis with entries 0 and +-1: Sylvester's Hadamard matrix, repeated along the diagonal."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray


def order_of(d: int) -> int:
    """The number of nonzero entries of a basis row: the largest power of two that divides d."""
    return d & -d


@lru_cache(maxsize=16)
def basis(d: int) -> NDArray[np.int64]:
    """The basis B of R^d: d orthogonal rows, each with `order_of(d)` entries +-1 and all others 0; read-only.

    Contract: B B^T = order_of(d) I. So <B_j, x> / order_of(d) is coefficient j of x, and an error of at most e in every
    entry of x causes an error of at most e in this coefficient.
    """
    order = order_of(d)
    rows = np.ones((1, 1), dtype=np.int64)
    while len(rows) < order:
        rows = np.block([[rows, rows], [rows, -rows]])
    whole = np.kron(np.eye(d // order, dtype=np.int64), rows)
    whole.setflags(write=False)
    return whole


def coefficients(values: NDArray[np.float64], n_used: int) -> NDArray[np.float64]:
    """The coefficients c with values = 1/2 + c B / (2 n_used); c has the shape of `values`.

    A row of c with at most n_used nonzero entries, all in [-1, 1], gives a row of values in [0, 1].
    """
    d = values.shape[-1]
    found: NDArray[np.float64] = (values - 0.5) @ basis(d).T * (2 * n_used / order_of(d))
    return found


def combined(letters: NDArray[np.float64], n_used: int) -> NDArray[np.float64]:
    """The values 1/2 + c B / (2 n_used) for c = letters: the inverse of `coefficients`."""
    mixed: NDArray[np.float64] = 0.5 + letters @ basis(letters.shape[-1]) / (2 * n_used)
    return mixed
