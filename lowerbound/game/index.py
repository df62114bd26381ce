"""INDEX: Alice has m symbols and sends one message; Bob must name the symbol at a position that only he knows.

For bits, any protocol with mean error delta needs at least m (1 - H2(delta)) bits (`bounds.INDEX_FLOOR`), even with
public coins. The problem is equivalent to lossy compression of fair coins.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from fractions import Fraction
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import invalid

Symbols = NDArray[np.int64]


class OneWayProtocol(ABC):
    """A one-way protocol: Alice turns symbols into a message, and Bob reads it. Bob sees nothing but his argument."""

    @abstractmethod
    def alice(self, symbols: Symbols) -> bytes:
        """The message for these symbols."""

    @abstractmethod
    def bob(self, message: bytes) -> Symbols:
        """Bob's answers for all positions: at each, what he would say if he were asked for it."""


def draw_symbols(
    instances: PrivateSeed, trial: int, *, n_levels: int, shape: tuple[int, int], kind: str = "symbols"
) -> Symbols:
    """Alice's input: independent uniform symbols in [0, n_levels), with separate coins for every trial and kind."""
    flat = instances.coins(f"{kind}/{n_levels}/trial {trial}").below(n_levels, shape[0] * shape[1])
    return flat.reshape(shape)


def exact_optimum(m: int, n_messages: int) -> Fraction:
    """The smallest mean error of any INDEX protocol on m bits with n_messages messages.

    Contract: the exact minimum over all protocols; m outside [1, 4] or n_messages outside [1, 2^m] raise
    InvalidArgument. Public coins do not help, because a mixture of protocols is no better than its best one.
    Method: enumerate all sets of n_messages codewords that contain 0, which is no restriction, because translating a
    set does not change its error. Cost: binom(2^m - 1, n_messages - 1) sets.
    """
    if not 1 <= m <= 4:
        raise invalid("m", "lie in [1, 4], where all protocols can be enumerated", m)
    if not 1 <= n_messages <= 2**m:
        raise invalid("n_messages", f"lie in [1, {2**m}]", n_messages)
    inputs = np.arange(2**m)
    distance = np.array([[int(x ^ y).bit_count() for y in inputs] for x in inputs])
    best = min(int(distance[:, (0, *rest)].min(axis=1).sum()) for rest in combinations(range(1, 2**m), n_messages - 1))
    return Fraction(best, 2**m * m)
