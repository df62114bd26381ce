"""Fast softmax attention of torch's tensors: torch's exponential, and its products where they are faster than NumPy's.

Logits are bounded, as in `bounded`. Blocks of queries are shared among threads, each of which calls torch on one
thread. A thread that finishes its block takes the next one, so that a processor that is busy with other work delays one
block; torch's own threads would wait for each other after every operation.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from lowerbound.core.arrays import is_tensor
from lowerbound.core.oracle.bounded import FloatArray, KeyBlocks, bounded_attention
from lowerbound.core.threads import blocks, each

QUERIES_PER_BLOCK = 256
KEYS_PER_BLOCK = 512


def are_plain_tensors(*arrays: Any) -> bool:
    """Whether all are torch tensors that NumPy can read where they are: on the CPU, in float64, without gradient."""
    return all(is_tensor(a) and _is_plain(a) for a in arrays)


def _is_plain(tensor: Any) -> bool:
    import torch

    is_here = tensor.device.type == "cpu" and tensor.layout == torch.strided
    return bool(is_here and tensor.dtype == torch.float64 and not tensor.requires_grad)


@lru_cache(maxsize=1)
def has_faster_products() -> bool:
    """Whether torch multiplies faster than NumPy on this machine: it has MKL, and the processor is of MKL's maker.

    Elsewhere OpenBLAS, which NumPy has, is as fast, and its threads do not keep others waiting.
    """
    import platform
    from pathlib import Path

    import torch

    try:
        processor = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        processor = platform.processor()
    return torch.backends.mkl.is_available() and "GenuineIntel" in processor


def torch_attention(queries: FloatArray, key_blocks: KeyBlocks, values: FloatArray, n_tokens: int) -> FloatArray:
    """What `bounded_attention` returns, with torch's exponential; parameters and contract are its own.

    Memory beyond the output is O(threads * 256 * 1024), independent of the numbers of queries and tokens.
    """
    import torch

    def exponential(logits: FloatArray) -> None:
        torch.from_numpy(logits).exp_()

    threads = torch.get_num_threads()
    # A thread's number of threads is its own, but threads that start later take it over, so it is set back.
    torch.set_num_threads(1)
    try:
        if has_faster_products():
            return _attention(torch, threads, queries, key_blocks, values, n_tokens)
        # Without AVX-512 an exponential of NumPy's takes 5 ns in float64, and one of torch's 2.
        return bounded_attention(queries, key_blocks, values, n_tokens, exponential)
    finally:
        torch.set_num_threads(threads)


def _attention(
    torch: Any, threads: int, queries: FloatArray, key_blocks: KeyBlocks, values: FloatArray, n_tokens: int
) -> FloatArray:
    rows = min(QUERIES_PER_BLOCK, -(-len(queries) // threads)) or 1
    outputs = np.empty((len(queries), values.shape[1]), dtype=queries.dtype)

    def work(block: slice) -> None:
        _attend(torch, queries[block], key_blocks, values, n_tokens, outputs[block])

    each(work, blocks(len(queries), rows), threads=threads)
    return outputs


def _attend(
    torch: Any, queries: FloatArray, key_blocks: KeyBlocks, values: FloatArray, n_tokens: int, outputs: FloatArray
) -> None:
    asked, held, answers = (torch.from_numpy(array) for array in (queries, values, outputs))
    total = held.new_zeros((len(queries), 1))
    memory = held.new_empty(len(queries) * min(KEYS_PER_BLOCK, n_tokens))
    answers.zero_()
    # One buffer holds the weights of every block, and all operations on it are in place, because fresh memory costs as
    # much time as an exponential.
    for block in blocks(n_tokens, KEYS_PER_BLOCK):
        some = torch.from_numpy(key_blocks(block))
        weights = memory[: len(queries) * len(some)].view(len(queries), len(some))
        weights.addmm_(asked, some.T, beta=0).exp_()
        total += weights.sum(dim=1, keepdim=True)
        answers.addmm_(weights, held[block])
    answers /= total
