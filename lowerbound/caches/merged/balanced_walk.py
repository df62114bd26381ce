"""The self-balancing walk: random signs that split a set into two similar halves, and the half that then stays."""

from __future__ import annotations

import numpy as np

from lowerbound.caches.eviction.eviction import IndexArray
from lowerbound.core.cache import FloatArray


def walk(kernel: FloatArray, coins: FloatArray, gamma: float) -> FloatArray:
    """Signs, the first +1, then +1 with probability 1/2 - gamma * (sum over earlier j of G_ij sign_j), clipped.

    Parameters
    ----------
    kernel : array, shape (..., n, n)
        G, symmetric. Leading axes hold several sets, whose walks run at the same time.
    coins : array, shape (..., n)
        Uniform in [0, 1).
    """
    signs, drift = np.ones(coins.shape), np.zeros(coins.shape)
    for i in range(1, coins.shape[-1]):
        drift += kernel[..., i - 1, :] * signs[..., i - 1, None]
        signs[..., i] = np.where(coins[..., i] < 0.5 - gamma * drift[..., i], 1.0, -1.0)
    return signs


def survivors_of(signs: FloatArray) -> tuple[IndexArray, FloatArray]:
    """Exactly half of an even number of tokens, chosen by the signs of a walk, and the factor 1 or 2 of each."""
    half = len(signs) // 2
    counts = np.cumsum(signs[:, None] == [1.0, -1.0], axis=0)
    full_at = int(np.argmax(counts.max(axis=1) >= half))
    early = np.flatnonzero(signs[: full_at + 1] != signs[full_at])
    late = np.arange(full_at + 1, len(signs))
    return np.concatenate([early, late]), np.repeat([2.0, 1.0], [len(early), len(late)])
