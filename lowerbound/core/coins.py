"""Exact random streams keyed by (seed, purpose): the same bytes on every machine, in any order, on any worker.

A stream is the SHAKE-256 expansion of its key, so that it depends on no library's generator and two streams never
share state.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowerbound.errors import invalid


@dataclass(frozen=True)
class Coins:
    """The random numbers of one purpose under one seed.

    Contract: two streams with equal (seed, purpose) give equal values in every process; changing either gives
    independent ones. Every method starts from the beginning of the stream.

    Parameters
    ----------
    seed : int
        Public coins, >= 0.
    purpose : str
        What the numbers are for, such as "symbols/trial 3".
    """

    seed: int
    purpose: str

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise invalid("seed", "be an integer >= 0", self.seed)

    def _key(self) -> bytes:
        return f"lowerbound/{self.seed}/{self.purpose}".encode()

    def bytes(self, n_bytes: int) -> bytes:
        """The first n_bytes of the stream."""
        return hashlib.shake_256(self._key()).digest(n_bytes)

    def bits(self, n_bits: int) -> NDArray[np.uint8]:
        """Fair coins, shape (n_bits,), entries 0 and 1."""
        raw = np.frombuffer(self.bytes((n_bits + 7) // 8), dtype=np.uint8)
        return np.unpackbits(raw, count=n_bits)

    def below(self, n_levels: int, count: int) -> NDArray[np.int64]:
        """`count` integers, uniform in [0, n_levels), without bias (rejection from 32-bit words)."""
        if not 1 <= n_levels <= 2**31:
            raise invalid("n_levels", "lie in [1, 2**31]", n_levels)
        if n_levels == 2:
            return self.bits(count).astype(np.int64)
        limit = 2**32 - 2**32 % n_levels
        asked = count + count // 4 + 16
        while True:
            words = np.frombuffer(self.bytes(4 * asked), dtype="<u4").astype(np.int64)
            accepted = words[words < limit]
            if len(accepted) >= count:
                return accepted[:count] % n_levels
            asked *= 2

    def generator(self) -> np.random.Generator:
        """A NumPy generator for real-valued draws; its floats are never hashed or compared across versions."""
        key = int.from_bytes(hashlib.sha256(self._key()).digest()[:16], "little")
        return np.random.Generator(np.random.Philox(key=key))
