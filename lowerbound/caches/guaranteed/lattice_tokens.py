"""Template: unit keys rounded to a lattice, values rounded to cells, tokens as a multiset; answers within eta."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.guaranteed.word_tokens import WordTokens
from lowerbound.ceiling.achieved import Rounded, rounded
from lowerbound.ceiling.multisets import MultisetCode
from lowerbound.ceiling.promise import promise
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public


class LatticeTokens(WordTokens):
    """Template: a final class names the lattice. The order of tokens is not kept."""

    terms: Rounded
    plays: ClassVar[str]

    @classmethod
    def promised(cls, public: Public) -> Rounded:
        multiplier, eta = promise(public)
        n_tokens = max(1, public.schedule.n_tokens_cached)
        return rounded(cls.plays, n_tokens, public.d, multiplier=multiplier, eta=eta)

    def key_shifts(self, public: Public) -> FloatArray:
        return np.zeros((1, self.terms.lattice.n))

    def cells_of(self, values: FloatArray) -> NDArray[np.int64]:
        return self.terms.cells.nearest(values)

    def values_of(self, cells: NDArray[np.int64]) -> FloatArray:
        return self.terms.cells.centre_array[cells]

    def write_words(self, writer: BitWriter, words: list[int], n_words: int) -> None:
        MultisetCode(self.n_seen, n_words).write(writer, words)

    def read_words(self, reader: BitReader, n_words: int) -> list[int]:
        return MultisetCode(self.n_old, n_words).read(reader)
