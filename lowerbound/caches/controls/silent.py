"""The cache that stores nothing and guesses every answer."""

from __future__ import annotations

from typing import ClassVar

from lowerbound.core.cache import Cache, FloatArray, check_pairs
from lowerbound.core.coins import Coins
from lowerbound.errors import CorruptState


class Silent(Cache):
    """Every answer is drawn from public coins.

    Idea: guess. Bits: 0. Broken by: every instance; it is the control that must err as often as a fair coin.
    """

    family: ClassVar[str] = "control"
    reference: ClassVar[str] = "a fair coin"

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        check_pairs(self.public, keys, values, queries)

    def attend(self, queries: FloatArray) -> FloatArray:
        shape = len(queries), self.public.d
        stream = Coins(self.public.seed, f"random cache/{queries.tobytes().hex()}")
        return stream.generator().random(shape)

    def encode(self) -> bytes:
        return b""

    def decode(self, data: bytes) -> None:
        if data:
            raise CorruptState(f"state must be empty, got {len(data)} bytes")
