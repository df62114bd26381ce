"""Fast softmax attention for torch tensors on the CPU; it takes little more time than its two matrix products.

Logits are bounded, as in `bounded`. Queries form a batch of groups of equal size, so that torch distributes the groups
among its threads in each operation.
"""

from __future__ import annotations

from typing import Any

from lowerbound.core.arrays import is_tensor
from lowerbound.core.threads import blocks

QUERIES_PER_GROUP = 512
QUERIES_PER_BATCH = 4096
LOGITS_AT_ONCE = 5 * 2**19
"""The largest number of logits in memory at once, for a full batch of queries."""


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
        Memory beyond the output is O(LOGITS_AT_ONCE), independent of m and t.
    """
    outputs = values.new_empty((queries.shape[0], values.shape[1]))
    whole = queries.shape[0] // QUERIES_PER_GROUP * QUERIES_PER_GROUP
    for rows in blocks(whole, QUERIES_PER_BATCH):
        _attend(queries[rows], keys, values, outputs[rows], QUERIES_PER_GROUP)
    if whole < queries.shape[0]:
        _attend(queries[whole:], keys, values, outputs[whole:], queries.shape[0] - whole)
    return outputs


def _attend(queries: Any, keys: Any, values: Any, outputs: Any, size: int) -> None:
    n_groups, n_tokens = queries.shape[0] // size, keys.shape[0]
    groups = queries.reshape(n_groups, size, queries.shape[1])
    weighted = outputs.view(n_groups, size, outputs.shape[1]).zero_()
    total = values.new_zeros((n_groups, size, 1))
    n_keys = min(LOGITS_AT_ONCE // len(queries), n_tokens)
    memory = values.new_empty(len(queries) * n_keys)
    # One buffer holds the weights of every block, and all operations on it are in place, because fresh memory costs as
    # much time as an exponential. `expand` repeats keys and values for all groups without copying them.
    for block in blocks(n_tokens, n_keys):
        some, others = keys[block].T.expand(n_groups, -1, -1), values[block].expand(n_groups, -1, -1)
        weights = memory[: len(queries) * some.shape[2]].view(n_groups, size, some.shape[2])
        weights.baddbmm_(groups, some, beta=0).exp_()
        total += weights.sum(dim=2, keepdim=True)
        weighted.baddbmm_(weights, others)
    weighted /= total
