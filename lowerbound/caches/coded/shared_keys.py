"""Keys that many tokens share: store the exact sum of the values of all tokens with the same key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from lowerbound.caches.coded.ranked import RankedMember
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.enumerative import ProductCode, Range
from lowerbound.core.priors.prior import IntArray


class SharedKeys(RankedMember):
    """For each distinct public key and each coordinate, how many of the key's tokens have value 1.

    Idea: softmax gives tokens with equal keys equal weights, so an answer depends only on the sum of their values. If m
    tokens share a key, the sum takes log2(m + 1) bits per coordinate instead of m, and sums of later scales add to it.
    Bits: ceil(sum over keys of d log2(m + 1)), m the number of tokens so far with that key. Broken by: nothing, if
    values are 0 or 1. If all keys are distinct, as on the hard family, it saves nothing.
    """

    reference: ClassVar[str] = "the exact counterpart of SubGen, arXiv:2402.06082, on clusters of radius 0"
    budget_meaning: ClassVar[str] = ""
    default_budget: ClassVar[None] = None

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        assert public.keys is not None
        first, numbers = np.unique(public.keys.rows, axis=0, return_index=True, return_inverse=True)[1:]
        # Keys are numbered by first appearance, so that the first n tokens have the numbers 0, 1, ... without gaps.
        self._centre: IntArray = np.argsort(np.argsort(first))[numbers.ravel()]

    def _sizes(self, n_tokens: int) -> IntArray:
        return np.bincount(self._centre[:n_tokens])

    def code(self, n_tokens: int) -> ProductCode:
        return ProductCode(tuple(Range(int(size) + 1, self.public.d) for size in self._sizes(n_tokens)))

    def word_of(self, values: FloatArray) -> Sequence[int]:
        sizes = self._sizes(len(values))
        sums = np.zeros((len(sizes), self.public.d))
        np.add.at(sums, self._centre[: len(values)], values)
        counts: list[int] = np.clip(np.rint(sums), 0, sizes[:, None]).astype(np.int64).ravel().tolist()
        return counts

    def member(self, word: Sequence[int], n_tokens: int) -> FloatArray:
        sizes = self._sizes(n_tokens)
        means = np.array(word, dtype=np.float64).reshape(-1, self.public.d) / np.maximum(sizes, 1)[:, None]
        rows: FloatArray = means[self._centre[:n_tokens]]
        return rows
