"""Computation model R2 in miniature: a public network whose cached values are a function of private token ids.

As in a pipeline with public weights, the values of scale k are computed from the ids of scales 0..k-1 alone. Each id of
scale k-1 passes through a public linear layer over GF(2), is copied to its children at scale k, and is masked by a
public function of the ids of scales 0..k-2. So the T d value bits contain only the entropy of the ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.coins import Coins
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CacheContractBroken, ImpossibleReduction

Ids = NDArray[np.int64]
Bits = NDArray[np.int64]


@dataclass(frozen=True)
class PublicNetwork:
    """The public weights: a map from token ids to the value bits of every cached token.

    Contract: `values(scale, ids)` depends only on `seed` and on the ids of earlier scales; `infer_ids` inverts it, or
    raises CacheContractBroken for values that the network cannot produce. Maps that shrink, or ids of more than d bits,
    raise ImpossibleReduction.

    Parameters
    ----------
    schedule : ScaleSchedule
        Maps before the last scale may not shrink, so that every id has at least one child.
    d : int
        Number of bits of a value row, >= id_bits.
    codebook_size : int
        Ids are integers in [0, codebook_size).
    seed : int
        The seed of the public weights.
    """

    schedule: ScaleSchedule
    d: int
    codebook_size: int
    seed: int

    def __post_init__(self) -> None:
        sizes = [self.schedule.map_size(k) for k in range(self.schedule.n_scales - 1)]
        if sizes != sorted(sizes):
            raise ImpossibleReduction("recompute needs maps that never shrink, so that every token id has a child")
        if self.id_bits > self.d:
            raise ImpossibleReduction(
                f"recompute needs head dimension >= {self.id_bits}, the bits of a token id, got {self.d}"
            )

    @property
    def id_bits(self) -> int:
        """The number of bits of one id in a fixed-width code."""
        return (self.codebook_size - 1).bit_length()

    @property
    def n_id_scales(self) -> int:
        """The number of scales whose ids influence the cache before the last scale: all scales but the last two."""
        return max(0, self.schedule.n_scales - 2)

    @cached_property
    def _layer(self) -> Bits:
        """The public weights [I | P] over GF(2), shape (id_bits, d): they map an id to its bits and public parities."""
        shape = self.id_bits, self.d - self.id_bits
        parities = Coins(self.seed, "network/layer").bits(shape[0] * shape[1]).reshape(shape)
        return np.hstack([np.eye(self.id_bits, dtype=np.int64), parities.astype(np.int64)])

    def _mask(self, scale: int, ids: Ids) -> Bits:
        history = ids[: sum(self.schedule.map_size(k) for k in range(max(0, scale - 1)))]
        purpose = f"network/mask/{scale}/{history.astype('<i8').tobytes().hex()}"
        n_rows = self.schedule.tokens_at(scale)
        return Coins(self.seed, purpose).bits(n_rows * self.d).reshape(n_rows, self.d).astype(np.int64)

    def _parents(self, scale: int) -> NDArray[np.int64]:
        children = np.arange(self.schedule.tokens_at(scale))
        return children * self.schedule.map_size(scale - 1) // len(children)

    def values(self, scale: int, ids: Ids) -> Bits:
        """Value bits of the tokens of `scale`, shape (tokens_at(scale), d), from the ids of earlier scales."""
        mask = self._mask(scale, ids)
        if scale == 0:
            return mask
        start = sum(self.schedule.map_size(k) for k in range(scale - 1))
        parents = ids[start + self._parents(scale)]
        digits = (parents[:, None] >> np.arange(self.id_bits)) & 1
        return (digits @ self._layer & 1) ^ mask

    def infer_ids(self, scale: int, values: Bits, ids: Ids) -> Ids:
        """The ids of scale - 1, computed from the values of `scale` and from all earlier ids; none at scale 0."""
        if scale == 0:
            produced = self.values(0, ids)
            if not np.array_equal(produced, values):
                raise CacheContractBroken("recompute met values that its public network cannot produce")
            return ids[:0]
        systematic = (values ^ self._mask(scale, ids))[:, : self.id_bits]
        parents = self._parents(scale)
        first_child = np.searchsorted(parents, np.arange(self.schedule.map_size(scale - 1)))
        found = systematic[first_child] @ (1 << np.arange(self.id_bits, dtype=np.int64))
        if not np.array_equal(self.values(scale, np.concatenate([ids, found])), values):
            raise CacheContractBroken("recompute met values that its public network cannot produce")
        return found

    def draw_ids(self, instances: PrivateSeed, trial: int) -> Ids:
        """Uniform random private ids, of all scales whose ids influence the cache, in one flat array."""
        count = sum(self.schedule.map_size(k) for k in range(self.n_id_scales))
        stream = instances.coins(f"ids/trial {trial}")
        if self.codebook_size == 1 << self.id_bits:
            digits = stream.bits(count * self.id_bits).reshape(count, self.id_bits).astype(np.int64)
            return digits @ (1 << np.arange(self.id_bits, dtype=np.int64))
        return stream.below(self.codebook_size, count)

    def symbols(self, ids: Ids) -> Bits:
        """The value bits of all cached tokens, shape (n_tokens_cached, d)."""
        return np.concatenate([self.values(k, ids) for k in range(self.schedule.n_scales - 1)])
