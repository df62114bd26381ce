"""Caches that serve all heads of all layers, for methods that divide one budget among heads or layers.

A scale passes through a `LayeredCache` as it passes through a model. Layer 0 receives its keys and values and answers
its queries, then layer 1 does, and so on. After the last layer, one call of `encode` decides what to forget, and that
decision may depend on all layers. The state of all heads of all layers is one byte string, and its length is counted.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import cached_property
from typing import TypeGuard

import numpy as np

from lowerbound.core.bits import EncodedState, Item
from lowerbound.core.cache import Cache, FloatArray, Memory, SoftmaxCache
from lowerbound.core.oracle.heads import answers
from lowerbound.core.scalars import counted
from lowerbound.errors import CorruptState


class LayeredCache(Memory):
    """A KV cache of all heads of all layers.

    Contract: that of `Memory`; `attend` returns finite numbers, one (m, d) array per head. Layers run in order, layer 0
    first. In each scale, `append` and `attend` are called for every layer before `encode` is called once.
    """

    @property
    def name(self) -> str:
        """The name of this cache in error messages."""
        return type(self).__name__

    @property
    def has_answers_apart(self) -> bool:
        """Whether every answer depends on its own query alone (`Memory.is_asked_at_once`)."""
        return self.is_asked_at_once()

    @property
    def n_streams(self) -> int:
        return self.public.n_layers * self.public.n_heads

    @abstractmethod
    def append(
        self, layer: int, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None
    ) -> None:
        """Receive the (n_heads, n, d) keys and values of one scale at `layer`.

        `queries`, where given, are the queries of the same n tokens, shape (n_heads, n, d).
        """

    @abstractmethod
    def attend(self, layer: int, queries: FloatArray) -> list[FloatArray]:
        """Answer (n_heads, m, d) queries of `layer` over its remembered tokens and those of the current scale."""


class PerHead(LayeredCache):
    """One separate `Cache` for every head of every layer; `heads` lists the heads of layer 0, then of layer 1, ...

    Contract: `encode` concatenates the states of the heads in order, each but the last preceded by its length in
    bytes (64 bits); `decode` raises CorruptState for bytes that end earlier. With one head, the state is that head's
    state. What `Memory` says of a cache (its budget, what it counts), this cache says of its heads.
    """

    def __init__(self, heads: Sequence[Cache], n_layers: int) -> None:
        super().__init__(heads[0].public)
        self.heads = list(heads)
        self._per_layer = len(heads) // n_layers

    @property
    def name(self) -> str:
        return type(self.heads[0]).__name__

    @property
    def has_answers_apart(self) -> bool:
        return all(head.is_asked_at_once() for head in self.heads)

    @cached_property
    def budget(self) -> Fraction:
        return self.heads[0].budget

    @property
    def told_budget(self) -> Fraction | None:
        return self.heads[0].told_budget

    @property
    def n_streams(self) -> int:
        return len(self.heads)

    @property
    def counted_bits(self) -> Fraction | int | None:
        counted = [head.counted_bits for head in self.heads]
        told = [bits for bits in counted if bits is not None]
        return sum(told) if len(told) == len(counted) else None

    @property
    def claimed_ratio(self) -> Fraction | None:
        # A class may claim a ratio without counting bits, so the heads are asked rather than `counted_bits`.
        claimed = [head.claimed_ratio for head in self.heads]
        shares = [1 / ratio for ratio in claimed if ratio]
        return len(claimed) / sum(shares, Fraction(0)) if len(shares) == len(claimed) else None

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
        # One slice per head: to slice the rest after each head would copy the bytes of all later heads again.
        start, width = 0, LENGTH_BITS // 8
        for head in self.heads[:-1]:
            prefix, start = data[start : start + width], start + width
            end = start + int.from_bytes(prefix, "little")
            if len(prefix) != width or end > len(data):
                raise CorruptState(
                    f"state must hold {counted(len(self.heads), 'head')}, got {len(data)} bytes that end earlier"
                )
            head.decode(data[start:end])
            start = end
        self.heads[-1].decode(data[start:])


def attend_at_once(
    heads: Sequence[Cache], queries: Iterable[FloatArray], thresholds: FloatArray | None = None
) -> list[FloatArray]:
    """The answer of every head to its own queries.

    If all heads answer by plain softmax (`answers_by_softmax`), one call computes all answers. With thresholds, that
    call only guarantees on which side of each threshold an answer lies (`deciding_attention`).
    """
    plain = [head for head in heads if answers_by_softmax(head)]
    if len(plain) < len(heads):
        return [head.attend(rows) for head, rows in zip(heads, queries, strict=True)]
    return answers([head.question(rows) for head, rows in zip(plain, queries, strict=True)], thresholds)


def answers_by_softmax(head: Cache) -> TypeGuard[SoftmaxCache]:
    """Whether the head answers by softmax attention over the rows of its `question`, and by nothing else."""
    return isinstance(head, SoftmaxCache) and type(head).attend is SoftmaxCache.attend


def asks_the_same(first: Cache, second: Cache, queries: FloatArray) -> bool:
    """Whether two heads answer by plain softmax over equal rows and under the same rule, so that answers are equal."""
    if not (answers_by_softmax(first) and answers_by_softmax(second)):
        return False
    one, two = first.question(queries), second.question(queries)
    return one.shares_weights(two) and np.array_equal(one.values, two.values)


LENGTH_BITS = 64
"""Width in bits of the length that precedes the state of every head but the last."""
