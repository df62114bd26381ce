"""Template: after each scale a rule chooses the tokens that stay; they are stored unchanged, in float16."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, StoredTokens, appended, bits_of_pairs, tokens_within

IndexArray = NDArray[np.int64]


class Eviction(StoredTokens):
    """Keys and values of the surviving tokens, in token order.

    A final class decides in `survivors` which tokens stay when more are stored than the budget keeps. `queries` are the
    queries of the tokens that arrived after the last `encode`; the first `n_settled` stored tokens arrived before it.
    Bits: 32 B d, for B tokens kept. Most rules compute their scores anew from each scale's queries, so scores are not
    part of the state; a rule that must remember scores writes them in `write_scores`.
    """

    family: ClassVar[str] = "eviction"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.queries: FloatArray = np.zeros((0, public.d))
        self.n_settled = 0

    @property
    def capacity(self) -> int:
        """B: how many of the T cached tokens are kept."""
        return tokens_within(self.budget, self.public.schedule.n_tokens_cached)

    def kept_of(self, n_seen: int) -> int:
        """How many of the first `n_seen` tokens are kept."""
        return min(n_seen, self.capacity)

    @property
    def counted_bits(self) -> int:
        """The tokens that stay, in float16."""
        return bits_of_pairs(self.public, self.kept_of(self.public.schedule.n_tokens_cached))

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys, values, scale, queries)
        self.queries = appended(self.queries, keys if queries is None else queries)

    def write(self, writer: BitWriter) -> None:
        count = self.kept_of(self.n_seen)
        kept = self.survivors(count) if 0 < count < len(self.keys) else np.arange(count)
        writer.floats("payload", self.keys[kept], width=FP16_BITS)
        writer.floats("payload", self.values[kept], width=FP16_BITS)
        self.write_scores(writer, kept)

    def read(self, reader: BitReader) -> None:
        kept, d = self.kept_of(self.n_seen), self.public.d
        self.keys = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)
        self.values = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)
        self.queries = np.zeros((0, d))
        self.n_settled = kept
        self.read_scores(reader, kept)

    @abstractmethod
    def survivors(self, count: int) -> IndexArray:
        """The rows of the `count` stored tokens that stay, ascending; `count` >= 1 and below the number stored."""

    def write_scores(self, writer: BitWriter, kept: IndexArray) -> None:
        """Write the scores of the kept rows, where the rule must remember them; the template writes nothing."""

    def read_scores(self, reader: BitReader, count: int) -> None:
        """Read back the `count` scores that `write_scores` wrote."""


def heavy_and_recent(scores: FloatArray, count: int) -> IndexArray:
    """The newest floor(count / 2) rows, and of the older rows those with the highest scores, `count` rows in all."""
    n_older = len(scores) - count // 2
    return np.concatenate([best(scores[:n_older], count - count // 2), np.arange(n_older, len(scores))])


def best(scores: FloatArray, count: int) -> IndexArray:
    """The rows of the `count` highest scores, in ascending order of row; among equal scores the older token stays."""
    return np.sort(np.argsort(-scores, kind="stable")[:count])
