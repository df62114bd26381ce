"""LoMA: t memory tokens replace each zone of t c tokens; and the best linear scheme of this kind."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from lowerbound.caches.merged.reading_zones import ReadingZones
from lowerbound.core.cache import FloatArray
from lowerbound.core.coins import Coins
from lowerbound.core.rows import unit_rows


class LoMA(ReadingZones):
    """Memory tokens attend to their zone of tokens, and then replace it, each with weight c.

    Idea: a memory query m_j, a public random unit vector, attends to the zone: a_j = softmax(16 m_j . k / |k|). The
    cache stores a_j K and a_j V, and adds log c to their logits. Bits: 32 d (t floor(n / tc) + n mod tc). Broken by: a
    query for any one token of a finished zone.
    "Lossless" in the paper refers to token ids, some 15 bits each, recovered through 32 layers of learned keys and
    values that hold more than 10^5 bits per token even at 8-fold compression; it does not refer to arbitrary K and V.
    Differs from the paper: there memory tokens are trained and also attend to earlier memory; this class serves one
    layer, has no training, and the factor 16 is our choice. t = 8 and c = 4 lie in the published range; we did not
    check which t was used for which result. No reference code was found.
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

    Idea: no other t vectors with a linear decoder approximate a zone's [K | V] with less squared error. Answers may
    still err more than LoMA's, and do on VAR-256: values are larger than unit keys there, so the SVD favors values and
    blurs keys. Bits: 16 ((2 d + tc) r floor(n / tc) + 2 d (n mod tc)), r = min(t, 2 d): the decoder's coefficients are
    part of the state. Broken by: zones of rank above t, as in this game. At c = 1 only rounding is lost. It is our
    upper bound for schemes of LoMA's kind, and not part of the paper.
    """

    @property
    def rank(self) -> int:
        """r: the rank to which the SVD of a zone is truncated."""
        return min(self.n_memory, 2 * self.public.d)

    @property
    def floats_per_zone(self) -> int:
        return self.rank * (2 * self.public.d + self.zone)

    def summaries(self, keys: FloatArray, values: FloatArray) -> FloatArray:
        left, sizes, right = np.linalg.svd(np.concatenate([keys, values], axis=2), full_matrices=False)
        # Each factor gets the square root of the singular values, so that both have similar sizes in float16.
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
