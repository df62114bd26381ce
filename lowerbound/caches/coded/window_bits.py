"""Sliding windows as codes: store the value bits of the newest tokens or maps, and nothing else."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.ranked import RankedMember, as_bits
from lowerbound.caches.eviction.window import tokens_of_whole_scales
from lowerbound.core.cache import FloatArray, tokens_within
from lowerbound.core.enumerative import ProductCode, Range


class _WindowBits(RankedMember):
    """Template: the value bits of the newest `capacity` tokens; older values are restored as 0."""

    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)

    @property
    @abstractmethod
    def capacity(self) -> int:
        """W: the number of newest tokens whose bits are kept."""

    def code(self, n_tokens: int) -> ProductCode:
        return ProductCode((Range(2, min(n_tokens, self.capacity) * self.public.d),))

    def word_of(self, values: FloatArray) -> Sequence[int]:
        return as_bits(values[max(0, len(values) - self.capacity) :])

    def member(self, word: Sequence[int], n_tokens: int) -> FloatArray:
        kept = np.array(word, dtype=np.float64).reshape(-1, self.public.d)
        return np.concatenate([np.zeros((n_tokens - len(kept), self.public.d)), kept])


class WindowBits(_WindowBits):
    """The value bits of the last W tokens.

    Idea: if attention sees only the last W tokens, no query can ask for an older one. Bits: W d. Broken by: a query for
    any older token, where attention sees it.
    """

    reference: ClassVar[str] = "sliding-window attention, arXiv:2502.15955: Theta(W d)"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept"

    @property
    def capacity(self) -> int:
        return tokens_within(self.budget, self.public.schedule.n_tokens_cached)


class ScaleBits(_WindowBits):
    """The value bits of the last whole maps that fit in the budget, at least the newest one.

    Idea: if attention sees only a window of maps, no query can ask for an older map. Bits: W d, for the W tokens of
    those maps; before all of these maps have arrived, the cache holds the newest W tokens instead. Broken by: a query
    for any coarser map, where attention sees it.
    """

    reference: ClassVar[str] = "window over scales; AMS-KV, arXiv:2511.16047, keeps whole scales"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, rounded down to whole scales, at least one"

    @property
    def capacity(self) -> int:
        return tokens_of_whole_scales(self.public, self.budget)
