"""Fast softmax attention for torch tensors on the CPU; it takes little more time than its two matrix products.

Logits are bounded, as in `bounded`. Blocks of queries are shared among threads, each of which calls torch on one
thread. A thread that finishes its block takes the next one, so that a processor that is busy with other work delays one
block; torch's own threads would wait for each other after every operation.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lowerbound.core.arrays import is_tensor
from lowerbound.core.threads import blocks

QUERIES_PER_BLOCK = 256
KEYS_PER_BLOCK = 512


def are_plain_tensors(*arrays: Any) -> bool:
    """Whether all arrays are torch tensors on the CPU that need no gradient: in-place operations would lose it."""
    return all(is_tensor(a) and a.device.type == "cpu" and not a.requires_grad for a in arrays)


def batched_attention(queries: Any, keys: Any, values: Any) -> Any:
    """Softmax attention for |logit| <= LARGEST_LOGIT; the caller must have proved that bound, which is not checked.

    Parameters
    ----------
    queries : tensor, shape (m, d)
        Scaled so that a logit is the inner product of a query and a key.
    keys : tensor, shape (t, d)
    values : tensor, shape (t, h)

    Returns
    -------
    outputs : tensor, shape (m, h)
        Memory beyond the output is O(threads * 256 * 512), independent of m and t.
    """
    outputs = values.new_empty((queries.shape[0], values.shape[1]))

    def work(rows: slice) -> None:
        _attend(queries[rows], keys, values, outputs[rows])

    _each(work, queries.shape[0])
    return outputs


def _each(work: Callable[[slice], None], n_queries: int) -> None:
    """Call `work` on blocks of queries, on as many threads as torch may use."""
    import torch

    threads = torch.get_num_threads()
    rows = min(QUERIES_PER_BLOCK, -(-n_queries // threads)) or 1
    tasks = list(blocks(n_queries, rows))
    if threads == 1 or len(tasks) <= 1:  # torch shares a single block among its own threads
        for task in tasks:
            work(task)
        return
    try:
        # A thread's number of threads is its own, but threads that start later take it over, so it is set back.
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(work, tasks))
    finally:
        torch.set_num_threads(threads)


def _attend(queries: Any, keys: Any, values: Any, outputs: Any) -> None:
    n_queries, n_tokens = queries.shape[0], keys.shape[0]
    total = values.new_zeros((n_queries, 1))
    memory = values.new_empty(n_queries * min(KEYS_PER_BLOCK, n_tokens))
    outputs.zero_()
    # One buffer holds the weights of every block, and all operations on it are in place, because fresh memory costs as
    # much time as an exponential.
    for block in blocks(n_tokens, KEYS_PER_BLOCK):
        some = keys[block]
        weights = memory[: n_queries * some.shape[0]].view(n_queries, some.shape[0])
        weights.addmm_(queries, some.T, beta=0).exp_()
        total += weights.sum(dim=1, keepdim=True)
        outputs.addmm_(weights, values[block])
    outputs /= total
