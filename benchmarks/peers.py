"""One step of a cache beside the same step in torch, kvpress and transformers, on the same tensors and one thread.

A step takes in 4,096 tokens, decides what stays, writes the state as bytes in float16 or as codes, and reads it back.
Each peer does the same work on the same float64 numbers. Rows in float32, which promise nothing, show what this
package's precision costs: caches restore numbers in float64, so that only their states round.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.timing import Row, beside
from lowerbound.caches.registry import find_cache
from lowerbound.core.cache import Public
from lowerbound.core.rules import Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.threads import one_thread

TOKENS, D, KEPT = 4096, 128, 2048
WINDOW, KERNEL = 32, 5
GROUP, CODE_BITS = 32, 2
PROMISED = 2.0
SIZE = f"{TOKENS:,} x {D}"

Step = Callable[[], object]


def numbers() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys, values and queries, each (TOKENS, D)."""
    coins = np.random.default_rng(0)
    return coins.standard_normal((TOKENS, D)), coins.random((TOKENS, D)), coins.standard_normal((TOKENS, D))


def ours(name: str, budget: str) -> Step:
    """A step of a cache of this package, in float64."""
    kind, (keys, values, queries) = find_cache(name), numbers()
    place = Public(ScaleSchedule(((1, TOKENS), (1, 1))), D, Scaled(), budget=Fraction(budget))

    def step() -> object:
        with one_thread():
            cache: Any = kind(place)
            cache.append(keys, values, 0, queries)
            return cache.encode()

    return step


def alone(step: Step) -> Step:
    """A step of torch on one thread."""
    import torch

    def run() -> object:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.no_grad():
                return step()
        finally:
            torch.set_num_threads(threads)

    return run


def through_bytes(rows: Any) -> Any:
    """Rows of a torch tensor after their way through bytes in float16."""
    import torch

    data = bytearray(rows.half().numpy().tobytes())
    return torch.frombuffer(data, dtype=torch.float16).view(rows.shape).to(rows.dtype)


def kept(keys: Any, values: Any, rows: Any) -> object:
    """The rows that stay, through bytes."""
    rows = rows.sort().values
    return through_bytes(keys[rows]), through_bytes(values[rows])


def torch_steps(dtype: Any) -> dict[str, Step]:
    """The steps of three rules in torch: by norm with kvpress, by the last queries, and by all of them."""
    import kvpress
    import torch

    keys, values, queries = (torch.from_numpy(rows).to(dtype) for rows in numbers())
    press = kvpress.KnormPress(compression_ratio=1 - KEPT / TOKENS)

    def by_norm() -> object:
        module = torch.nn.Module()
        module.head_dim = D
        some, others = press.compress(module, keys[None], keys[None, None], values[None, None], None, {})
        return through_bytes(some[0, 0]), through_bytes(others[0, 0])

    def by_last_queries() -> object:
        weights = torch.softmax(queries[-WINDOW:] @ keys.T / math.sqrt(D), dim=-1).sum(dim=0)[:-WINDOW]
        votes = torch.nn.functional.avg_pool1d(weights[None], KERNEL, stride=1, padding=KERNEL // 2)[0]
        best = votes.topk(KEPT - WINDOW).indices
        return kept(keys, values, torch.cat([best, torch.arange(TOKENS - WINDOW, TOKENS)]))

    def by_all_queries() -> object:
        received = torch.softmax(queries @ keys.T / math.sqrt(D), dim=-1).sum(dim=0)
        recent = KEPT // 2
        best = received[:-recent].topk(KEPT - recent).indices
        return kept(keys, values, torch.cat([best, torch.arange(TOKENS - recent, TOKENS)]))

    return {"by norm": alone(by_norm), "by the last queries": alone(by_last_queries), "by all": alone(by_all_queries)}


def kivi_step() -> Step:
    """KIVI's rule in torch, in float64: codes of keys by channel and of values by token, packed, and back."""
    import torch

    keys, values, _ = (torch.from_numpy(rows) for rows in numbers())
    top, shifts = 2**CODE_BITS - 1, torch.arange(8 - CODE_BITS, -1, -CODE_BITS, dtype=torch.uint8)

    def restored(groups: Any) -> Any:
        low, high = groups.amin(dim=-1, keepdim=True).half(), groups.amax(dim=-1, keepdim=True).half()
        low, span = low.to(groups.dtype), high.to(groups.dtype) - low.to(groups.dtype)
        codes = ((groups - low) / torch.where(span > 0, span, 1.0) * top).round_().clamp_(0, top).to(torch.uint8)
        packed = (codes.view(-1, len(shifts)) << shifts).sum(dim=1, dtype=torch.uint8)
        data = torch.frombuffer(bytearray(packed.numpy().tobytes()), dtype=torch.uint8)
        found = (data[:, None] >> shifts & top).view(groups.shape).to(groups.dtype)
        return low + span * found / top

    def step() -> object:
        by_channel = keys.view(-1, GROUP, D).transpose(1, 2).contiguous()
        return restored(by_channel).transpose(1, 2).reshape(-1, D), restored(values.view(TOKENS, -1, GROUP))

    return alone(step)


def quantised_step() -> Step:
    """A step of transformers' quantised cache in float32, the precision of its library: codes, and back."""
    import torch
    from transformers import PretrainedConfig
    from transformers.cache_utils import QuantizedCache

    keys, values, _ = (torch.from_numpy(rows).float()[None, None] for rows in numbers())
    config = PretrainedConfig(num_hidden_layers=1)

    def step() -> object:
        cache = QuantizedCache(
            "quanto", config, nbits=CODE_BITS, axis_key=0, axis_value=0, q_group_size=GROUP, residual_length=GROUP
        )
        cache.update(keys, values, 0)
        layer = cache.layers[0]
        return layer._dequantize(layer._quantized_keys), layer._dequantize(layer._quantized_values)

    return alone(step)


def rows() -> Iterator[Row]:
    """Each cache beside its peer, in float64, and what float32 would take."""
    if not (find_spec("torch") and find_spec("kvpress")):
        return
    import torch

    double, single = torch_steps(torch.float64), torch_steps(torch.float32)
    for name, peer, what in (
        ("window", "by norm", "kvpress KnormPress"),
        ("snapkv", "by the last queries", "torch: the last 32 queries vote"),
        ("h2o", "by all", "torch: dense attention, summed over queries"),
    ):
        step = ours(name, "1/2")
        yield beside(f"{name}@1/2", SIZE, step, f"{what}, float64", double[peer], promised=PROMISED)
        yield beside(f"{name}@1/2", SIZE, step, f"{what}, float32", single[peer])
    name, step = f"kivi@{CODE_BITS}/16", ours("kivi", f"{CODE_BITS}/16")
    yield beside(name, SIZE, step, "torch: KIVI's rule, float64", kivi_step(), promised=PROMISED)
    yield beside(name, SIZE, step, "transformers QuantizedCache (quanto), float32", quantised_step())
