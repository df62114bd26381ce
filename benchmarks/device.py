"""The oracle and the game on an accelerator, through the array API: right within the bound, and how near its limits.

`python -m benchmarks device` with torch installed takes the first CUDA device, or the CPU where there is none, and says
which. The limits are measured in the same run: the rate of a large product, and that of a large copy. Tests with
array-api-strict check that no array is made on another device than the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np

from benchmarks.oracle import SIZES, arrays
from benchmarks.timing import Row, beside, paired, seconds, told
from lowerbound.caches.controls.full import Full64
from lowerbound.core.cache import FloatArray
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.oracle.attention import attention, attention_by_peaks
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.rows import longest
from lowerbound.core.rules import L2Norm, Scaled
from lowerbound.core.threads import n_threads
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import plan_reduction

SIDE = 4096
RUNS = 9


def device() -> Any:
    """The first accelerator, or the CPU."""
    import torch

    return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")


def name_of(place: Any) -> str:
    """The name of a device: that of the GPU, or the CPU with its number of threads."""
    import torch

    return str(torch.cuda.get_device_name(place)) if place.type == "cuda" else f"CPU, {torch.get_num_threads()} threads"


def finished(run: Callable[[], Any]) -> Callable[[], Any]:
    """The run, extended by waiting until the device has finished it, since CUDA calls return early."""
    import torch

    def wait() -> Any:
        result = run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return result

    return wait


class OnDevice(Full64):
    """float64 keys and values whose attention is computed on the accelerator.

    Idea: the oracle through the array API, on the device that torch has. Bits: 128 per token and dimension, as `full`.
    Broken by: nothing.
    """

    def attend(self, queries: FloatArray) -> FloatArray:
        import torch

        place = device()
        tensors = [torch.from_numpy(np.ascontiguousarray(rows)).to(place) for rows in (queries, self.keys, self.values)]
        answers: FloatArray = attention(*tensors, rule=self.public.rule).cpu().numpy()
        return answers


def limits(place: Any) -> tuple[float, float]:
    """Operations per second of a float64 product, and bytes per second of a copy, each the best of nine runs."""
    import torch

    square = torch.rand((SIDE, SIDE), dtype=torch.float64, device=place)
    product = finished(lambda: square @ square)
    copy = finished(lambda: square.clone())
    product()
    copy()
    rate = 2 * SIDE**3 / min(seconds(product) for _ in range(RUNS))
    bandwidth = 2 * square.nbytes / min(seconds(copy) for _ in range(RUNS))
    return rate, bandwidth


def check(place: Any, size: tuple[str, int, int, int]) -> Iterator[str]:
    """Compare attention on the device with its slower twin on the host.

    A difference beyond the rounding bounds of both raises RuntimeError.
    """
    import torch

    name, m, t, d = size
    on_host = arrays(m, t, d)
    tensors = [torch.from_numpy(array).to(place) for array in on_host]
    for rule in (Scaled(), L2Norm()):
        found = attention(*tensors, rule=rule).cpu().numpy()
        exact = attention_by_peaks(*on_host, rule=rule, keys_per_block=4096)
        largest = rule.logit_bound(d, longest(on_host[0]), longest(on_host[1]))
        bound = rounding_bound(d=d, n_tokens=t, max_logit=largest, max_value=1.0)
        error = float(np.abs(found - exact).max())
        if not error <= 2 * bound:
            raise RuntimeError(f"{name} on {place}: {error} from the host, which is over twice the bound {bound}")
        yield f"{name}, {rule}: at most {error:.1e} from the host; each is within {bound:.1e} of the truth"


def rows() -> Iterator[Row]:
    """Attention on the device, compared with torch's fused kernel and with the device's rate of products."""
    if not find_spec("torch"):
        return
    import torch

    torch.set_num_threads(n_threads())
    place = device()
    rate, _ = limits(place)
    for name, m, t, d in SIZES:
        tensors = [torch.from_numpy(array).to(place) for array in arrays(m, t, d)]
        heads = [tensor[None, None] for tensor in tensors]
        row = beside(
            "attention, float64, 1/sqrt(d)",
            f"{name}: {m} x {t} x {d}",
            finished(partial(attention, *tensors, rule=Scaled())),
            "torch's scaled_dot_product_attention",
            finished(partial(torch.nn.functional.scaled_dot_product_attention, *heads)),
        )
        yield row
        least_s = 4 * m * t * d / rate
        yield paired(row.what, row.size, [row.ours_s], "its products at this device's rate", [least_s])


def notes() -> Iterator[str]:
    """Lines on the device and its limits, on the check of its results, and on one game played with it."""
    if not find_spec("torch"):
        yield "torch is not installed; make thirdparty installs it for the CPU"
        return
    place = device()
    rate, bandwidth = limits(place)
    yield f"{name_of(place)}: float64 products {rate / 1e9:.0f} GFLOP/s, copies {bandwidth / 1e9:.0f} GB/s"
    for size in SIZES:
        yield from check(place, size)
    plan = plan_reduction(Geometry.of(find_model("var-d16")), seed=0)
    played = duel(plan, "benchmarks.device:OnDevice", isolation=Isolation.NONE)
    if played.errors:
        raise RuntimeError(f"{played.errors} symbols were misread on the device")
    yield f"one game of VAR-d16 on it: no error in {played.symbols} symbols, Bob {told(played.bob_seconds)}"
