"""k-center eviction: keep the newest tokens, and centers that cover the keys of the older ones."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import Eviction, IndexArray
from lowerbound.core.cache import FloatArray


class SubGenKCenter(Eviction):
    """The newest tokens, and k centers that cover the keys of the older ones: what SubGen's experiments ran.

    Idea: greedy k-center: start at the oldest token, then repeatedly take the key farthest from all centers so far;
    answer by plain softmax over the centers and the newest tokens. Bits: 32 B d. Broken by: a query for any older token
    that is not a center. The experiments choose once, on a whole prompt; this class chooses after each scale, among the
    tokens still stored. Low confidence: the share of newest tokens, which is half of B here.
    """

    reference: ClassVar[str] = "experiments of Zandieh et al. 2024, arXiv:2402.06082"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, half centres and half recent"

    def survivors(self, count: int) -> IndexArray:
        n_recent = count // 2
        n_older = len(self.keys) - n_recent
        centres = greedy_centres(self.keys[:n_older], count - n_recent)
        return np.concatenate([np.sort(centres), np.arange(n_older, len(self.keys))])


def greedy_centres(points: FloatArray, count: int) -> IndexArray:
    """`count` distinct rows, each the farthest from the rows chosen before it; among ties the older row is chosen."""
    centres = np.zeros(count, dtype=np.int64)
    distances = np.full(len(points), np.inf)
    for i in range(count):
        centres[i] = distances.argmax()
        distances = np.minimum(distances, np.linalg.norm(points - points[centres[i]], axis=1))
        distances[centres[: i + 1]] = -1.0
    return centres
