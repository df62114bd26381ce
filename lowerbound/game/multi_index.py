"""MULTI-INDEX: Bob asks one state about many positions, in blocks of the size that VAR uses.

The last scale sends all its queries at once, one per token, and each query reads all d coordinates of one cached token.
So reading T cached tokens takes ceil(T / T_N) runs of the last scale, each from the same state.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lowerbound.core.schedule import ScaleSchedule


@dataclass(frozen=True)
class QueryBlocks:
    """The blocks of cached tokens for which Bob asks, one block per run of the last scale.

    Contract: the blocks cover 0..T-1 exactly once, in order, and each has at most T_N tokens, or at most `most`.
    """

    schedule: ScaleSchedule
    most: int | None = None

    def __iter__(self) -> Iterator[range]:
        size = self.most or self.schedule.tokens_at(self.schedule.n_scales - 1)
        for start in range(0, self.schedule.n_tokens_cached, size):
            yield range(start, min(start + size, self.schedule.n_tokens_cached))
