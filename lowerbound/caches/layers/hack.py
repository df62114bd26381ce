"""HACK: heads whose queries all attend to the same tokens keep few tokens, other heads keep many."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.eviction.eviction import IndexArray, best
from lowerbound.caches.layers.coupled import CoupledEviction, Kept
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins
from lowerbound.core.oracle.attention import attention_weights


class HACK(CoupledEviction):
    """Contextual heads keep the most attended tokens; structural heads keep coarse maps, the newest map and some more.

    Idea: the variances of the columns of a head's attention matrix are summed; the half of all heads with the smallest
    sums is contextual. A contextual head keeps B_C = B / 4 tokens, a structural head B_S = (B - B_C / 2) / (1 / 2), so
    that the mean is B. A token's score is the attention that 32 sampled queries of the newest map give it. Contextual
    heads keep the highest scores; structural heads keep the first two maps, the newest map, and the highest scores
    between them. Bits: 32, plus 1 per head rounded up to whole bytes, plus the sum over heads of (32 + 32 B_h d).
    Broken by: a query of a contextual head for any token that the sampled queries did not attend to.
    Reference differs (we did not see its code): it classifies heads offline, on 50 samples; this class does so once, on
    the first map that overflows the budget, and stores the result. The share of contextual heads and B_C are not
    published for every model; they are a half and a quarter of B here. The paper's merging in the last step is left
    out, because nothing is cached after it.
    """

    reference: ClassVar[str] = "Qin et al. 2025, arXiv:2504.09261"
    CONTEXTUAL: ClassVar[Fraction] = Fraction(1, 2)
    NARROW: ClassVar[Fraction] = Fraction(1, 4)
    N_OBSERVERS: ClassVar[int] = 32
    N_COARSE: ClassVar[int] = 2

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.contextual: NDArray[np.bool_] = np.zeros((public.n_layers, public.n_heads), dtype=bool)

    def head_budgets(self) -> tuple[int, int]:
        """(B_C, B_S): tokens that a contextual and a structural head keep, with alpha B_C + (1 - alpha) B_S <= B."""
        total = self.public.n_layers * self.public.n_heads
        n_contextual = int(self.CONTEXTUAL * total)
        narrow = max(1, int(self.NARROW * self.capacity)) if n_contextual else self.capacity
        return narrow, (total * self.capacity - n_contextual * narrow) // (total - n_contextual)

    def survivors(self) -> Kept:
        n_layers, n_heads = self.contextual.shape
        sample = self._observers()
        weights = [
            [
                attention_weights(self.queries[layer][head][sample], self.keys[layer][head], rule=self.public.rule)
                for head in range(n_heads)
            ]
            for layer in range(n_layers)
        ]
        if not self.contextual.any():
            spread = np.array([[float(matrix.var(axis=0).sum()) for matrix in heads] for heads in weights])
            lowest = np.argsort(spread, axis=None, kind="stable")[: int(self.CONTEXTUAL * spread.size)]
            self.contextual.flat[lowest] = True
        narrow, wide = self.head_budgets()
        return [
            [
                best(scores, min(narrow, len(scores)))
                if self.contextual[layer, head]
                else self._structural(scores, min(wide, len(scores)))
                for head, scores in enumerate(matrix.sum(axis=0) for matrix in heads)
            ]
            for layer, heads in enumerate(weights)
        ]

    def _observers(self) -> IndexArray:
        """The rows of the newest map's queries whose attention is measured, drawn by public coins."""
        coins = Coins(self.public.seed, f"hack/scale {self.scale}").generator()
        sample: IndexArray = np.sort(coins.permutation(self.n_new)[: self.N_OBSERVERS])
        return sample

    def _structural(self, scores: FloatArray, count: int) -> IndexArray:
        """`count` rows: the coarse maps, then the newest tokens of the newest map, then the highest scores between."""
        n_coarse = min(self.public.schedule.rows_of(self.N_COARSE - 1).stop, count)
        n_newest = min(self.n_new, count - n_coarse, len(scores) - n_coarse)
        between = scores[n_coarse : len(scores) - n_newest]
        chosen = n_coarse + best(between, count - n_coarse - n_newest)
        kept: IndexArray = np.concatenate([np.arange(n_coarse), chosen, np.arange(len(scores) - n_newest, len(scores))])
        return kept

    def write_decisions(self, writer: BitWriter) -> None:
        writer.bits("indices", self.contextual)

    def read_decisions(self, reader: BitReader) -> None:
        self.contextual = reader.bits(self.contextual.size).astype(bool).reshape(self.contextual.shape)
