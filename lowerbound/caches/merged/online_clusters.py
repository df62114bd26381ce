"""Online clustering of keys, one key at a time, with uniform samples of each cluster; vectorized over blocks of keys.

The result is that of a plain loop over the keys. Blocks exist only for speed: all distances of a block are computed at
once, and then the few decisions that depend on earlier keys of the same block are settled.
"""

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
    """The sizes, and rows [first key, samples], of at most `most` clusters after `keys` have joined them in order.

    Contract: a key within `radius` of a cluster's first key joins the cluster whose first key is nearest. Any other key
    opens a new cluster, or, once there are `most` clusters, joins the nearest one. Each sample is uniform over the
    cluster's keys; `coins`, shape (n, samples), are uniform in [0, 1).
    """
    for rows in blocks(len(keys), KEYS_PER_BLOCK):
        counts, clusters = _joined(counts, clusters, keys[rows], coins[rows], radius, most)
    return counts, clusters


def _joined(
    counts: NDArray[np.int64], clusters: FloatArray, keys: FloatArray, coins: FloatArray, radius: float, most: int
) -> tuple[NDArray[np.int64], FloatArray]:
    """`joined` for one block of keys, with all distances computed at once."""
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
    """Which keys would open a cluster if clusters were unlimited: keys not taken, and near no earlier opening key.

    Each round settles every key whose earlier neighbors are all settled, which always includes the first unsettled key;
    so the loop ends.
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
    """Clusters of one key each: all samples of a cluster are that key."""
    return np.repeat(keys[:, None], 1 + coins.shape[1], axis=1)


def _with_members(
    counts: NDArray[np.int64], clusters: FloatArray, homes: NDArray[np.int64], keys: FloatArray, coins: FloatArray
) -> tuple[NDArray[np.int64], FloatArray]:
    """The clusters after their new members: a cluster's n-th key replaces each of its samples with probability 1/n.

    Of several keys that would replace the same sample, the last one stays, as in a loop over the keys.
    """
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
