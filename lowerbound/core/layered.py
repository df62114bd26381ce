"""Caches of all heads of all layers, for methods that divide one budget among them.

A scale passes through a `LayeredCache` as through a model: layer 0 takes in its keys and values and answers its
queries, then layer 1, and after the last layer one `encode` forgets, with all layers in view. What every head of
every layer remembers is one state, and is counted together.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TypeGuard

import numpy as np

from lowerbound.core.bits import EncodedState, Item
from lowerbound.core.cache import Cache, FloatArray, Memory, SoftmaxCache
from lowerbound.core.oracle.heads import answers
from lowerbound.errors import CorruptState


class LayeredCache(Memory):
    """A KV cache of all heads of all layers.

    Contract: that of `Memory`; `attend` returns finite numbers, one (m, d) array a head. Layers run in their order,
    0 first, and every layer is appended to and asked before the one `encode` of the scale.
    """

    @property
    def name(self) -> str:
        """How messages call it."""
        return type(self).__name__

    @abstractmethod
    def append(
        self, layer: int, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None
    ) -> None:
        """Take in the (n_heads, n, d) keys and values of one scale at `layer`; `queries` are those of the tokens."""

    @abstractmethod
    def attend(self, layer: int, queries: FloatArray) -> list[FloatArray]:
        """Answer (n_heads, m, d) queries of `layer` over everything remembered of it and the current scale."""


class PerHead(LayeredCache):
    """A cache of its own for every head of every layer, `heads` listed layer after layer.

    Contract: a state is the heads' states in their order, each but the last after its length; the
    state of a single head is that head's own.
    """

    def __init__(self, heads: Sequence[Cache], n_layers: int) -> None:
        super().__init__(heads[0].public)
        self.heads = list(heads)
        self._per_layer = len(heads) // n_layers

    @property
    def name(self) -> str:
        return type(self.heads[0]).__name__

    @property
    def claimed_ratio(self) -> Fraction | None:
        return self.heads[0].claimed_ratio

    def heads_of(self, layer: int) -> list[Cache]:
        """The caches of one layer."""
        return self.heads[layer * self._per_layer : (layer + 1) * self._per_layer]

    def append(
        self, layer: int, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None
    ) -> None:
        for number, head in enumerate(self.heads_of(layer)):
            head.append(keys[number], values[number], scale, None if queries is None else queries[number])

    def attend(self, layer: int, queries: FloatArray) -> list[FloatArray]:
        return attend_at_once(self.heads_of(layer), queries)

    def encode(self) -> bytes:
        states = [head.encode() for head in self.heads]
        if len(states) == 1:
            return states[0]
        ledger: Counter[Item] = Counter({"length_prefix": LENGTH_BITS * (len(states) - 1)})
        for state in states:
            ledger.update(state.ledger if isinstance(state, EncodedState) else {"payload": 8 * len(state)})
        framed = [len(state).to_bytes(LENGTH_BITS // 8, "little") + state for state in states[:-1]]
        return EncodedState(b"".join([*framed, states[-1]]), ledger)

    def decode(self, data: bytes) -> None:
        rest = data
        for head in self.heads[:-1]:
            prefix, rest = rest[: LENGTH_BITS // 8], rest[LENGTH_BITS // 8 :]
            length = int.from_bytes(prefix, "little")
            if len(prefix) != LENGTH_BITS // 8 or length > len(rest):
                raise CorruptState(f"state must hold {len(self.heads)} heads, got {len(data)} bytes that end earlier")
            head.decode(rest[:length])
            rest = rest[length:]
        self.heads[-1].decode(rest)


def attend_at_once(
    heads: Sequence[Cache], queries: Iterable[FloatArray], thresholds: FloatArray | None = None
) -> list[FloatArray]:
    """What every head answers to its own queries; heads that answer by plain softmax are asked in one call.

    With thresholds, those are asked on which side of each they answer, and are otherwise less exact.
    """
    plain = [head for head in heads if answers_by_softmax(head)]
    if len(plain) < len(heads):
        return [head.attend(rows) for head, rows in zip(heads, queries, strict=True)]
    return answers([head.question(rows) for head, rows in zip(plain, queries, strict=True)], thresholds)


def answers_by_softmax(head: Cache) -> TypeGuard[SoftmaxCache]:
    """Whether a head's whole answer is softmax over the rows that it names."""
    return isinstance(head, SoftmaxCache) and type(head).attend is SoftmaxCache.attend


def asks_the_same(first: Cache, second: Cache, queries: FloatArray) -> bool:
    """Whether two heads answer by plain softmax over the very same rows, so that their answers are the same."""
    if not (answers_by_softmax(first) and answers_by_softmax(second)):
        return False
    one, two = first.question(queries), second.question(queries)
    return one.shares_weights(two) and np.array_equal(one.values, two.values)


LENGTH_BITS = 64
"""The length of a head's state, where another head's follows."""
