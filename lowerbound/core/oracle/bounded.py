"""Fast softmax attention in NumPy for bounded logits; it takes little more time than its products and exponentials.

It computes in the precision of its arrays, float64 or float32. Four choices make it fast, and none changes what is
computed:

* It does not subtract the largest logit: with |logit| <= 300, no sum of weights can overflow or underflow.
* A block of logits has shape (keys, queries): both products then have long contiguous sides, as BLAS prefers, and the
  block stays in the cache of its core.
* The sum of weights is a matrix product with a vector of ones.
* Blocks of queries are shared among threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.threads import blocks, each, n_threads

FloatArray = NDArray[np.floating[Any]]
KeyBlocks = Callable[[slice], FloatArray]
BoundedAttention = Callable[[FloatArray, KeyBlocks, FloatArray, int], FloatArray]
"""Attention of scaled queries over keys that come in blocks, and their values, where a bound on logits is proved."""

LARGEST_LOGIT = 300.0
"""Largest |logit| in float64: a sum of up to 10^100 weights, each in [exp(-300), exp(300)], is a normal number."""
LARGEST_SINGLE_LOGIT = 40.0
"""Largest |logit| in float32: a sum of up to 10^20 weights, each in [exp(-40), exp(40)], is a normal number."""
QUERIES_PER_BLOCK = 256
KEYS_PER_BLOCK = 1024
WORTH_THREADS = 2**20
"""The number of logits (queries times keys) from which on several threads are faster than one."""


def _exponential(logits: FloatArray) -> None:
    np.exp(logits, out=logits)


def bounded_attention(
    queries: FloatArray,
    key_blocks: KeyBlocks,
    values: FloatArray,
    n_tokens: int,
    exponential: Callable[[FloatArray], None] = _exponential,
) -> FloatArray:
    """Softmax attention for |logit| <= LARGEST_LOGIT, or <= LARGEST_SINGLE_LOGIT for float32 arrays.

    The caller must have proved that bound; it is not checked here.

    Parameters
    ----------
    queries : array, shape (m, d)
        Scaled so that a logit is the inner product of a query and a key.
    key_blocks : function
        Maps a slice of n tokens to their keys, shape (n, d). Several threads call it at the same time.
    values : array, shape (t, h)
    n_tokens : int
        t, the number of keys.
    exponential : function
        Replaces every entry of an array by its exponential, with a relative error of at most 4 unit roundoffs in
        float64, and 8 in float32. Several threads call it at the same time.

    Returns
    -------
    outputs : array, shape (m, h)
        Memory beyond the output is O(threads * 256 * 1024), independent of m and t.
    """
    n_queries = len(queries)
    outputs = np.empty((n_queries, values.shape[1]), dtype=queries.dtype)
    threads = n_threads() if n_queries * n_tokens >= WORTH_THREADS else 1
    rows = max(1, min(QUERIES_PER_BLOCK, -(-n_queries // threads)))

    def work(block: slice) -> None:
        _attend(queries[block], key_blocks, values, n_tokens, outputs[block], exponential)

    each(work, blocks(n_queries, rows), threads=threads)
    return outputs


def _attend(
    queries: FloatArray,
    key_blocks: KeyBlocks,
    values: FloatArray,
    n_tokens: int,
    outputs: FloatArray,
    exponential: Callable[[FloatArray], None],
) -> None:
    across = np.ascontiguousarray(queries.T)
    n_queries, h = len(queries), values.shape[1]
    weights = np.empty((min(KEYS_PER_BLOCK, n_tokens), n_queries), dtype=queries.dtype)
    part, weighted = np.empty_like(weights, shape=(h, n_queries)), np.zeros_like(weights, shape=(h, n_queries))
    total, ones = np.zeros_like(weights, shape=n_queries), np.ones_like(weights, shape=len(weights))
    # Every step writes into memory allocated above, because allocating memory for each block costs page faults. Since
    # logits are bounded, no peak is tracked and no partial sum is ever rescaled.
    for block in blocks(n_tokens, KEYS_PER_BLOCK):
        size = block.stop - block.start
        some = weights[:size]
        np.matmul(key_blocks(block), across, out=some)
        exponential(some)
        np.matmul(values[block].T, some, out=part)
        weighted += part
        total += ones[:size] @ some
    np.divide(weighted.T, total[:, None], out=outputs)
