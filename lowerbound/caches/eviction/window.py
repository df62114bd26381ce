"""Sliding windows: keep the newest tokens, or the newest whole scales."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import Public, StoredTokens, bits_of_pairs, tokens_within


def tokens_of_whole_scales(public: Public, budget: Fraction) -> int:
    """How many tokens the newest whole scales have that fit in the budget; the newest scale always counts."""
    schedule = public.schedule
    most, kept = tokens_within(budget, schedule.n_tokens_cached), 0
    for scale in range(schedule.n_scales - 2, -1, -1):
        if kept and kept + schedule.tokens_at(scale) > most:
            break
        kept += schedule.tokens_at(scale)
    return kept


class _Window(StoredTokens):
    """Template: the newest `capacity` tokens, in float16; older tokens are dropped."""

    family: ClassVar[str] = "window"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)

    @property
    @abstractmethod
    def capacity(self) -> int:
        """W: the number of newest tokens kept."""

    @property
    def counted_bits(self) -> int:
        """The tokens that stay, in float16."""
        return bits_of_pairs(self.public, min(self.public.schedule.n_tokens_cached, self.capacity))

    def write(self, writer: BitWriter) -> None:
        kept = min(len(self.keys), self.capacity)
        writer.floats("payload", self.keys[len(self.keys) - kept :], width=FP16_BITS)
        writer.floats("payload", self.values[len(self.values) - kept :], width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        kept, d = min(self.n_seen, self.capacity), self.public.d
        self.keys = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)
        self.values = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)


class TokenWindow(_Window):
    """The last W tokens.

    Idea: recent tokens matter most. Bits: 32 W d. Broken by: a query for any older token.
    """

    reference: ClassVar[str] = "sliding-window attention; arXiv:2502.15955 for its exact memory"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept"

    @property
    def capacity(self) -> int:
        return tokens_within(self.budget, self.public.schedule.n_tokens_cached)


class ScaleWindow(_Window):
    """The last whole scales that fit in the budget, at least the newest one.

    Idea: each map is kept whole or dropped whole. Bits: 32 W d, for the W tokens of those scales; before all of these
    scales have arrived, the cache holds the newest W tokens instead. Broken by: a query for any coarser scale.
    """

    reference: ClassVar[str] = "window over scales; AMS-KV, arXiv:2511.16047, keeps whole scales"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, rounded down to whole scales, at least one"

    @property
    def capacity(self) -> int:
        return tokens_of_whole_scales(self.public, self.budget)
