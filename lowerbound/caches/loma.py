"""LoMA: t memory tokens stand for each zone of t c tokens; and the best that any linear scheme of this kind can do."""

from __future__ import annotations

import math
from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.weighted import WeightedTokens, unit_rows
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.streams import Stream

FLOAT_BITS = 16


class ReadingZones(WeightedTokens):
    """Template: every full zone of tokens is replaced by a fixed number of floats; the unfinished zone waits.

    A final class says what is written of a zone in `summaries`, and how that is read in `recalled`.
    """

    family: ClassVar[str] = "merging"
    reference: ClassVar[str] = "Wang and Xiao 2024, arXiv:2401.09486"
    budget_meaning: ClassVar[str] = "1/c, memory tokens a token; a zone is floor(t c) tokens"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 4)
    MEMORY_TOKENS: ClassVar[int] = 8

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._zones: FloatArray = np.zeros((0, self.floats_per_zone))
        self._n_recalled = 0

    @property
    def n_memory(self) -> int:
        """t; less than the published one where few tokens are cached."""
        return min(self.MEMORY_TOKENS, max(1, self.public.schedule.n_tokens_cached // 16))

    @property
    def zone(self) -> int:
        """t c, tokens of a reading zone."""
        return int(self.n_memory / self.budget)

    def write(self, writer: BitWriter) -> None:
        keys, values = self.keys[self._n_recalled :], self.values[self._n_recalled :]
        n_fresh = len(keys) // self.zone
        full, shape = n_fresh * self.zone, (n_fresh, self.zone, self.public.d)
        if n_fresh:
            fresh = self.summaries(keys[:full].reshape(shape), values[:full].reshape(shape))
            self._zones = np.concatenate([self._zones, fresh])
        writer.floats("payload", self._zones, width=FLOAT_BITS)
        writer.floats("residual_window", np.concatenate([keys[full:], values[full:]]), width=FLOAT_BITS)

    def read(self, reader: BitReader) -> None:
        n_zones, n_waiting = divmod(self.n_seen, self.zone)
        d, p = self.public.d, self.floats_per_zone
        self._zones = reader.floats(n_zones * p, width=FLOAT_BITS).reshape(n_zones, p)
        waiting = reader.floats(2 * n_waiting * d, width=FLOAT_BITS).reshape(2, n_waiting, d)
        pairs, log_weight = self.recalled(self._zones)
        self._n_recalled = len(pairs)
        self.keys = np.concatenate([pairs[:, :d], waiting[0]])
        self.values = np.concatenate([pairs[:, d:], waiting[1]])
        self.log_weights = np.repeat([log_weight, 0.0], [len(pairs), n_waiting])

    @property
    @abstractmethod
    def floats_per_zone(self) -> int:
        """Floats stored for a zone."""

    @abstractmethod
    def summaries(self, keys: FloatArray, values: FloatArray) -> FloatArray:
        """One row of floats for each of the (zones, t c, d) blocks."""

    @abstractmethod
    def recalled(self, zones: FloatArray) -> tuple[FloatArray, float]:
        """Rows [key | value] that are attended to, and the logarithm of the weight of each."""


class LoMA(ReadingZones):
    """Memory tokens read their zone by softmax, and then take its place with weight c.

    Idea: memory query m_j, a public random unit vector, reads the zone: a_j = softmax(16 m_j . k / |k|); a_j K and
    a_j V are stored, and logits get log c. Bits: 32 d (t floor(n / tc) + n mod tc). Broken by: a query for any one
    token of a finished zone.
    "Lossless" in the paper is about token ids, some 15 bits each, through 32 layers of learned keys and values with
    more than 10^5 bits a token left at 8-fold compression; it says nothing of arbitrary K and V. Differs from the
    paper: there memory tokens are trained, and read earlier memory too; here is one layer and no training, and the
    16 is ours. t = 8 and c = 4 are of the published range; which t was used for what was not checked. No reference
    code was found.
    """

    SHARPNESS: ClassVar[float] = 16.0

    @property
    def floats_per_zone(self) -> int:
        return self.n_memory * 2 * self.public.d

    def summaries(self, keys: FloatArray, values: FloatArray) -> FloatArray:
        d = self.public.d
        gaussian = Stream(self.public.seed, "loma/memory queries").generator().standard_normal((self.n_memory, d))
        directions = unit_rows(keys.reshape(-1, d)).reshape(keys.shape)
        reading = self.SHARPNESS * np.einsum("td,nzd->ntz", unit_rows(gaussian), directions)
        weights = np.exp(reading - reading.max(axis=2, keepdims=True))
        weights /= weights.sum(axis=2, keepdims=True)
        memory: FloatArray = weights @ np.concatenate([keys, values], axis=2)
        return memory.reshape(len(keys), -1)

    def recalled(self, zones: FloatArray) -> tuple[FloatArray, float]:
        return zones.reshape(-1, 2 * self.public.d), math.log(self.zone / self.n_memory)


class LoMABest(ReadingZones):
    """The best t linear memory tokens, with the best linear decoder: a truncated SVD of each zone's [K | V].

    Idea: no t vectors from which a zone is decoded linearly come closer to [K | V] in squared error; answers may err
    more than LoMA's all the same, and do on VAR-256, where values outweigh unit keys and keys blur. Bits:
    16 ((2 d + tc) r floor(n / tc) + 2 d (n mod tc)), r = min(t, 2 d): the decoder's coefficients are state. Broken
    by: zones of rank above t, as in this game. At c = 1 nothing but rounding is lost. An upper bound of ours on
    schemes of LoMA's kind, not part of the paper.
    """

    @property
    def rank(self) -> int:
        """r."""
        return min(self.n_memory, 2 * self.public.d)

    @property
    def floats_per_zone(self) -> int:
        return self.rank * (2 * self.public.d + self.zone)

    def summaries(self, keys: FloatArray, values: FloatArray) -> FloatArray:
        left, sizes, right = np.linalg.svd(np.concatenate([keys, values], axis=2), full_matrices=False)
        root = np.sqrt(sizes[:, : self.rank])
        coefficients = left[:, :, : self.rank] * root[:, None, :]
        memory = right[:, : self.rank] * root[:, :, None]
        return np.concatenate([block.reshape(len(keys), -1) for block in (coefficients, memory)], axis=1)

    def recalled(self, zones: FloatArray) -> tuple[FloatArray, float]:
        split = self.zone * self.rank
        coefficients = zones[:, :split].reshape(-1, self.zone, self.rank)
        memory = zones[:, split:].reshape(-1, self.rank, 2 * self.public.d)
        pairs: FloatArray = (coefficients @ memory).reshape(-1, 2 * self.public.d)
        return pairs, 0.0
