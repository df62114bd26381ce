"""Priors on groups of tokens: cells of a block share one value row, or many tokens share one key."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import ClassVar, Self

import numpy as np

from lowerbound.core.priors.prior import FloatArray, Group, IntArray, Prior, bits_of
from lowerbound.core.schedule import ScaleSchedule

TABLE_SIDE = 2
TABLE_CLUSTER = 16


@lru_cache(maxsize=16)
def block_of(schedule: ScaleSchedule, side: int) -> IntArray:
    """The block number of each token, shape (n_tokens,), read-only; a block is a side x side square of cells of a map.

    Contract: blocks are numbered in the order of their first tokens. Blocks at the edge of a map may be smaller. In a
    video, a block lies in one frame. Each prompt token is a block by itself.
    """
    numbers: dict[tuple[int, ...], int] = {}
    found = np.empty(schedule.n_tokens, dtype=np.int64)
    for token in range(schedule.n_tokens):
        if token < schedule.n_context:
            place: tuple[int, ...] = (-1, token)
        else:
            *before, row, column = schedule.locate(token)
            place = (*before, row // side, column // side)
        found[token] = numbers.setdefault(place, len(numbers))
    found.setflags(write=False)
    return found


@dataclass(frozen=True)
class BlocksPrior(Prior):
    """All cells of a public block have the same value row."""

    name: ClassVar[str] = "blocks"
    lemma: ClassVar[str] = "prior_blocks"

    side: int

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        return cls(schedule, d, TABLE_SIDE)

    @cached_property
    def block(self) -> IntArray:
        """The block number of each cached token, shape (T,)."""
        return block_of(self.schedule, self.side)[: self.n_tokens]

    @property
    def n_blocks(self) -> int:
        """The number of blocks in all cached maps together, prompt tokens included."""
        return int(self.block.max()) + 1

    @property
    def definition(self) -> str:
        return (
            f"the cells of each block of {self.side} x {self.side} share one row, {self.n_blocks} rows in all; 0 or 1"
        )

    @property
    def groups(self) -> tuple[Group, ...]:
        return (Group("values", 2, self.n_blocks * self.d),)

    def values(self, symbols: IntArray) -> FloatArray:
        rows: FloatArray = symbols.reshape(self.n_blocks, self.d)[self.block].astype(np.float64)
        return rows

    def symbols(self, values: FloatArray) -> IntArray:
        first = np.unique(self.block, return_index=True)[1]
        return bits_of(values[first]).ravel()

    @property
    def budget(self) -> Fraction:
        return Fraction(1, self.side**2)


@dataclass(frozen=True)
class ClustersPrior(Prior):
    """Tokens share few public keys, called centers; attention can only read the mean value of a center's tokens.

    A symbol is the number of a center's tokens that have a 1 in one coordinate. Attention cannot reveal which of them
    do; by convention, the first ones do.
    """

    name: ClassVar[str] = "clusters"
    lemma: ClassVar[str] = "prior_clusters"

    n_centres: int

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        return cls(schedule, d, -(-schedule.n_tokens_cached // TABLE_CLUSTER))

    @property
    def definition(self) -> str:
        most = -(-self.n_tokens // self.n_centres)
        return f"keys lie on {self.n_centres} public centres, each with at most {most} tokens; values 0 or 1"

    @cached_property
    def key_of(self) -> IntArray:
        return np.arange(self.n_tokens) % self.n_centres

    @cached_property
    def _sizes(self) -> IntArray:
        return np.bincount(self.key_of, minlength=self.n_centres)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        sizes, counts = np.unique(self._sizes, return_counts=True)
        parts = zip(sizes.tolist(), counts.tolist(), strict=True)
        return tuple(Group(f"sums of {size}", size + 1, count * self.d) for size, count in reversed(list(parts)))

    @cached_property
    def _place(self) -> IntArray:
        """The rank of each token among the tokens of its center, from 0."""
        return np.arange(self.n_tokens) // self.n_centres

    def values(self, symbols: IntArray) -> FloatArray:
        sums = symbols.reshape(self.n_centres, self.d)
        rows: FloatArray = (self._place[:, None] < sums[self.key_of]).astype(np.float64)
        return rows

    def symbols(self, values: FloatArray) -> IntArray:
        """The word of a matrix near a member, from its column sums over each center.

        Bob reads the center's mean for each of its tokens; the sum of these equals the sum of the member's own rows.
        """
        sums = np.zeros((self.n_centres, self.d))
        np.add.at(sums, self.key_of, values)
        found: IntArray = np.clip(np.rint(sums), 0, self._sizes[:, None]).astype(np.int64).ravel()
        return found

    @property
    def margin(self) -> Fraction:
        return Fraction(1, 2 * int(self._sizes.max()))
