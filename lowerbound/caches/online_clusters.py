"""Clusters of keys that are found one key at a time, each with uniform samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.cache import FloatArray


def joined(
    counts: NDArray[np.int64], clusters: FloatArray, keys: FloatArray, coins: FloatArray, *, radius: float, most: int
) -> tuple[NDArray[np.int64], FloatArray]:
    """Sizes and rows [first key, samples] of at most `most` clusters, after some more keys, one by one.

    Contract: a key within `radius` of a cluster's first key joins the nearest one, else it opens a cluster where one is
    free; each sample of a cluster is uniform over its keys, by (n, samples) uniform coins.
    """
    n_clusters = len(counts)
    room = (0, min(most, n_clusters + len(keys)) - n_clusters)
    counts, clusters = np.pad(counts, room), np.pad(clusters, (room, (0, 0), (0, 0)))
    for key, key_coins in zip(keys, coins, strict=True):
        distances = np.linalg.norm(clusters[:n_clusters, 0] - key, axis=1)
        nearest = int(distances.argmin()) if n_clusters else 0
        if n_clusters < len(counts) and not (n_clusters and distances[nearest] <= radius):
            counts[n_clusters], clusters[n_clusters] = 1, key
            n_clusters += 1
        else:
            counts[nearest] += 1
            clusters[nearest, 1:][key_coins < 1 / counts[nearest]] = key
    return counts[:n_clusters], clusters[:n_clusters]
