"""A code for multisets of words in a fixed number of bits; order need not be stored, since softmax ignores it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.errors import CorruptState, invalid

LEAST_BUCKETS_PER_ITEM = 8


@dataclass(frozen=True)
class MultisetCode:
    """A code for multisets of `n_items` words in [0, n_words).

    The high bits of all words (heads) are written together as one rank; the low `tail_bits` bits of each word (its
    tail) are written unchanged.

    Contract: `encode` and `decode` are inverse to each other between increasing lists of n_items words and pairs
    (rank in [0, 2^rank_bits), tails in [0, 2^tail_bits)); `decode` raises CorruptState for pairs that `encode` cannot
    return. `bits` is at most log2 of the number of multisets, plus 0.1 n_items + 1. n_items < 0 or n_words < 1 raise
    InvalidArgument.

    Notes
    -----
    Let n = n_items. A head is one of L = ceil(n_words / 2^tail_bits) buckets, and L >= 8 n if n_words >= 8 n. From
    increasing heads b_i one gets strictly increasing s_i = b_i + i, whose rank is sum_i C(s_i, i + 1) (combinatorial
    number system). The bound on `bits` follows from C(L + n - 1, n) <= L^n / n! exp(n^2 / (2 L)) and
    n^2 / (2 L) log2 e <= 0.1 n.
    """

    n_items: int
    n_words: int

    def __post_init__(self) -> None:
        if self.n_items < 0 or self.n_words < 1:
            raise invalid("a multiset", "have at least 0 items out of at least 1 word", (self.n_items, self.n_words))

    @cached_property
    def tail_bits(self) -> int:
        """The number of low bits of each word that are written unchanged."""
        return max(0, (self.n_words // max(1, LEAST_BUCKETS_PER_ITEM * self.n_items)).bit_length() - 1)

    @cached_property
    def n_buckets(self) -> int:
        """L, the number of possible heads."""
        return -(-self.n_words >> self.tail_bits)

    @cached_property
    def n_ranks(self) -> int:
        """The number of possible ranks: C(L + n - 1, n)."""
        return math.comb(self.n_buckets + self.n_items - 1, self.n_items)

    @property
    def rank_bits(self) -> int:
        """The number of bits of a rank."""
        return (self.n_ranks - 1).bit_length()

    @property
    def bits(self) -> int:
        """The number of bits of a written multiset."""
        return self.rank_bits + self.n_items * self.tail_bits

    def encode(self, words: Sequence[int]) -> tuple[int, list[int]]:
        """The rank of the heads and the list of tails, for an increasing list of words."""
        rank = 0
        top, binomial = self._top()
        for count in range(self.n_items, 0, -1):
            while top > (words[count - 1] >> self.tail_bits) + count - 1:
                binomial = binomial * (top - count) // top
                top -= 1
            rank += binomial
            binomial = binomial * count // max(top, 1)
            top -= 1
        return rank, [word & ((1 << self.tail_bits) - 1) for word in words]

    def decode(self, rank: int, tails: Sequence[int]) -> list[int]:
        """The increasing list of words that `encode` turned into this rank and these tails."""
        if rank >= self.n_ranks:
            raise CorruptState(f"state must hold a rank below {self.n_ranks}, got {rank}")
        words = []
        top, binomial = self._top()
        for count in range(self.n_items, 0, -1):
            while binomial > rank:
                binomial = binomial * (top - count) // top
                top -= 1
            rank -= binomial
            words.append((top - count + 1 << self.tail_bits) + tails[count - 1])
            binomial = binomial * count // max(top, 1)
            top -= 1
        words.reverse()
        if words != sorted(words) or (words and words[-1] >= self.n_words):
            raise CorruptState("state must hold increasing words of the alphabet")
        return words

    def write(self, writer: BitWriter, words: Sequence[int]) -> None:
        """Write the words, given in any order, as two payload fields."""
        rank, tails = self.encode(sorted(words))
        writer.bits("payload", bits_of_integers([rank], self.rank_bits))
        writer.bits("payload", bits_of_integers(tails, self.tail_bits))

    def read(self, reader: BitReader) -> list[int]:
        """Read back the words that `write` wrote, in increasing order."""
        (rank,) = integers_of_bits(reader.bits(self.rank_bits), 1)
        return self.decode(rank, integers_of_bits(reader.bits(self.n_items * self.tail_bits), self.n_items))

    def _top(self) -> tuple[int, int]:
        """The largest possible s = s_(n-1), and C(s, n), from which `encode` and `decode` start."""
        # Both walk down from here in at most L + n steps. A step updates the binomial coefficient by one product and
        # one quotient, which is much cheaper than computing each coefficient anew.
        top = self.n_buckets + self.n_items - 2
        return top, math.comb(top, self.n_items) if self.n_items else 0


def bits_of_integers(numbers: Sequence[int], width: int) -> NDArray[np.uint8]:
    """The bits of all numbers, `width` bits per number, most significant bit first."""
    n_bytes = -(-width // 8)
    data = b"".join(number.to_bytes(n_bytes, "big") for number in numbers)
    return (
        np.unpackbits(np.frombuffer(data, dtype=np.uint8)).reshape(len(numbers), 8 * n_bytes)[:, -width % 8 :].ravel()
    )


def integers_of_bits(bits: NDArray[np.uint8], count: int) -> list[int]:
    """The `count` numbers that these bits encode, all of the same width: the inverse of `_bits`."""
    width = len(bits) // max(1, count)
    rows = np.pad(bits.reshape(count, width), ((0, 0), (-width % 8, 0)))
    return [int.from_bytes(np.packbits(row).tobytes(), "big") for row in rows]
