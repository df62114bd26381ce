"""Two maps onto the l1,1 ball, the matrices whose |entries| sum to at most a radius: bi-level and Euclidean."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lowerbound.errors import invalid

FloatArray = NDArray[np.float64]


def project_l1(vector: FloatArray, radius: float) -> FloatArray:
    """The Euclidean projection of a vector onto the l1 ball.

    Contract: the nearest vector with sum of |entries| <= radius. It is the input, soft-thresholded at
    theta = max(0, max_j (|v|_(1) + ... + |v|_(j) - radius) / j), where |v|_(1) >= |v|_(2) >= ...
    """
    if not radius >= 0:
        raise invalid("radius", "be >= 0", radius)
    sizes = np.abs(vector)
    if sizes.sum() <= radius:
        return vector.copy()
    ordered = np.sort(sizes)[::-1]
    theta = max(0.0, float(((np.cumsum(ordered) - radius) / np.arange(1, len(ordered) + 1)).max()))
    projected: FloatArray = np.sign(vector) * np.maximum(sizes - theta, 0.0)
    return projected


def bilevel_l11(matrix: FloatArray, radius: float) -> FloatArray:
    """Project the vector of column norms onto the l1 ball, then every column onto the ball of its own new norm.

    Contract: the result lies in the ball, and applying the map again changes nothing. In general it is farther from
    `matrix` than `euclidean_l11`; it is used because it zeroes whole columns.
    """
    radii = project_l1(np.abs(matrix).sum(axis=0), radius)
    columns = [project_l1(column, float(size)) for column, size in zip(matrix.T, radii, strict=True)]
    return np.stack(columns, axis=1)


def euclidean_l11(matrix: FloatArray, radius: float) -> FloatArray:
    """The nearest matrix with sum of |entries| <= radius: one threshold for all entries."""
    return project_l1(matrix.ravel(), radius).reshape(matrix.shape)
