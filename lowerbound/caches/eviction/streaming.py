"""StreamingLLM: the first few tokens as attention sinks, and the newest ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import Eviction, IndexArray


class StreamingLLM(Eviction):
    """The first four tokens and the newest ones.

    Idea: the first tokens soak up attention that has nowhere to go, so a window with them works where a window alone
    fails; no score is read. Bits: 32 B d, at most half of B sinks. Broken by: a query for any token in the gap, which
    is known beforehand.
    Reference code differs: it hands out RoPE positions inside the cache; keys here come as they are.
    """

    family: ClassVar[str] = "window"
    reference: ClassVar[str] = "Xiao et al. 2023, arXiv:2309.17453"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, four of them the first ones"
    SINKS: ClassVar[int] = 4

    def survivors(self, count: int) -> IndexArray:
        n_sinks = min(self.SINKS, count // 2)
        n_stored = len(self.keys)
        return np.concatenate([np.arange(n_sinks), np.arange(n_stored - count + n_sinks, n_stored)])
