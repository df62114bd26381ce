"""Random keys from public coins: the Gaussian map of the paper, random signs, and greedy signs.

Their coherence depends on the sample. It is measured exactly, and there is no bound for all samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.core.coins import Coins
from lowerbound.core.keys.family import IntRows, KeyFamily
from lowerbound.errors import ImpossibleReduction, invalid

_GAUSSIAN_SCALE = 2**12


class GaussianJL(KeyFamily):
    """The paper's Johnson-Lindenstrauss images f(e_i) = g_i / sqrt(d), with g_i rounded to multiples of 2^-12."""

    name: ClassVar[str] = "gaussian"
    source: ClassVar[str] = "arXiv:2503.14881, Johnson-Lindenstrauss embedding of the standard basis"

    def capacity(self, d: int) -> int:
        return 2**31

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        return None

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        sample = Coins(seed, f"keys/gaussian/{n}x{d}").generator().standard_normal((n, d))
        rows = np.rint(sample * _GAUSSIAN_SCALE).astype(np.int64)
        rows[~rows.any(axis=1), 0] = 1
        return rows


class RandomSigns(KeyFamily):
    """Independent sign vectors, each uniform in {-1, 1}^d."""

    name: ClassVar[str] = "signs"
    source: ClassVar[str] = "Achlioptas 2003; tail by Hoeffding 1963"

    def capacity(self, d: int) -> int:
        return 2**31

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        return None

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        coins = Coins(seed, f"keys/signs/{n}x{d}").bits(n * d).reshape(n, d)
        return 1 - 2 * coins.astype(np.int64)


@dataclass(frozen=True)
class GreedySigns(KeyFamily):
    """Random sign vectors, each kept if its inner product with every vector kept before is small enough.

    As long as n - 1 < exp(d mu^2 / 2), a vector that fits always exists (Gilbert-Varshamov); a union bound needs twice
    that dimension. With `max_coherence=None`, the limit on the inner product starts at -2 (d even) or -1 (d odd) and is
    raised in steps of 2 (a coherence of 2/d) until n vectors are found. A given `max_coherence` that the draws do not
    reach raises ImpossibleReduction.
    """

    max_coherence: Fraction | None = None
    name: ClassVar[str] = "greedy"
    source: ClassVar[str] = "Gilbert 1952, Varshamov 1957"

    def capacity(self, d: int) -> int:
        return 1 << min(d, 31)

    def coherence_bound(self, n: int, d: int) -> Fraction | None:
        return None

    def _rows(self, n: int, d: int, seed: int) -> IntRows:
        if self.max_coherence is not None:
            rows = self._attempt(n, d, math.floor(self.max_coherence * d), seed)
            if rows is None:
                raise ImpossibleReduction(
                    f"{n} greedy signs of coherence {self.max_coherence} must be found in R^{d}, "
                    f"but {self._tries(n)} draws did not; a larger coherence may"
                )
            return rows
        for product in range(d % 2 - 2, d, 2):
            # At most d + 1 vectors can have pairwise negative products (Rankin), so no draw can succeed here.
            if n > 2 * d and product < 0:
                continue
            rows = self._attempt(n, d, product, seed)
            if rows is not None:
                return rows
        raise invalid("n", f"be at most 2**{d}, the number of sign vectors", n)

    @staticmethod
    def _tries(n: int) -> int:
        return 40 * n + 4000

    def _attempt(self, n: int, d: int, product: int, seed: int) -> IntRows | None:
        kept = np.empty((n, d), dtype=np.float32)
        count = 0
        draws = Coins(seed, f"keys/greedy/{n}x{d}/{product}").bits(self._tries(n) * d)
        candidates = (1 - 2 * draws.astype(np.float32)).reshape(-1, d)
        for done, candidate in enumerate(candidates):
            if not count or (kept[:count] @ candidate).max() <= product:
                kept[count] = candidate
                count += 1
                if count == n:
                    return kept.astype(np.int64)
            if done == 2 * n and count < n // 20:
                return None
        return None
