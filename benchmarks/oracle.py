"""The oracle and exact coherence, compared with the matrix products that they contain, and with torch if installed.

The time of the two products alone is the limit of NumPy's linear algebra (OpenBLAS). torch has its own (MKL), with
which a whole attention may take less time than those products where a processor is of MKL's maker; then no attention in
NumPy can be as fast. Without AVX-512 an exponential of NumPy's takes 5 ns in float64, and one of torch's 2: at the
first size all of NumPy's take as long as both products. So torch's attention is compared both with the oracle on
torch's tensors, which uses torch's exponentials and the faster products, and with the oracle on NumPy's arrays; once on
an idle machine, and once while another process keeps a processor busy. What is promised for NumPy's arrays depends on
its exponentials.
"""

from __future__ import annotations

import statistics
import tracemalloc
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from math import log, log10, sqrt

import numpy as np

from benchmarks.timing import Row, beside, seconds
from lowerbound.core.keys.choice import find_family
from lowerbound.core.keys.family import coherence
from lowerbound.core.oracle.attention import attention
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.threads import n_threads

SIZES = (("VAR-d36-512", 1024, 2240, 64), ("Infinity-1M", 4096, 10521, 128))
RULES: tuple[tuple[str, Rule], ...] = (("1/sqrt(d)", Scaled()), ("l2norm", L2Norm()))
RUNS = 25
"""The number of pairs of runs where two attentions differ by little."""
PROMISED = 1.1
"""The largest promised ratio to torch's attention, of the oracle on torch's tensors."""
PROMISED_ON_NUMPY, PROMISED_TO_PRODUCTS = {True: 1.5, False: 2.0}, {True: 2.0, False: 3.0}
"""The largest promised ratios of the oracle on NumPy's arrays to torch's attention, and to the products in it, where
NumPy's exponentials use AVX-512, and elsewhere.

On a processor of MKL's maker, NumPy's products and exponentials alone take longer than torch's whole attention at the
smaller size.
"""
LONGEST = 10**6
LENGTHS = (62_500, 125_000, 250_000, 500_000, LONGEST)
STUDENT = 2.776
"""Student's t for 4 degrees of freedom, 95 %: five slopes."""


def arrays(m: int, t: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Random queries (m, d), keys (t, d) and values (t, d)."""
    coins = np.random.default_rng(0)
    return coins.standard_normal((m, d)), coins.standard_normal((t, d)), coins.random((t, d))


def both_products(
    queries: np.ndarray, keys: np.ndarray, values: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The two products of an attention, the second with weights that are given."""
    return queries @ keys.T, weights @ values


def has_wide_exponentials() -> bool:
    """Whether NumPy uses AVX-512 for exponentials in float64 here."""
    (told,) = np.lib.introspect.opt_func_info(func_name="^exp$", signature="float64")["exp"].values()
    return any(level in told["current"] for level in ("AVX512", "X86_V4"))


def attention_rows() -> Iterator[Row]:
    """Rows of attention, compared with its two products and with torch's attention on the same threads."""
    is_wide = has_wide_exponentials()
    for name, m, t, d in SIZES:
        queries, keys, values = arrays(m, t, d)
        weights = queries @ keys.T
        for rule_name, rule in RULES:
            yield beside(
                f"attention, {rule_name}",
                f"{name}: {m} x {t} x {d}",
                partial(attention, queries, keys, values, rule=rule),
                "its two products in NumPy",
                partial(both_products, queries, keys, values, weights),
                promised=PROMISED_TO_PRODUCTS[is_wide],
            )
        if find_spec("torch"):
            import torch

            torch.set_num_threads(n_threads())
            tensors = [torch.from_numpy(array) for array in (queries, keys, values)]
            heads = [tensor[None, None] for tensor in tensors]
            for busy in (False, True):
                for library, given, promised in (
                    ("torch's", tensors, PROMISED),
                    ("NumPy's", (queries, keys, values), PROMISED_ON_NUMPY[is_wide]),
                ):
                    yield beside(
                        f"attention, 1/sqrt(d), on {library} arrays",
                        f"{name}: {m} x {t} x {d}",
                        partial(attention, *given, rule=Scaled()),
                        f"torch {torch.__version__} scaled_dot_product_attention, float64",
                        partial(torch.nn.functional.scaled_dot_product_attention, *heads),
                        runs=RUNS,
                        promised=promised,
                        busy=busy,
                    )


def coherence_rows() -> Iterator[Row]:
    """Rows of exact coherence, compared with the float32 products on and above the diagonal.

    Families with a proved coherence need no products at all.
    """
    rows = 1 - 2 * np.random.default_rng(0).integers(0, 2, (16384, 128))
    single = rows.astype(np.float32)

    def products() -> None:
        for start in range(0, len(single), 2048):
            single[start : start + 2048] @ single[start:].T

    yield beside(
        "exact coherence of signs",
        "16384 x 128",
        lambda: coherence(rows),
        "Gram matrix in float32, upper triangle",
        products,
        runs=5,
        promised=1.5,
    )
    for name, n, d in (("trace", 16384, 128), ("kerdock", 4096, 64)):
        family = find_family(name)
        if family.capacity(d) >= n:
            keys = family.keys(n, d).rows
            yield beside(
                f"coherence proved by the family {name}",
                f"{n} x {d}",
                partial(family.coherence_bound, n, d),
                "exact coherence",
                partial(coherence, keys),
                runs=3,
                promised=1.0,
            )


def notes() -> Iterator[str]:
    """Lines on growth with the number of keys: the slope of log seconds, and the bytes beyond input and output."""
    queries, keys, values = arrays(256, LONGEST, 64)

    def run(length: int) -> None:
        attention(queries, keys[:length], values[:length], rule=L2Norm())

    slopes = []
    for _ in range(5):
        points = []
        for length in LENGTHS:
            run(length)
            points.append((log(length), log(seconds(partial(run, length)))))
        slopes.append(statistics.linear_regression(*zip(*points, strict=True)).slope)
    middle, margin = statistics.mean(slopes), STUDENT * statistics.stdev(slopes) / sqrt(len(slopes))
    low, high = (f"10^{log10(length):.1f}" for length in (LENGTHS[0], LENGTHS[-1]))
    yield f"time against T, 256 queries in R^64, T = {low} to {high}: T^{middle:.2f} +- {margin:.2f} (95 %)"
    for length in LENGTHS:
        tracemalloc.start()
        run(length)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        yield f"memory beyond the input at T = {length:>9,}: {peak / 2**20:.1f} MiB"


def rows() -> Iterator[Row]:
    """The rows of attention, then those of coherence."""
    yield from attention_rows()
    yield from coherence_rows()
