"""StreamingLLM: the first few tokens as attention sinks, and the newest ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import Eviction, IndexArray


class StreamingLLM(Eviction):
    """The first four tokens and the newest ones.

    Idea: trained models put spare attention on the first tokens (attention sinks), so a window that includes them works
    where a window alone fails. No score is computed. Bits: 32 B d; at most half of the B tokens are sinks. Broken by: a
    query for any token in the gap between sinks and window, whose place is known beforehand.
    Reference code differs: it assigns RoPE positions inside the cache; this class stores keys as they arrive.
    """

    family: ClassVar[str] = "window"
    reference: ClassVar[str] = "Xiao et al. 2023, arXiv:2309.17453"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, four of them the first ones"
    SINKS: ClassVar[int] = 4

    def survivors(self, count: int) -> IndexArray:
        n_sinks = min(self.SINKS, count // 2)
        n_stored = len(self.keys)
        return np.concatenate([np.arange(n_sinks), np.arange(n_stored - count + n_sinks, n_stored)])
