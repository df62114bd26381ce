"""Clusters of keys that are found one key at a time, each with uniform samples; computed a block of keys at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from lowerbound.core.cache import FloatArray
from lowerbound.core.threads import blocks

KEYS_PER_BLOCK = 256
Flags = NDArray[np.bool_]


def joined(
    counts: NDArray[np.int64], clusters: FloatArray, keys: FloatArray, coins: FloatArray, *, radius: float, most: int
) -> tuple[NDArray[np.int64], FloatArray]:
    """Sizes and rows [first key, samples] of at most `most` clusters, after some more keys, one by one.

    Contract: a key within `radius` of a cluster's first key joins the nearest one, else it opens a cluster where one is
    free; each sample of a cluster is uniform over its keys, by (n, samples) uniform coins.
    """
    for rows in blocks(len(keys), KEYS_PER_BLOCK):
        counts, clusters = _joined(counts, clusters, keys[rows], coins[rows], radius, most)
    return counts, clusters


def _joined(
    counts: NDArray[np.int64], clusters: FloatArray, keys: FloatArray, coins: FloatArray, radius: float, most: int
) -> tuple[NDArray[np.int64], FloatArray]:
    """A block of keys, with all its distances at once."""
    n_old, n_keys = len(counts), len(keys)
    apart = cdist(keys, np.concatenate([clusters[:, 0], keys]))
    near_old, near_new = (apart[:, :n_old] <= radius).any(axis=1), apart[:, n_old:] <= radius
    opens = _first_of_their_kind(near_new, near_old)
    opens[np.flatnonzero(opens)[max(0, most - n_old) :]] = False
    firsts = np.flatnonzero(opens)
    is_there = np.concatenate([np.ones((n_keys, n_old), dtype=bool), firsts < np.arange(n_keys)[:, None]], axis=1)
    apart = np.where(is_there, apart[:, np.concatenate([np.arange(n_old), n_old + firsts])], np.inf)
    homes = np.where(opens, n_old + np.cumsum(opens) - 1, apart.argmin(axis=1))
    return _with_members(
        np.pad(counts, (0, len(firsts))), np.concatenate([clusters, _alone(keys[firsts], coins)]), homes, keys, coins
    )


def _first_of_their_kind(near: Flags, is_taken: Flags) -> Flags:
    """Which keys open a cluster where all are free: those near no earlier key that does, and not taken.

    Each round settles all keys whose earlier neighbours are settled; the first unsettled one always is.
    """
    earlier = np.tril(near, -1)
    opens, is_open = np.zeros(len(near), dtype=bool), ~is_taken
    while is_open.any():
        waiting = np.flatnonzero(is_open)
        new = waiting[~earlier[np.ix_(waiting, waiting)].any(axis=1)]
        opens[new] = True
        is_open[new] = False
        is_open[near[:, new].any(axis=1)] = False
    return opens


def _alone(keys: FloatArray, coins: FloatArray) -> FloatArray:
    """Clusters of one key each, which is all their samples."""
    return np.repeat(keys[:, None], 1 + coins.shape[1], axis=1)


def _with_members(
    counts: NDArray[np.int64], clusters: FloatArray, homes: NDArray[np.int64], keys: FloatArray, coins: FloatArray
) -> tuple[NDArray[np.int64], FloatArray]:
    """The clusters after their new members: the n-th takes a sample's place with chance 1/n, and the last one stays."""
    order = np.argsort(homes, kind="stable")
    starts = np.searchsorted(homes[order], homes[order])
    sizes = np.empty(len(keys), dtype=np.int64)
    sizes[order] = counts[homes[order]] + 1 + np.arange(len(keys)) - starts
    rows, places = np.nonzero(coins < 1 / sizes[:, None])
    last = np.full((len(counts), coins.shape[1]), -1)
    np.maximum.at(last, (homes[rows], places), rows)
    at, place = np.nonzero(last >= 0)
    clusters[at, 1 + place] = keys[last[at, place]]
    return counts + np.bincount(homes, minlength=len(counts)), clusters
