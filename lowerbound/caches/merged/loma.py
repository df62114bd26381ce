"""LoMA: t memory tokens stand for each zone of t c tokens; and the best that any linear scheme of this kind can do."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from lowerbound.caches.merged.reading_zones import ReadingZones
from lowerbound.core.cache import FloatArray
from lowerbound.core.coins import Coins
from lowerbound.core.rules import unit_rows


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
        gaussian = Coins(self.public.seed, "loma/memory queries").generator().standard_normal((self.n_memory, d))
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
