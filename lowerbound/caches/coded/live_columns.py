"""Values with few live (nonzero) columns: store which columns they are, and their bits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.ranked import RankedMember, as_bits
from lowerbound.core.cache import FloatArray
from lowerbound.core.enumerative import ProductCode, Range
from lowerbound.core.priors.columns import Supports


class LiveColumns(RankedMember):
    """The value bits of the c coordinates that are 1 most often, and which coordinates those are.

    Idea: an l(1,1) constraint zeroes whole columns of a code (`sparse-ae` does so with floats). The set of live columns
    is one of C(d, c), and is stored once for all tokens. Bits: ceil(log2 C(d, c) + n c). Broken by: more than c live
    columns.
    """

    reference: ClassVar[str] = "l(1,1)-constrained codes: arXiv:2209.04448; enumerative coding: Cover 1973"
    budget_meaning: ClassVar[str] = "c over d, rounded down, at least 1"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 8)

    @property
    def supports(self) -> Supports:
        """The possible sets of live columns: all sets of c of the d columns."""
        return Supports(self.public.d, max(1, int(self.budget * self.public.d)))

    def code(self, n_tokens: int) -> ProductCode:
        return ProductCode((Range(self.supports.count, 1), Range(2, n_tokens * self.supports.size)))

    def word_of(self, values: FloatArray) -> Sequence[int]:
        bits = values > 0.5
        often = np.argsort(-bits.sum(axis=0), kind="stable")
        live = np.sort(often[: self.supports.size])
        return [self.supports.rank(live.tolist()), *as_bits(values[:, live])]

    def member(self, word: Sequence[int], n_tokens: int) -> FloatArray:
        rank, *bits = word
        values = np.zeros((n_tokens, self.public.d))
        values[:, self.supports.columns(rank)] = np.array(bits, dtype=np.float64).reshape(n_tokens, self.supports.size)
        return values
