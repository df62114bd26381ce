"""Template: heads and layers share one budget; after each scale a rule that sees all layers chooses what stays."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import IndexArray
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import (
    COUNT_BITS,
    CountedState,
    FloatArray,
    Public,
    bits_of_pairs,
    check_pairs,
    tokens_within,
)
from lowerbound.core.layered import LayeredCache
from lowerbound.core.oracle.attention import attention
from lowerbound.core.scalars import counted
from lowerbound.errors import CorruptState

Kept = list[list[IndexArray]]
"""For every layer and head, the numbers of the stored rows that stay, in ascending order."""


class CoupledEviction(CountedState, LayeredCache):
    """Template: keys and values of the tokens that stay in every head of every layer, in float16 and in token order.

    A final class chooses in `survivors` which tokens stay when the budget is exceeded. `keys[layer][head]` and
    `values[layer][head]` hold one row per stored token; `queries[layer][head]` hold the queries of the newest scale,
    whose tokens are the last rows. Bits: 32 for the number of tokens seen, and 32 + 32 B d for each head that keeps B
    tokens.
    """

    family: ClassVar[str] = "eviction"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, on average over heads and layers"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)
    stack: ClassVar[tuple[int, int] | None] = (4, 2)
    answers_apart: ClassVar[bool] = True

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.scale = 0
        self.keys = self._empty()
        self.values = self._empty()
        self.queries = self._empty()

    def _empty(self) -> list[list[FloatArray]]:
        nothing = np.zeros((0, self.public.d))
        return [[nothing for _ in range(self.public.n_heads)] for _ in range(self.public.n_layers)]

    @property
    def capacity(self) -> int:
        """B: how many of the T cached tokens a head of a layer keeps, on average."""
        return tokens_within(self.budget, self.public.schedule.n_tokens_cached)

    @property
    def counted_bits(self) -> int:
        """The tokens that are held, in float16: the data decide how many a head keeps."""
        return sum(bits_of_pairs(self.public, len(keys)) for heads in self.keys for keys in heads)

    def append(
        self, layer: int, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None
    ) -> None:
        check_pairs(self.public, keys, values, queries)
        asked = keys if queries is None else queries
        for head in range(self.public.n_heads):
            for stored, rows in ((self.keys, keys), (self.values, values), (self.queries, asked)):
                stored[layer][head] = np.concatenate([stored[layer][head], rows[head]])
        if layer == 0:
            self.n_new += keys.shape[1]
            self.scale = scale

    def attend(self, layer: int, queries: FloatArray) -> list[FloatArray]:
        return [
            attention(rows, keys, values, rule=self.public.rule) if len(keys) else np.zeros_like(rows)
            for rows, keys, values in zip(queries, self.keys[layer], self.values[layer], strict=True)
        ]

    def write(self, writer: BitWriter) -> None:
        kept = [[np.arange(len(keys) if self.capacity else 0) for keys in heads] for heads in self.keys]
        if self.n_new and self.n_seen > self.capacity > 0:
            kept = self.survivors()
        self.write_decisions(writer)
        writer.uints("indices", [len(rows) for heads in kept for rows in heads], width=COUNT_BITS)
        for layer, heads in enumerate(kept):
            for head, rows in enumerate(heads):
                writer.floats("payload", self.keys[layer][head][rows], width=FP16_BITS)
                writer.floats("payload", self.values[layer][head][rows], width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        self.read_decisions(reader)
        counts = reader.uints(self.public.n_layers * self.public.n_heads, width=COUNT_BITS)
        if (counts > self.n_old).any():
            raise CorruptState(
                f"state must keep at most the {counted(self.n_old, 'token')} seen, got {int(counts.max())}"
            )
        self.keys, self.values, self.queries = self._empty(), self._empty(), self._empty()
        d = self.public.d
        for number, count in enumerate(map(int, counts)):
            layer, head = divmod(number, self.public.n_heads)
            self.keys[layer][head] = reader.floats(count * d, width=FP16_BITS).reshape(count, d)
            self.values[layer][head] = reader.floats(count * d, width=FP16_BITS).reshape(count, d)

    @abstractmethod
    def survivors(self) -> Kept:
        """The rows that stay; called after a scale has arrived, once more tokens were seen than the budget keeps."""

    def write_decisions(self, writer: BitWriter) -> None:
        """Write what else `survivors` needs at the next scale; called after `survivors`. By default, nothing."""

    def read_decisions(self, reader: BitReader) -> None:
        """Read back what `write_decisions` wrote."""
