"""The maps of a schedule as one graph, and a public sample of its cells."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import networkx as nx
import numpy as np

from lowerbound.caches.eviction.eviction import IndexArray
from lowerbound.core.coins import Coins
from lowerbound.core.schedule import ScaleSchedule


def scales_in(schedule: ScaleSchedule, n_tokens: int) -> int | None:
    """How many whole scales the first `n_tokens` tokens form, or None if they end inside a scale."""
    ends = [0, *(schedule.rows_of(k).stop for k in range(schedule.n_scales))]
    return ends.index(n_tokens) if n_tokens in ends else None


@lru_cache(maxsize=4)
def pyramid_graph(schedule: ScaleSchedule) -> nx.Graph:
    """A graph on all tokens: a loop at each, edges between neighbors in a map, and from each cell to its parent.

    Contract: the parent is the cell of the previous map that covers the cell; context tokens have only their loop.
    """
    graph = nx.Graph()
    graph.add_edges_from((token, token) for token in range(schedule.n_tokens))
    for scale, shape in enumerate(schedule.shapes):
        grid = nx.grid_graph(dim=shape[::-1])
        graph.add_edges_from((schedule.token(scale, *a), schedule.token(scale, *b)) for a, b in grid.edges)
        if scale:
            above = schedule.shapes[scale - 1]
            for place in grid.nodes:
                parent = (i * coarse // fine for i, coarse, fine in zip(place, above, shape, strict=True))
                graph.add_edge(schedule.token(scale, *place), schedule.token(scale - 1, *parent))
    return graph


@lru_cache(maxsize=16)
def kept_cells(schedule: ScaleSchedule, seed: int, budget: Fraction) -> tuple[IndexArray, ...]:
    """The cells of each scale that are stored, drawn by public coins: ceil(budget n) of the first n tokens."""
    graph = pyramid_graph(schedule)
    kept = []
    for scale in range(schedule.n_scales):
        rows = schedule.rows_of(scale)
        count = math.ceil(budget * rows.stop) - math.ceil(budget * rows.start)
        degrees = np.array([sum(other < rows.stop for other in graph[cell]) for cell in range(rows.start, rows.stop)])
        coins = Coins(seed, f"topology/scale {scale}").generator()
        chosen = coins.choice(len(degrees), count, replace=False, p=degrees / degrees.sum())
        kept.append(rows.start + np.sort(chosen))
    return tuple(kept)
