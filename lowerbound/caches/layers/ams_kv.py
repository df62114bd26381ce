"""AMS-KV: maps are kept or dropped whole; layers whose keys change much from map to map keep more maps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import IndexArray
from lowerbound.caches.layers.coupled import CoupledEviction, Kept
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.scalars import counted
from lowerbound.errors import CorruptState, invalid


def resized(rows: FloatArray, before: tuple[int, ...], after: tuple[int, ...]) -> FloatArray:
    """A map of rows, shape (cells, d), resized by linear interpolation between pixel centers, with edges repeated."""
    grid = rows.reshape(*before, rows.shape[-1])
    for axis, (old, new) in enumerate(zip(before, after, strict=True)):
        places = (np.arange(new) + 0.5) * old / new - 0.5
        weights = np.array([np.interp(places, np.arange(old), column) for column in np.eye(old)])
        grid = np.moveaxis(np.tensordot(grid, weights, axes=(axis, 0)), -1, axis)
    return grid.reshape(-1, rows.shape[-1])


class AMSKV(CoupledEviction):
    """A layer keeps its two coarsest maps and the newest maps that fit; demanding layers may keep twice as many tokens.

    Idea: a layer's capacity is C_min tokens. When the layer overflows while its keys change much from the previous
    map to the newest, |resize(K_{k-1}) - K_k| > theta |K_k|, the layer is demanding: its capacity rises to C_max =
    2 C_min for good. Then the oldest map that is not one of the 2 coarsest is dropped, until the rest fits (at last
    the newer of those two). A map larger than C_max is not cached. All heads of a layer keep the same maps. Bits:
    32, plus per layer K + 1 (K the number of scales) rounded up to whole bytes, plus the sum over heads of (32 + 32
    B_l d). Broken by: a query for a token of a dropped map. Reference differs (we did not see its code): the paper
    publishes no absolute value of theta for any model, so theta is relative here, 1/2; and a layer whose previous
    map has been dropped keeps its capacity.
    """

    reference: ClassVar[str] = "Xu et al. 2025, arXiv:2511.16047"
    budget_meaning: ClassVar[str] = "C_min as a fraction of cached tokens; demanding layers have twice that"
    N_CONDENSED: ClassVar[int] = 2
    THETA: ClassVar[float] = 0.5

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.raised = [False] * public.n_layers
        self.maps: list[list[int]] = [[] for _ in range(public.n_layers)]

    def append(
        self, layer: int, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None
    ) -> None:
        size = self.public.schedule.tokens_at(scale)
        if keys.shape[1] not in (0, size):
            raise invalid(
                "keys", f"be a whole map of {counted(size, 'token')} at scale {scale}", keys.shape[1], nearest=size
            )
        super().append(layer, keys, values, scale, queries)
        if keys.shape[1]:
            self.maps[layer].append(scale)

    def survivors(self) -> Kept:
        return [[self._maps_that_stay(layer)] * self.public.n_heads for layer in range(self.public.n_layers)]

    def _maps_that_stay(self, layer: int) -> IndexArray:
        places, start = {}, 0
        for scale in self.maps[layer]:
            places[scale] = start + np.arange(self.public.schedule.tokens_at(scale))
            start += len(places[scale])
        if start > self.capacity and self.is_demanding(layer, places):
            self.raised[layer] = True
        highest = 2 * self.capacity
        limit = highest if self.raised[layer] else self.capacity
        kept = [scale for scale, rows in places.items() if len(rows) <= highest]
        while sum(len(places[scale]) for scale in kept) > limit:
            kept.remove(next((scale for scale in kept if scale >= self.N_CONDENSED), kept[-1]))
        self.maps[layer] = kept
        return np.concatenate([np.zeros(0, dtype=np.int64), *(places[scale] for scale in kept)])

    def is_demanding(self, layer: int, places: Mapping[int, IndexArray]) -> bool:
        """Whether the newest map's keys are far from the resized keys of the map before, on average over the heads."""
        before, newest = self.scale - 1, self.scale
        if before not in places:
            return False
        shapes = self.public.schedule.shapes
        moved = whole = 0.0
        for keys in self.keys[layer]:
            new = keys[places[newest][-self.public.schedule.map_size(newest) :]]
            old = keys[places[before][-self.public.schedule.map_size(before) :]]
            moved += float(np.linalg.norm(resized(old, shapes[before], shapes[newest]) - new))
            whole += float(np.linalg.norm(new))
        return moved > self.THETA * whole

    def write_decisions(self, writer: BitWriter) -> None:
        n_scales = self.public.schedule.n_scales
        for raised, maps in zip(self.raised, self.maps, strict=True):
            writer.bits("indices", [raised, *(scale in maps and self.capacity > 0 for scale in range(n_scales))])

    def read_decisions(self, reader: BitReader) -> None:
        for layer in range(self.public.n_layers):
            flags = reader.bits(1 + self.public.schedule.n_scales)
            self.raised[layer] = bool(flags[0])
            self.maps[layer] = np.flatnonzero(flags[1:]).tolist()

    def decode(self, data: bytes) -> None:
        super().decode(data)
        for maps, heads in zip(self.maps, self.keys, strict=True):
            wanted = sum(map(self.public.schedule.tokens_at, maps))
            if any(len(keys) != wanted for keys in heads):
                raise CorruptState(f"state must keep all {counted(wanted, 'token')} of the maps that it names")
