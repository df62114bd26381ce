"""Recompute: store the token ids, and run the public network again for every answer."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.core.bits import BitReader, BitWriter, EncodedState
from lowerbound.core.cache import Cache, ComputationModel, FloatArray, Public, check_pairs
from lowerbound.core.network import Ids
from lowerbound.core.oracle.attention import attention
from lowerbound.core.scalars import counted
from lowerbound.errors import CorruptState, InvalidArgument

SCALE_BITS = 16


class Recompute(Cache):
    """The token ids of the maps r_1..r_{N-2}, inferred from the K, V stream with the public weights.

    Idea: with public weights, K and V are a function of the token ids (model R2). Bits: ceil(log2 V) per id, V the size
    of the codebook, for all scales that have arrived except the newest, whose ids affect only the next scale's K and V.
    The cost is time: every answer runs the network again. This size is below the lower bound (floor) of model R1; there
    is no contradiction, because the cache does not play in R1. Broken by: nothing that the public network generates;
    where K and V are free reals it cannot be played.
    """

    family: ClassVar[str] = "recompute"
    reference: ClassVar[str] = "replay of token ids; the ceiling of model R2"
    computation_model: ClassVar[ComputationModel] = "R2"
    answers_apart: ClassVar[bool] = True

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        if public.network is None or public.keys is None or public.grid is None:
            raise InvalidArgument(
                "recompute must be played in model R2, where K and V come from public weights and token ids, "
                "got an instance of model R1"
            )
        self._network = public.network
        self._public_keys = public.keys.unit
        self._grid = public.grid
        self._ids: Ids = np.zeros(0, dtype=np.int64)
        self._n_scales = 0
        self._forget_own()

    def _forget_own(self) -> None:
        """Drop the last scale's keys and values: they are used while that scale attends, and are never stored."""
        self._own_keys: FloatArray = np.zeros((0, self.public.d))
        self._own_values: FloatArray = np.zeros((0, self.public.d))

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        check_pairs(self.public, keys, values, queries)
        if scale == self.public.schedule.n_scales - 1:
            self._own_keys = np.concatenate([self._own_keys, keys])
            self._own_values = np.concatenate([self._own_values, values])
            return
        found = self._network.infer_ids(scale, self._grid.decode(values), self._ids)
        self._ids = np.concatenate([self._ids, found])
        self._n_scales = scale + 1

    def attend(self, queries: FloatArray) -> FloatArray:
        d = self.public.d
        blocks = [self._network.values(scale, self._ids) for scale in range(self._n_scales)]
        old = self._grid.level_array[np.concatenate([np.zeros((0, d), dtype=np.int64), *blocks])]
        keys = np.concatenate([self._public_keys[: len(old)], self._own_keys])
        values = np.concatenate([old, self._own_values])
        if not len(keys):
            return np.zeros((len(queries), d))
        outputs: FloatArray = attention(queries, keys, values, rule=self.public.rule)
        return outputs

    def encode(self) -> EncodedState:
        writer = BitWriter()
        writer.uints("indices", [self._n_scales], width=SCALE_BITS)
        writer.uints("payload", self._ids, width=self._network.id_bits)
        self._forget_own()
        return writer.encoded()

    def decode(self, data: bytes) -> None:
        schedule = self.public.schedule
        self._forget_own()
        reader = BitReader(data)
        (n_scales,) = reader.uints(1, width=SCALE_BITS)
        if n_scales >= schedule.n_scales:
            raise CorruptState(
                f"state must speak of fewer than {counted(schedule.n_scales, 'scale')}, got {int(n_scales)}"
            )
        self._n_scales = int(n_scales)
        count = sum(schedule.map_size(k) for k in range(max(0, self._n_scales - 1)))
        self._ids = reader.uints(count, width=self._network.id_bits)
        reader.end()
        if len(self._ids) and int(self._ids.max()) >= self._network.codebook_size:
            raise CorruptState(f"state must hold ids below {self._network.codebook_size}, got {int(self._ids.max())}")
