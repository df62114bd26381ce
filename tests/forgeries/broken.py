"""Caches that break the contract, one way each."""

from __future__ import annotations

import os
import sys
import time
from typing import ClassVar

import numpy as np

from lowerbound.caches.controls.full import Full64
from lowerbound.core.bits import EncodedState
from lowerbound.core.cache import FloatArray, Public


class WrongShape(Full64):
    """Answers with one column too few."""

    def attend(self, queries: FloatArray) -> FloatArray:
        return super().attend(queries)[:, 1:]


class NotNumbers(Full64):
    """Answers with words."""

    def attend(self, queries: FloatArray) -> FloatArray:
        return "forty-two"  # type: ignore[return-value]


class NotANumber(Full64):
    """Answers with one NaN."""

    def attend(self, queries: FloatArray) -> FloatArray:
        outputs = super().attend(queries)
        outputs[0, 0] = np.nan
        return outputs


class Raises(Full64):
    """Divides by zero while it is asked."""

    def attend(self, queries: FloatArray) -> FloatArray:
        return queries / (1 // 0)


class RaisesAtStart(Full64):
    """Cannot be made."""

    def __init__(self, public: Public) -> None:
        raise RuntimeError("no thanks")


class Exits(Full64):
    """Leaves the interpreter."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        sys.exit(7)


class Dies(Full64):
    """Leaves the interpreter without a word."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        os._exit(9)


class Hangs(Full64):
    """Never answers."""

    def attend(self, queries: FloatArray) -> FloatArray:
        while True:
            time.sleep(0.01)


class Slow(Full64):
    """Answers rightly; in each process, the first one comes after more than four seconds."""

    naps: ClassVar[list[float]] = [4.5]

    def attend(self, queries: FloatArray) -> FloatArray:
        if self.naps:
            time.sleep(self.naps.pop())
        return super().attend(queries)


class ForgetsOnDecode(Full64):
    """Answers from memory, encodes nothing, and remembers nothing afterwards."""

    def encode(self) -> EncodedState:
        return EncodedState(b"", {})

    def decode(self, data: bytes) -> None:
        pass


class ChangesOnDecode(Full64):
    """Decodes to something a little different."""

    settled = False

    def attend(self, queries: FloatArray) -> FloatArray:
        return super().attend(queries) + (0.0 if self.settled else 0.01)

    def encode(self) -> EncodedState:
        state = super().encode()
        self.settled = True
        return state


class NotBytes(Full64):
    """Encodes to a string."""

    def encode(self) -> EncodedState:
        return "state"  # type: ignore[return-value]


class FalseLedger(Full64):
    """Books half of its bits."""

    def encode(self) -> EncodedState:
        state = super().encode()
        return EncodedState(state, {"payload": 4 * len(state)})


class Chatty(Full64):
    """Talks on standard output, which is not a crime."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        print("appending", scale)
        super().append(keys, values, scale, queries)


class NotACache:
    """Something else altogether."""
