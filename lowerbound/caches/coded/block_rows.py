"""One row of bits for each block of neighboring cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.ranked import RankedMember, as_bits
from lowerbound.core.cache import FloatArray
from lowerbound.core.enumerative import ProductCode, Range
from lowerbound.core.priors.groups import block_of
from lowerbound.core.priors.prior import IntArray


class BlockRows(RankedMember):
    """For each block of g x g cells of a map, the bitwise majority of its value rows; ties count as 0.

    Idea: neighboring cells resemble each other. Bits: d per block of which a token has arrived; blocks at the border of
    a map may be smaller. Broken by: a cell that differs from the rest of its block.
    """

    reference: ClassVar[str] = "merging of neighbouring tokens, as in ToMe, arXiv:2210.09461"
    budget_meaning: ClassVar[str] = "1 / g^2, where g is rounded down to an integer"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 4)

    @property
    def side(self) -> int:
        """g: the side of a block, in cells."""
        return math.isqrt(int(1 / self.budget))

    def _blocks(self, n_tokens: int) -> IntArray:
        return block_of(self.public.schedule, self.side)[:n_tokens]

    def code(self, n_tokens: int) -> ProductCode:
        n_blocks = int(self._blocks(n_tokens).max(initial=-1)) + 1
        return ProductCode((Range(2, n_blocks * self.public.d),))

    def word_of(self, values: FloatArray) -> Sequence[int]:
        blocks = self._blocks(len(values))
        sizes = np.bincount(blocks)
        sums = np.zeros((len(sizes), self.public.d))
        np.add.at(sums, blocks, (values > 0.5).astype(np.float64))
        return as_bits(sums / np.maximum(sizes, 1)[:, None])

    def member(self, word: Sequence[int], n_tokens: int) -> FloatArray:
        rows = np.array(word, dtype=np.float64).reshape(-1, self.public.d)
        return rows[self._blocks(n_tokens)]
