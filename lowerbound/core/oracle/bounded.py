"""Softmax attention in NumPy, near the time of its two matrix products; in float64, or in float32 for float32 arrays.

Four things make it fast, and none changes what is computed. Logits of bounded size need no shift by their maximum:
exp(300) times the largest number of tokens is far from overflow, and exp(-300) from underflow. Blocks are laid out keys
by queries, so that both products have long sides in the layout that BLAS likes, and stay in a core's cache. Sums of
weights are one product with ones. And blocks of queries are shared among threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.threads import blocks, each, n_threads

FloatArray = NDArray[np.floating[Any]]

LARGEST_LOGIT = 300.0
"""Sums of up to 10^100 weights exp(+-300) are normal numbers of float64."""
LARGEST_SINGLE_LOGIT = 40.0
"""Sums of up to 10^20 weights exp(+-40) are normal numbers of float32."""
QUERIES_PER_BLOCK = 2048
KEYS_PER_BLOCK = 512
WORTH_THREADS = 2**20
"""Logits from which on threads save more than they cost."""


def bounded_attention(
    queries: FloatArray, key_blocks: Callable[[slice], FloatArray], values: FloatArray, n_tokens: int
) -> FloatArray:
    """Softmax attention for logits of at most LARGEST_LOGIT in size, or LARGEST_SINGLE_LOGIT for float32 arrays.

    The caller proves that they are.

    Parameters
    ----------
    queries : array, shape (m, d)
        Scaled, so that a logit is the inner product with a key.
    key_blocks : function
        From a slice of tokens to their keys, shape (n, d); asked from several threads.
    values : array, shape (t, h)

    Returns
    -------
    outputs : array, shape (m, h); memory beside it is O(threads * 2048 * 512), whatever m and t are.
    """
    n_queries = len(queries)
    outputs = np.empty((n_queries, values.shape[1]), dtype=queries.dtype)
    threads = n_threads() if n_queries * n_tokens >= WORTH_THREADS else 1
    rows = max(1, min(QUERIES_PER_BLOCK, -(-n_queries // threads)))

    def work(block: slice) -> None:
        _attend(queries[block], key_blocks, values, n_tokens, outputs[block])

    each(work, blocks(n_queries, rows), threads=threads)
    return outputs


def _attend(
    queries: FloatArray,
    key_blocks: Callable[[slice], FloatArray],
    values: FloatArray,
    n_tokens: int,
    outputs: FloatArray,
) -> None:
    across = np.ascontiguousarray(queries.T)
    n_queries, h = len(queries), values.shape[1]
    weights = np.empty((min(KEYS_PER_BLOCK, n_tokens), n_queries), dtype=queries.dtype)
    part, weighted = np.empty_like(weights, shape=(h, n_queries)), np.zeros_like(weights, shape=(h, n_queries))
    total, ones = np.zeros_like(weights, shape=n_queries), np.ones_like(weights, shape=len(weights))
    for block in blocks(n_tokens, KEYS_PER_BLOCK):
        size = block.stop - block.start
        some = weights[:size]
        np.matmul(key_blocks(block), across, out=some)
        np.exp(some, out=some)
        np.matmul(values[block].T, some, out=part)
        weighted += part
        total += ones[:size] @ some
    np.divide(weighted.T, total[:, None], out=outputs)
