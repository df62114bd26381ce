"""A cache of many heads in the guise of one, so that the laws of caches are laws for it too."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from lowerbound.core.cache import Cache, FloatArray, Public
from lowerbound.core.layered import LayeredCache


class EveryHead(Cache):
    """Every head of every layer is given the same tokens; the last head of the last layer answers."""

    layered: ClassVar[type[LayeredCache]]
    shape: ClassVar[tuple[int, int]]

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        layers, heads = self.shape
        self.stacked: Any = self.layered(replace(public, n_layers=layers, n_heads=heads))

    @property
    def claimed_ratio(self) -> Fraction | None:
        ratio: Fraction | None = self.stacked.claimed_ratio
        return ratio

    @property
    def keys(self) -> FloatArray:
        """The stored keys of the head that answers."""
        keys: FloatArray = self.stacked.keys[-1][-1]
        return keys

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        layers, heads = self.shape
        same = [None if rows is None else np.repeat(rows[None], heads, axis=0) for rows in (keys, values, queries)]
        for layer in range(layers):
            self.stacked.append(layer, same[0], same[1], scale, same[2])

    def attend(self, queries: FloatArray) -> FloatArray:
        layers, heads = self.shape
        answers = [self.stacked.attend(layer, np.repeat(queries[None], heads, axis=0)) for layer in range(layers)]
        last: FloatArray = answers[-1][-1]
        return last

    def encode(self) -> bytes:
        state: bytes = self.stacked.encode()
        return state

    def decode(self, data: bytes) -> None:
        self.stacked.decode(data)


def every_head(layered: type[LayeredCache], shape: tuple[int, int]) -> type[EveryHead]:
    """The guise of a class on a stack of (layers, heads); it states what the class states."""
    stated = ("family", "reference", "budget_meaning", "default_budget", "computation_model", "__doc__")
    facts = {name: getattr(layered, name) for name in stated} | {"answers_apart": layered.is_asked_at_once()}
    return type(layered.__name__, (EveryHead,), {**facts, "layered": layered, "shape": shape})
