"""One stored row for all tokens whose keys lie within a radius of it, as large as the promised error allows."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.merged.weighted import WeightedTokens
from lowerbound.ceiling.coresets import cover_radius, spare
from lowerbound.ceiling.promise import promise
from lowerbound.core.bits import FP32_BITS, BitReader, BitWriter
from lowerbound.core.cache import Public
from lowerbound.core.scalars import counted
from lowerbound.errors import CorruptState


class CoveredKeys(WeightedTokens):
    """A key, a mean value and a count for each ball of keys: every answer is within eta, for every query.

    Idea: a key within r of the first key of some ball joins the nearest such ball; any other key opens a ball. With
    r = (2 / lambda) atanh(eta), lambda the multiplier, logits move by at most 2 atanh(eta) and answers by at most eta
    (`lowerbound.ceiling.coresets`). First keys are more than r apart, so there are at most as many balls as unit keys
    of pairwise inner product below 1 - r^2 / 2 fit into R^d (`lowerbound dimension`): few if d or lambda is small, and
    up to T otherwise. eta is the public grid's error, or 1/100 without a grid. Bits: c for the number of balls, and
    c + 64 d per ball, with c = ceil(log2(N + 1)) and N the tokens of the schedule. Broken by: keys of norm other than
    1, values outside [0, 1], and queries whose logits exceed the multiplier.
    """

    family: ClassVar[str] = "guaranteed"
    reference: ClassVar[str] = "leader clustering: Hartigan 1975; sup error of softmax means (ceiling.coresets)"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        multiplier, eta = promise(public)
        # Part of eta is left for rounding to float32; the factor 1 - 2^-40 covers rounding in the distances below.
        left = eta - spare(multiplier, public.schedule.n_scales)
        self.radius = float(cover_radius(multiplier, left)) * (1 - 2**-40) if left > 0 else 0.0
        self._count_bits = public.schedule.n_tokens.bit_length()
        self._counts: NDArray[np.int64] = np.zeros(0, dtype=np.int64)

    def write(self, writer: BitWriter) -> None:
        n_balls = len(self._counts)
        new = self.public.rule.directions(self.keys[n_balls:])
        room = (0, len(new))
        centres, counts = np.pad(self.keys[:n_balls], (room, (0, 0))), np.pad(self._counts, room)
        sums = np.pad(self.values[:n_balls] * self._counts[:, None], (room, (0, 0)))
        for key, value in zip(new, self.values[n_balls:], strict=True):
            distances = np.linalg.norm(centres[:n_balls] - key, axis=1)
            ball = int(distances.argmin()) if n_balls else 0
            if not n_balls or distances[ball] > self.radius:
                ball, n_balls = n_balls, n_balls + 1
                centres[ball] = key.astype(np.float32)
            counts[ball] += 1
            sums[ball] += value
        writer.uints("indices", [n_balls], width=self._count_bits)
        writer.uints("indices", counts[:n_balls], width=self._count_bits)
        writer.floats("payload", centres[:n_balls], width=FP32_BITS)
        writer.floats("payload", sums[:n_balls] / counts[:n_balls, None], width=FP32_BITS)

    def read(self, reader: BitReader) -> None:
        (n_balls,) = map(int, reader.uints(1, width=self._count_bits))
        if n_balls > self.n_old:
            raise CorruptState(f"state must hold at most {self.n_old} balls, got {n_balls}")
        self._counts = reader.uints(n_balls, width=self._count_bits)
        if self._counts.sum() != self.n_old or not self._counts.all():
            raise CorruptState(
                f"state must hold balls of {counted(self.n_old, 'token')} in all, got {self._counts[:8].tolist()}"
            )
        shape = n_balls, self.public.d
        self.keys = reader.floats(n_balls * self.public.d, width=FP32_BITS).reshape(shape)
        self.values = reader.floats(n_balls * self.public.d, width=FP32_BITS).reshape(shape)
        self.log_weights = np.log(self._counts)
