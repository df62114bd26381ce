"""MULTI-INDEX: one state answers many positions, asked in the blocks in which VAR asks.

The last scale sends all its queries at once, one a token; each query reads all d coordinates of one cached token. So
T cached tokens take ceil(T / T_N) runs of the last scale, each from the same state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lowerbound.core.schedule import ScaleSchedule


@dataclass(frozen=True)
class QueryBlocks:
    """The blocks of cached tokens that Bob asks for.

    Contract: the blocks cover 0..T-1 once, in order, and none is longer than the last scale.
    """

    schedule: ScaleSchedule

    def __iter__(self) -> Iterator[range]:
        size = self.schedule.tokens_at(self.schedule.n_scales - 1)
        for start in range(0, self.schedule.n_tokens_cached, size):
            yield range(start, min(start + size, self.schedule.n_tokens_cached))
