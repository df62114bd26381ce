"""Topology-aware embedding memory: average keys and values over neighboring cells of the maps, and keep a sample."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar, Literal

import networkx as nx
import numpy as np

from lowerbound.caches.eviction.eviction import IndexArray
from lowerbound.caches.merged.pyramid import kept_cells, pyramid_graph, scales_in
from lowerbound.caches.merged.weighted import WeightedTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, bits_of_pairs
from lowerbound.core.scalars import counted
from lowerbound.errors import CorruptState, InvalidArgument

NO_CELLS: IndexArray = np.zeros(0, dtype=np.int64)


class TopologyMemory(WeightedTokens):
    """Embeddings of a public sample of cells: each is an average over neighboring cells, and carries a weight.

    Idea: the maps form a graph, with edges between neighbors in a map, an edge from each cell to the cell of the
    previous map that covers it, and a loop at each cell. Keys and values of the newest scale are averaged over this
    graph by S^k, S = D^-1/2 A D^-1/2, A the adjacency and D the degrees; older cells take part through their stored
    embeddings. Of the scale's n cells, m are drawn without replacement, in proportion to their degrees, and stored;
    their logits get log(n / m) added. Degrees and coins are public, so which cells are stored costs no bits. Bits:
    32 d ceil(f n_seen), f the budget. Broken by: a query for any one token.
    The original (PDGNNs) is continual learning on growing graphs. Three parts carry over: propagation without
    parameters (SGC with k = 2, S2GC and APPNP with alpha = 0.05; all three are here, SGC by default), a memory of
    embeddings, and sampling by coverage, for which the degree is the original's surrogate. Labels, classes and the
    trained layer do not carry over. The mapping to KV caches is ours.
    """

    family: ClassVar[str] = "merging"
    reference: ClassVar[str] = "Zhang et al. 2024, arXiv:2401.13200"
    budget_meaning: ClassVar[str] = "fraction of cells whose embeddings are kept, rounded up"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)
    PROPAGATION: ClassVar[Literal["sgc", "s2gc", "appnp"]] = "sgc"
    STEPS: ClassVar[int] = 2
    ALPHA: ClassVar[float] = 0.05

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._kept = kept_cells(public.schedule, public.seed, self.budget)
        self._n_scales = 0

    @property
    def counted_bits(self) -> int:
        """The embeddings that stay, in float16."""
        return bits_of_pairs(self.public, sum(len(kept) for kept in self._kept[:-1]))

    def write(self, writer: BitWriter) -> None:
        schedule, n_scales = self.public.schedule, scales_in(self.public.schedule, self.n_seen)
        if n_scales is None:
            raise InvalidArgument(
                f"tokens must arrive in whole scales of {schedule}, got {counted(self.n_seen, 'token')} so far"
            )
        features = np.concatenate([self.keys, self.values], axis=1)
        cells = np.concatenate([NO_CELLS, *self._kept[: self._n_scales]])
        stored, fresh = features[: len(cells)], features[len(cells) :]
        for scale in range(self._n_scales, n_scales):
            rows, n_new = schedule.rows_of(scale), schedule.tokens_at(scale)
            on_graph = np.concatenate([cells, np.arange(rows.start, rows.stop)])
            embedded = self.propagated(on_graph, np.concatenate([stored, fresh[:n_new]]))[len(cells) :]
            stored = np.concatenate([stored, embedded[self._kept[scale] - rows.start]])
            cells, fresh = np.concatenate([cells, self._kept[scale]]), fresh[n_new:]
        writer.floats("payload", stored, width=FP16_BITS)

    def propagated(self, cells: IndexArray, features: FloatArray) -> FloatArray:
        """The embeddings of `cells`: their features averaged over the subgraph of these cells, by PROPAGATION."""
        graph = pyramid_graph(self.public.schedule).subgraph(cells.tolist())
        adjacency = nx.to_scipy_sparse_array(graph, nodelist=cells.tolist(), dtype=np.float64, format="csr")
        root = 1 / np.sqrt(np.maximum(adjacency.sum(axis=1), 1))[:, None]
        state, total = features, np.zeros_like(features)
        for _ in range(self.STEPS):
            state = root * (adjacency @ (root * state))
            if self.PROPAGATION == "appnp":
                state = (1 - self.ALPHA) * state + self.ALPHA * features
            total += state
        if self.PROPAGATION == "s2gc" and self.STEPS:
            return (1 - self.ALPHA) / self.STEPS * total + self.ALPHA * features
        return state

    def read(self, reader: BitReader) -> None:
        schedule, n_scales = self.public.schedule, scales_in(self.public.schedule, self.n_seen)
        if n_scales is None:
            raise CorruptState(f"state must end with a scale of {schedule}, got {counted(self.n_seen, 'token')}")
        counts = [len(kept) for kept in self._kept[:n_scales]]
        n_stored, d = sum(counts), self.public.d
        features = reader.floats(n_stored * 2 * d, width=FP16_BITS).reshape(n_stored, 2 * d)
        self.keys, self.values = features[:, :d].copy(), features[:, d:].copy()
        self.log_weights = np.log([schedule.tokens_at(k) / m for k, m in enumerate(counts) for _ in range(m)])
        self._n_scales = n_scales
