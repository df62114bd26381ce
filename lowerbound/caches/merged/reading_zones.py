"""Template: every full zone of tokens is replaced by a fixed number of floats."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.merged.weighted import WeightedTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, bits_of_pairs


class ReadingZones(WeightedTokens):
    """Template: every full zone of tokens is replaced by a fixed number of floats; the unfinished zone is kept whole.

    A final class computes the stored floats of a zone in `summaries`, and turns them back into tokens in `recalled`.
    """

    family: ClassVar[str] = "merging"
    reference: ClassVar[str] = "Wang and Xiao 2024, arXiv:2401.09486"
    budget_meaning: ClassVar[str] = "1/c, memory tokens per token; a zone is floor(t c) tokens"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 4)
    MEMORY_TOKENS: ClassVar[int] = 8

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._zones: FloatArray = np.zeros((0, self.floats_per_zone))
        self._n_recalled = 0

    @property
    def n_memory(self) -> int:
        """t: 8, or fewer where fewer than 128 tokens are cached."""
        return min(self.MEMORY_TOKENS, max(1, self.public.schedule.n_tokens_cached // 16))

    @property
    def zone(self) -> int:
        """t c: the number of tokens in a reading zone."""
        return int(self.n_memory / self.budget)

    @property
    def counted_bits(self) -> Fraction:
        """t pairs for each t c cached tokens, a part of a zone counting as that part."""
        cached = bits_of_pairs(self.public, self.public.schedule.n_tokens_cached)
        return Fraction(cached * self.n_memory, self.zone)

    def write(self, writer: BitWriter) -> None:
        keys, values = self.keys[self._n_recalled :], self.values[self._n_recalled :]
        n_fresh = len(keys) // self.zone
        full, shape = n_fresh * self.zone, (n_fresh, self.zone, self.public.d)
        if n_fresh:
            fresh = self.summaries(keys[:full].reshape(shape), values[:full].reshape(shape))
            self._zones = np.concatenate([self._zones, fresh])
        writer.floats("payload", self._zones, width=FP16_BITS)
        writer.floats("residual_window", np.concatenate([keys[full:], values[full:]]), width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        n_zones, n_waiting = divmod(self.n_seen, self.zone)
        d, p = self.public.d, self.floats_per_zone
        self._zones = reader.floats(n_zones * p, width=FP16_BITS).reshape(n_zones, p)
        waiting = reader.floats(2 * n_waiting * d, width=FP16_BITS).reshape(2, n_waiting, d)
        pairs, log_weight = self.recalled(self._zones)
        self._n_recalled = len(pairs)
        self.keys = np.concatenate([pairs[:, :d], waiting[0]])
        self.values = np.concatenate([pairs[:, d:], waiting[1]])
        self.log_weights = np.repeat([log_weight, 0.0], [len(pairs), n_waiting])

    @property
    @abstractmethod
    def floats_per_zone(self) -> int:
        """How many floats are stored per zone."""

    @abstractmethod
    def summaries(self, keys: FloatArray, values: FloatArray) -> FloatArray:
        """One row of floats for each of the (zones, t c, d) blocks."""

    @abstractmethod
    def recalled(self, zones: FloatArray) -> tuple[FloatArray, float]:
        """The rows [key | value] that stand for the zones, and the logarithm of the weight that each row has."""
