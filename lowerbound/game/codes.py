"""Covering codes: one-way protocols whose rate is close to the lower bound 1 - H2(delta).

Alice sends the index of a codeword nearest to her block of bits, and Bob reads the bit from that codeword. The error
rate is exactly the mean distance of a block from the code, divided by the block length.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowerbound.errors import invalid

BitTable = NDArray[np.int64]


@dataclass(frozen=True)
class CoveringCode:
    """A binary linear code in systematic form, used for the quantization of fair coins.

    Contract: `quantise` maps every block to the message of a nearest codeword, `codewords` maps a message to its
    codeword, and `error` is the exact mean fraction of wrong bits over uniform blocks.

    Parameters
    ----------
    parity : tuple of tuple of int
        The right part P, shape (k, n - k), of the generator [I | P].
    """

    name: str
    parity: tuple[tuple[int, ...], ...]

    @property
    def n_message_bits(self) -> int:
        """k, the number of bits that are sent per block."""
        return len(self.parity)

    @property
    def n_block_bits(self) -> int:
        """n, the length of a block in bits."""
        return len(self.parity) + len(self.parity[0])

    @property
    def rate(self) -> Fraction:
        """The number of bits sent per bit of the block, k/n."""
        return Fraction(self.n_message_bits, self.n_block_bits)

    @cached_property
    def _generator(self) -> BitTable:
        parity = np.array(self.parity, dtype=np.int64)
        return np.hstack([np.eye(len(parity), dtype=np.int64), parity])

    @cached_property
    def _checks(self) -> BitTable:
        parity = np.array(self.parity, dtype=np.int64)
        return np.vstack([parity, np.eye(parity.shape[1], dtype=np.int64)])

    def _syndromes(self, blocks: BitTable) -> NDArray[np.int64]:
        n_checks = self.n_block_bits - self.n_message_bits
        return (blocks @ self._checks & 1) @ (1 << np.arange(n_checks, dtype=np.int64))

    @cached_property
    def _leaders(self) -> BitTable:
        """A vector of least weight in every coset of the code, indexed by syndrome."""
        n = self.n_block_bits
        n_cosets = 2 ** (n - self.n_message_bits)
        leaders = np.full((n_cosets, n), -1, dtype=np.int64)
        found = 0
        for weight in range(n + 1):
            for support in combinations(range(n), weight):
                vector = np.zeros((1, n), dtype=np.int64)
                vector[0, list(support)] = 1
                (syndrome,) = self._syndromes(vector)
                if leaders[syndrome, 0] < 0:
                    leaders[syndrome] = vector
                    found += 1
            if found == n_cosets:
                break
        return leaders

    @cached_property
    def error(self) -> Fraction:
        """The mean distance of a uniform block from the code, divided by the block length."""
        return Fraction(int(self._leaders.sum()), self._leaders.size)

    def quantise(self, blocks: ArrayLike) -> BitTable:
        """The messages, shape (b, k), of codewords nearest to b blocks, shape (b, n).

        Contract: blocks of another shape raise InvalidArgument.
        """
        table = np.asarray(blocks, dtype=np.int64)
        if table.ndim != 2 or table.shape[1] != self.n_block_bits:
            raise invalid("blocks", f"have shape (any, {self.n_block_bits})", table.shape)
        nearest = table ^ self._leaders[self._syndromes(table)]
        return nearest[:, : self.n_message_bits]

    def codewords(self, messages: ArrayLike) -> BitTable:
        """The codewords, shape (b, n), of b messages, shape (b, k)."""
        table: BitTable = np.asarray(messages, dtype=np.int64) @ self._generator & 1
        return table


def _cyclic_parity(n: int, polynomial: int) -> tuple[tuple[int, ...], ...]:
    """The parity part P of the cyclic code with this generator polynomial; row i is x^(n-1-i) modulo the polynomial."""
    degree = polynomial.bit_length() - 1
    rows = []
    for power in range(n - 1, degree - 1, -1):
        remainder = 1 << power
        while remainder >> degree:
            remainder ^= polynomial << (remainder.bit_length() - 1 - degree)
        rows.append(tuple(remainder >> j & 1 for j in range(degree - 1, -1, -1)))
    return tuple(rows)


@lru_cache
def majority_of_three() -> CoveringCode:
    """The [3, 1] code, which sends the majority of three bits: rate 1/3, error 1/4."""
    return CoveringCode("majority", ((1, 1),))


@lru_cache
def hamming() -> CoveringCode:
    """Hamming's perfect [7, 4] code: rate 4/7, error 1/8."""
    return CoveringCode("hamming", _cyclic_parity(7, 0b1011))


@lru_cache
def golay() -> CoveringCode:
    """Golay's perfect [23, 12] code: rate 12/23, error 2921/23552 = 0.12402..."""
    return CoveringCode("golay", _cyclic_parity(23, 0b110001110101))
