"""Public coins: pseudo-random bytes that (seed, purpose) determines, the same on every machine and in every process.

The bytes are the SHAKE-256 expansion of the key (seed, purpose). They depend on no library's random generator, and the
coins of two purposes share no state, so the order in which they are drawn does not matter.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowerbound.errors import invalid


@dataclass(frozen=True)
class Coins:
    """The public coins of one purpose under one seed.

    Contract: two `Coins` with equal (seed, purpose) give equal values in every process; changing either gives
    independent values; a seed that is not an integer >= 0 raises InvalidArgument. Every method reads from the start of
    the expansion, so a second call returns the same coins again.

    Parameters
    ----------
    seed : int
        The public seed, >= 0.
    purpose : str
        What the coins are for, such as "symbols/trial 3".
    """

    seed: int
    purpose: str

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise invalid("seed", "be an integer >= 0", self.seed)

    def _key(self) -> bytes:
        return f"lowerbound/{self.seed}/{self.purpose}".encode()

    def bytes(self, n_bytes: int) -> bytes:
        """The first n_bytes bytes of the expansion."""
        return hashlib.shake_256(self._key()).digest(n_bytes)

    def bits(self, n_bits: int) -> NDArray[np.uint8]:
        """The first n_bits fair coins, shape (n_bits,), entries 0 and 1."""
        raw = np.frombuffer(self.bytes((n_bits + 7) // 8), dtype=np.uint8)
        return np.unpackbits(raw, count=n_bits)

    def below(self, n_levels: int, count: int) -> NDArray[np.int64]:
        """`count` integers, exactly uniform in [0, n_levels): 32-bit words that would cause bias are rejected.

        Contract: n_levels outside [1, 2**31] raises InvalidArgument.
        """
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
        """A NumPy generator seeded by (seed, purpose), for real-valued draws.

        NumPy may change its floats between versions, so nothing hashes them or compares them across versions.
        """
        key = int.from_bytes(hashlib.sha256(self._key()).digest()[:16], "little")
        return np.random.Generator(np.random.Philox(key=key))
