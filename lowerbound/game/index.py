"""INDEX: Alice holds m symbols and sends one message; Bob must name the one he is asked for.

Any protocol with mean error delta needs m (1 - H2(delta)) bits (`bounds.INDEX_FLOOR`), public coins included: this
is lossy compression of fair coins.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.coins import Coins
from lowerbound.errors import invalid

Symbols = NDArray[np.int64]


class OneWayProtocol(ABC):
    """A message, and a reader of it. Bob's argument is all that Bob may know."""

    @abstractmethod
    def alice(self, symbols: Symbols) -> bytes:
        """The message for these symbols."""

    @abstractmethod
    def bob(self, message: bytes) -> Symbols:
        """An answer for every position: what Bob would say if asked for it."""


def draw_symbols(seed: int, trial: int, *, n_levels: int, shape: tuple[int, int], kind: str = "symbols") -> Symbols:
    """Alice's input: independent uniform symbols in [0, n_levels), one stream a trial and kind."""
    flat = Coins(seed, f"{kind}/{n_levels}/trial {trial}").below(n_levels, shape[0] * shape[1])
    return flat.reshape(shape)


def exact_optimum(m: int, n_messages: int) -> Fraction:
    """The least mean error of any INDEX protocol on m bits with n_messages messages.

    Contract: the exact minimum over all protocols, public coins included (a mixture is no better than its best part),
    by enumeration of all sets of n_messages codewords, one of them 0 (a translation changes nothing).
    Cost: binom(2^m - 1, n_messages - 1) sets; m <= 4.
    """
    if not 1 <= m <= 4:
        raise invalid("m", "lie in [1, 4], where all protocols can be enumerated", m)
    if not 1 <= n_messages <= 2**m:
        raise invalid("n_messages", f"lie in [1, {2**m}]", n_messages)
    inputs = np.arange(2**m)
    distance = np.array([[int(x ^ y).bit_count() for y in inputs] for x in inputs])
    best = min(int(distance[:, (0, *rest)].min(axis=1).sum()) for rest in combinations(range(1, 2**m), n_messages - 1))
    return Fraction(best, 2**m * m)
